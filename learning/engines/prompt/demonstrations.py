"""Choosing which examples to show the model: balanced over labels where there are few, far apart otherwise."""

from __future__ import annotations

import random
from collections.abc import Sequence

from learning.engines.prompt.output_form import OutputForm
from learning.engines.types import Demonstration, Example, Prompt

SIZES = (2, 4, 6, 8, 12)
MOST_SHOWN = 16
POOL_PER_PICK = 8


def possible_sizes(examples: Sequence[Example], form: OutputForm) -> tuple[int, ...]:
    """How many examples a set may show: never more than half of them, and each label at least once if it fits."""
    most = min(MOST_SHOWN, max(1, len(examples) // 2))
    wanted = {len(form.labels), 2 * len(form.labels)} if len(form.labels) > 2 else set()
    sizes = sorted(size for size in {*SIZES, *wanted} if 1 <= size <= most)
    covering = [size for size in sizes if size >= len(form.labels)]
    return tuple(covering or sizes or (most,))


def choose_demonstrations(
    examples: Sequence[Example], form: OutputForm, size: int, most_characters: int, rng: random.Random
) -> tuple[Example, ...]:
    """A random set of `size` examples, fewer when they would not fit into `most_characters`."""
    short = [example for example in examples if len(example.input) + len(example.expected) <= most_characters / size]
    pool = short if len(short) >= size else sorted(examples, key=_length)[:size]
    chosen = _balanced(pool, form, size, rng) if form.labels else _spread(pool, size, rng)
    rng.shuffle(chosen)
    return tuple(_fit(chosen, most_characters))


def as_turns(prompt: Prompt, examples: Sequence[Example]) -> tuple[Demonstration, ...]:
    """The examples as chat turns; the shown questions look just like the real one, template included."""
    return tuple(Demonstration(prompt.wrap(example.input), example.expected.strip()) for example in examples)


def _balanced(pool: Sequence[Example], form: OutputForm, size: int, rng: random.Random) -> list[Example]:
    by_label = {label: [one for one in pool if one.expected.strip() == label] for label in form.labels}
    labels = [label for label in form.labels if by_label[label]]
    rng.shuffle(labels)
    for rest in by_label.values():
        rng.shuffle(rest)
    chosen: list[Example] = []
    while len(chosen) < size and any(by_label.values()):
        for label in labels:
            if by_label[label] and len(chosen) < size:
                chosen.append(by_label[label].pop())
    return chosen


def _spread(pool: Sequence[Example], size: int, rng: random.Random) -> list[Example]:
    """Pick one at random, then each time the least alike of a few random ones."""
    rest = rng.sample(list(pool), len(pool))
    chosen = [rest.pop()]
    while rest and len(chosen) < size:
        near = rest[-POOL_PER_PICK:]
        pick = min(near, key=lambda one: max(_alike(one, other) for other in chosen))
        rest.remove(pick)
        chosen.append(pick)
    return chosen


def _alike(one: Example, other: Example) -> float:
    """Shared words over all words of the two inputs (0-1)."""
    left, right = set(one.input.casefold().split()), set(other.input.casefold().split())
    return len(left & right) / max(1, len(left | right))


def _length(example: Example) -> int:
    return len(example.input) + len(example.expected)


def _fit(chosen: Sequence[Example], most_characters: int) -> list[Example]:
    kept: list[Example] = []
    for example in chosen:
        if sum(map(_length, kept)) + _length(example) <= most_characters:
            kept.append(example)
    return kept
