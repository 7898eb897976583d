"""Accuracy before and after, on inputs that were used for nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from learning.engines.prompt.confirm import binary_difference
from learning.engines.prompt.results import Difference
from learning.engines.protocols import LanguageModel
from learning.engines.types import Prompt
from project.demo.data import Item

CONFIDENCE = 0.95
BATCH = 10


@dataclass(frozen=True)
class Score:
    """A config's answers to the untouched inputs. `right` and `named` hold one truth value an input."""

    right: Sequence[bool]
    named: Sequence[bool]

    @property
    def accuracy(self) -> float:
        """Share (0-1) of answers that are the wanted word and nothing else."""
        return sum(self.right) / len(self.right)

    @property
    def accuracy_named(self) -> float:
        """Share (0-1) of answers that name the wanted word at all, in whatever sentence."""
        return sum(self.named) / len(self.named)


def measure(
    model: LanguageModel, prompts: Mapping[str, Prompt], items: Sequence[Item], tick: Callable[[int], None]
) -> dict[str, Score]:
    """Ask each prompt about the same inputs, equal prompts once. `tick` hears how many answers came."""
    scores: dict[str, Score] = {}
    for prompt in prompts.values():
        if prompt.digest not in scores:
            scores[prompt.digest] = _score(model, prompt, items, tick)
    return {name: scores[prompt.digest] for name, prompt in prompts.items()}


def gain(before: Score, after: Score) -> Difference:
    """The paired difference in accuracy with its interval: the same inputs, answered by both."""
    return binary_difference(np.array(before.right, float), np.array(after.right, float), CONFIDENCE)


def _score(model: LanguageModel, prompt: Prompt, items: Sequence[Item], tick: Callable[[int], None]) -> Score:
    outputs: list[str] = []
    for start in range(0, len(items), BATCH):
        batch = items[start : start + BATCH]
        outputs += [completion.text for completion in model.complete_many([prompt.request(one.text) for one in batch])]
        tick(len(batch))
    return Score(
        [item.is_answered_by(output) for output, item in zip(outputs, items, strict=True)],
        [item.is_named_in(output) for output, item in zip(outputs, items, strict=True)],
    )
