"""Prompts that choose their examples anew for each question: those most like it.

Liu and others, "What makes good in-context examples for GPT-3?" (2022). Where questions come back in other words it
beats every set that is the same for all. Where they do not, a fixed set may be better, and a server that remembers the
beginning of a prompt answers it sooner. The race finds out; how many of its places they get, the examples say.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from learning.engines.nearest import NearestTexts
from learning.engines.prompt.demonstrations import MOST_SHOWN, as_turns
from learning.engines.prompt.results import Variant, VariantKind
from learning.engines.types import Demonstration, Example, Prompt

SHOWN = (8, 16)
VOTERS = 8
SURE = 2.0  # standard errors
FEWEST_TO_CHOOSE_FROM = 12
MOST_TO_CHOOSE_FROM = 200
MOST_CHARACTERS = 100_000  # of all examples: a config travels to every client


class Text(Protocol):
    """An instruction and what it is called."""

    @property
    def name(self) -> str: ...

    @property
    def text(self) -> str: ...


def nearest_variants(
    current: Prompt, texts: Sequence[Text], train: Sequence[Example], most_characters: int, rng: random.Random
) -> Iterator[Variant]:
    """Each text with a number of shown examples, then with the other; none where there is little to choose from."""
    mixed = rng.sample(list(train), len(train))
    pools = [to_choose_from(as_turns(current, mixed), most, most_characters) for most in SHOWN]
    for turn in range(len(SHOWN)):
        for number, text in enumerate(texts):
            way = (number + turn) % len(SHOWN)
            if len(pools[way]) >= max(FEWEST_TO_CHOOSE_FROM, 2 * SHOWN[way]):
                prompt = replace(current, system_prompt=text.text, examples=pools[way], nearest=SHOWN[way])
                yield nearest_variant(prompt, text.name)


def promise(train: Sequence[Example]) -> float:
    """How much more often the like of a question tell its answer than the most frequent answer is right (0-1), before
    anybody is asked: for each example its nearest others vote. 0 unless it is sure that they tell something.
    """
    # One of each case, since a near-duplicate tells the answer where no new question has one; not the first: a file may
    # have been sorted by its answers.
    some = list({one.case: one for one in train}.values())
    some = some if len(some) <= MOST_TO_CHOOSE_FROM else random.Random(0).sample(some, MOST_TO_CHOOSE_FROM)
    answers = [one.expected.strip() for one in some]
    if len(some) < FEWEST_TO_CHOOSE_FROM:
        return 0.0
    nearest = NearestTexts([one.input for one in some])
    votes = [_vote(nearest.places(one.input, VOTERS + 1), place, answers) for place, one in enumerate(some)]
    right = sum(vote == answer for vote, answer in zip(votes, answers, strict=True)) / len(some)
    frequent = max(Counter(answers).values()) / len(some)
    return right - frequent if right - frequent > SURE * math.sqrt(frequent * (1 - frequent) / len(some)) else 0.0


def _vote(places: Sequence[int], own: int, answers: Sequence[str]) -> str:
    """The answer that the nearest others give; the nearer one counts more."""
    votes: defaultdict[str, float] = defaultdict(float)
    for rank, place in enumerate([place for place in places if place != own][:VOTERS], start=1):
        votes[answers[place]] += 1 / rank
    return max(votes, key=lambda answer: votes[answer])


def to_choose_from(turns: Sequence[Demonstration], most: int, most_characters: int) -> tuple[Demonstration, ...]:
    """As many as a config may carry; of those short enough that so many of them never are too long."""
    kept: list[Demonstration] = []
    left = MOST_CHARACTERS
    for one in dict.fromkeys(turns):
        size = len(one.input) + len(one.output)
        if size <= min(left, most_characters // most) and len(kept) < MOST_TO_CHOOSE_FROM:
            kept.append(one)
            left -= size
    return tuple(kept)


def nearest_variant(prompt: Prompt, text: str, parent: str = "") -> Variant:
    """A variant that says how it chooses. `text`: the name of its instruction."""
    name = f"{text}, the {prompt.shown_count} nearest of {len(prompt.examples)} examples"
    return Variant(name, VariantKind.NEAREST, prompt, parent or text)


def other_number(prompt: Prompt, most_characters: int, rng: random.Random) -> Prompt:
    """The same with half or twice as many shown, as far as there are so many and they are never too long together."""
    lengths = sorted((len(one.input) + len(one.output) for one in prompt.examples), reverse=True)
    able = [
        most
        for most in (prompt.nearest // 2, prompt.nearest * 2)
        if 1 <= most <= MOST_SHOWN and 2 * most <= len(lengths) and sum(lengths[:most]) <= most_characters
    ]
    return replace(prompt, nearest=rng.choice(able)) if able else prompt
