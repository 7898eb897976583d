"""Further generations: sets of examples bred from those that do well, chosen by what they are believed to gain.

Each proposal changes a good set in one way: an example swapped, examples added or left out, another order, another
instruction, or the halves of two sets joined. The beliefs about all sets so far say which proposals promise most; that
is the marginal gain of an example, for sets that differ in it alone differ in the belief by it alone.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from learning.engines.prompt.demonstrations import MOST_SHOWN, as_turns
from learning.engines.prompt.nearest_sets import nearest_variant, other_number
from learning.engines.prompt.racing import NOTHING_TO_GAIN, Race
from learning.engines.prompt.results import Variant
from learning.engines.prompt.variants import Instruction, examples_shown, kind_of
from learning.engines.types import Demonstration, Example, Prompt

PROPOSALS = 60
PARENTS = 4
CURIOSITY = 1.0  # standard deviations of the belief that count in favour of a proposal
MOST_ALIKE = 0.8  # shared examples of two proposals of a generation, under the same instruction

Shown = tuple[Demonstration, ...]


@dataclass(frozen=True, slots=True)
class Stock:
    """What proposals may be made of: the instructions, the train examples as turns, and how much may be shown.

    `known`: all instructions that race with examples; those of `texts` are the ones that sets are bred under.
    """

    current: Prompt
    texts: Sequence[Instruction]
    turns: Shown
    labelled: bool
    most_characters: int
    known: Sequence[Instruction] = ()

    @classmethod
    def of(
        cls,
        current: Prompt,
        texts: Sequence[Instruction],
        train: Sequence[Example],
        labelled: bool,
        most: int,
        known: Sequence[Instruction] = (),
    ) -> Stock:
        turns = dict.fromkeys([*as_turns(current, train), *current.examples])
        return cls(current, texts, tuple(turns), labelled, most, known)

    @property
    def most_shown(self) -> int:
        return min(MOST_SHOWN, max(1, len(self.turns) // 2))

    def name_of(self, text: str) -> str:
        """What an instruction is called."""
        other = "current instruction" if text == self.current.system_prompt else "no instruction"
        return next((one.name for one in (*self.texts, *self.known) if one.text == text), other)

    def fit(self, shown: Sequence[Demonstration]) -> Shown:
        """As many of the examples, in their order, as fit into the length and the number; each once."""
        kept: list[Demonstration] = []
        left = self.most_characters
        for one in dict.fromkeys(shown):
            size = len(one.input) + len(one.output)
            if size <= left and len(kept) < self.most_shown:
                kept.append(one)
                left -= size
        return tuple(kept)


def breed(race: Race, stock: Stock, count: int, rng: random.Random, generation: int) -> list[Variant]:
    """At most `count` new variants. Fewer when the train examples allow no more."""
    parents = _parents(race)
    if not parents or not stock.turns:
        return []
    known = {one.variant.prompt.digest for one in race.runners}
    proposals: dict[str, Variant] = {}
    for _ in range(PROPOSALS):
        variant = _propose(rng.choice(parents), parents, stock, rng)
        if variant is not None and variant.prompt.digest not in known:
            proposals.setdefault(variant.prompt.digest, variant)
    made = list(proposals.values())
    return [
        replace(one, name=f"{one.name}, generation {generation}.{number}")
        for number, one in enumerate(_most_promising(race, made, count), start=1)
    ]


def _parents(race: Race) -> list[Variant]:
    beliefs = race.beliefs()
    able = [place for place in race.field if race.runners[place].variant.prompt.examples]
    able.sort(key=lambda place: (-round(beliefs.mean[place], 9), place))
    variants = [race.runners[place].variant for place in able]
    # Fixed sets are bred whoever leads: they may still do better. Choosing anew has little that could be bred.
    fixed = [one for one in variants if not one.prompt.nearest]
    return fixed[:PARENTS] + [one for one in variants[:PARENTS] if one.prompt.nearest]


def _most_promising(race: Race, proposals: Sequence[Variant], count: int) -> list[Variant]:
    if not proposals:
        return []
    beliefs, first = race.beliefs(proposals), len(race.runners)
    leader = race.leader(beliefs)
    promise = [beliefs.mean[first + n] + CURIOSITY * beliefs.spread(first + n) for n in range(len(proposals))]
    worth = [n for n in range(len(proposals)) if beliefs.expected_gain(first + n, leader) >= NOTHING_TO_GAIN]
    chosen: list[Variant] = []
    for n in sorted(worth, key=lambda n: (-round(promise[n], 9), n)):
        if len(chosen) < count and all(_differ(proposals[n].prompt, one.prompt) for one in chosen):
            chosen.append(proposals[n])
    return chosen


def _differ(one: Prompt, other: Prompt) -> bool:
    ours, theirs = set(one.examples), set(other.examples)
    alike = len(ours & theirs) / max(1, len(ours | theirs))
    return (one.system_prompt, one.nearest) != (other.system_prompt, other.nearest) or alike < MOST_ALIKE


def _propose(parent: Variant, parents: Sequence[Variant], stock: Stock, rng: random.Random) -> Variant | None:
    """One change of one parent; None when it leads to no examples at all."""
    if parent.prompt.nearest:
        return _propose_nearest(parent, stock, rng)
    return _propose_fixed(parent, [one for one in parents if not one.prompt.nearest], stock, rng)


def _propose_fixed(parent: Variant, parents: Sequence[Variant], stock: Stock, rng: random.Random) -> Variant | None:
    shown, text = list(parent.prompt.examples), parent.prompt.system_prompt
    change = rng.choice(("swap", "swap", "grow", "shrink", "reorder", "join", "instruction", "fresh"))
    if change == "swap":
        for _ in range(rng.choice((1, 2))):
            place = rng.randrange(len(shown))
            shown[place] = rng.choice(_alternatives(shown[place], stock))
    elif change == "grow":
        shown = _interleave(shown, rng.sample(stock.turns, min(len(stock.turns), len(shown) or 1)), rng)
    elif change == "shrink":
        shown = shown[len(shown) // 2 :]
    elif change == "reorder":
        rng.shuffle(shown)
    elif change == "join":
        other = rng.choice(parents).prompt.examples
        shown = _interleave(shown[: (len(shown) + 1) // 2], list(other[len(other) // 2 :]), rng)
    elif change == "instruction" and stock.texts:
        text = rng.choice(stock.texts).text
    elif change == "fresh":
        shown = [rng.choice(_alternatives(one, stock)) for one in shown]
    prompt = replace(parent.prompt, system_prompt=text, examples=stock.fit(shown))
    if not prompt.examples:
        return None
    name = f"{stock.name_of(text)}, {examples_shown(len(prompt.examples))}"
    return Variant(name, kind_of(prompt, stock.current), prompt, parent.name)


def _propose_nearest(parent: Variant, stock: Stock, rng: random.Random) -> Variant:
    """Half or twice as many shown, or another instruction; the examples to choose from stay."""
    texts = stock.texts or stock.known
    text = rng.choice(texts).text if texts and rng.random() < 0.5 else None
    kept = other_number(parent.prompt, stock.most_characters, rng)
    prompt = kept if text is None else replace(parent.prompt, system_prompt=text)
    return nearest_variant(prompt, stock.name_of(prompt.system_prompt), parent.name)


def _alternatives(one: Demonstration, stock: Stock) -> Sequence[Demonstration]:
    """Examples that may stand in the place of one: with the same label where there are labels."""
    same = [other for other in stock.turns if other.output == one.output] if stock.labelled else stock.turns
    return same or stock.turns


def _interleave(ours: list[Demonstration], more: list[Demonstration], rng: random.Random) -> list[Demonstration]:
    """Both in one row, shuffled: the order matters to small models, so every new set tries another."""
    row = [*ours, *more]
    rng.shuffle(row)
    return row
