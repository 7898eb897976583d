"""The demo's texts: real ones, with the answers that people gave. Where they come from stands in data/README.md."""

from __future__ import annotations

import csv
import random
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "data"
REVIEWERS = ("reviewer_1", "reviewer_2", "reviewer_3")


@dataclass(frozen=True)
class Item:
    """A text with its known right answer. `key` names it in its source."""

    key: str
    text: str
    expected: str

    def is_answered_by(self, output: str) -> bool:
        """The wanted word and nothing else: what a program that reads the answer needs."""
        return output.strip() == self.expected

    def is_named_in(self, output: str) -> bool:
        """The wanted word occurs somewhere: good enough for a reader."""
        return self.expected in re.findall(r"\w+", output.casefold())


@dataclass(frozen=True)
class Edit:
    """A change that somebody made to a text, and what each reviewer decided: {"reviewer_1": True (accept) or False}."""

    key: str
    intent: str
    before: str
    after: str
    decisions: Mapping[str, bool]


def read_items(name: str) -> list[Item]:
    """The items of data/<name>.csv, in the order of the file."""
    return [Item(row["id"], row["text"], row["expected"]) for row in _rows(name)]


def read_edits() -> list[Edit]:
    return [
        Edit(
            row["id"],
            row["intent"],
            row["before"],
            row["after"],
            {name: row[name] == "accept" for name in REVIEWERS if row[name]},
        )
        for row in _rows("edits")
    ]


def draw(items: Sequence[Item], sizes: Mapping[str, int], seed: int) -> dict[str, list[Item]]:
    """Disjoint samples of the wanted sizes, each with the answers as balanced as its size allows.

    The same seed draws the same. Raises ValueError when there are not enough items.
    """
    if sum(sizes.values()) > len(items):
        raise ValueError(f"{sum(sizes.values())} items are wanted, there are {len(items)}.")
    rng = random.Random(seed)
    taking_turns = _by_turns(items, rng)
    samples, start = {}, 0
    for name, size in sizes.items():
        samples[name] = taking_turns[start : start + size]
        rng.shuffle(samples[name])
        start += size
    return samples


def _by_turns(items: Sequence[Item], rng: random.Random) -> list[Item]:
    """Shuffled, with the answers taking turns."""
    groups: defaultdict[str, list[Item]] = defaultdict(list)
    for item in rng.sample(list(items), len(items)):
        groups[item.expected].append(item)
    turns = [(position, label, item) for label, group in groups.items() for position, item in enumerate(group)]
    return [item for _, _, item in sorted(turns, key=lambda turn: (turn[0], turn[1]))]


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
