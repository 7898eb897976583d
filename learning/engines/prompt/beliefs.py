"""What the scores so far let one believe about every variant, also about those that were never asked.

A Gaussian model of the scores: variant + example + noise. Variants that have something in common (examples at all,
the instruction, the number of examples, single examples) are believed to be alike, so that every call teaches
something about all of them; the examples are hard or easy for all alike, so variants are compared on common ones.
Source of the model: Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), section 2.7 for the
explicit mean. The scales are rough, and the same for every task: nothing was fitted to a model or a data set.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from learning.engines.types import Demonstration, Prompt

if TYPE_CHECKING:  # see docs/decisions/0011
    import numpy as np
    import numpy.typing as npt

    Matrix = npt.NDArray[np.float64]

# Standard deviations of what variants have in common, for right-or-wrong scores (whose own is at most 0.5).
SHOWS_EXAMPLES, INSTRUCTION, SIZE, SHARED_EXAMPLES, OWN, EXAMPLE, NOISE, LEVEL = (
    0.3,
    0.15,
    0.1,
    0.15,
    0.08,
    0.25,
    0.35,
    1.0,
)
TYPICAL_SPREAD = 0.45
LEAST_SPREAD = 0.02


@dataclass(frozen=True, slots=True)
class Beliefs:
    """Mean and covariance of the variants' true scores, in the order of the variants."""

    mean: tuple[float, ...]
    covariance: Matrix

    def spread(self, one: int) -> float:
        """Standard deviation of the belief about one variant."""
        return math.sqrt(max(0.0, float(self.covariance[one, one])))

    def spread_between(self, one: int, other: int) -> float:
        """Standard deviation of the belief about the difference of two variants; never 0."""
        variance = self.covariance[one, one] + self.covariance[other, other] - 2 * self.covariance[one, other]
        return math.sqrt(max(1e-12, float(variance)))

    def expected_gain(self, rival: int, leader: int) -> float:
        """How much is to be won, on average, by knowing whether the rival is better than the leader."""
        sd = self.spread_between(rival, leader)
        z = (self.mean[rival] - self.mean[leader]) / sd
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        return sd * (density + z * 0.5 * math.erfc(-z / math.sqrt(2)))


def believe(prompts: Sequence[Prompt], scores: Sequence[Sequence[float]], head_start: float = 0.0) -> Beliefs:
    """The beliefs after each prompt answered the first so many of the common questions; a row may be empty.

    `head_start`: by how much prompts that choose their examples anew are expected to be better than others (0-1).
    """
    import numpy as np

    known = [score for row in scores for score in row]
    scale = max(LEAST_SPREAD, float(np.std(known)) if known else TYPICAL_SPREAD) / TYPICAL_SPREAD
    prior = scale**2 * likeness(prompts) + LEVEL**2
    asked = max((len(row) for row in scores), default=0)
    noise, example = (NOISE * scale) ** 2, (EXAMPLE * scale) ** 2
    counts = np.zeros((len(prompts), asked))
    values = np.zeros((len(prompts), asked))
    for place, row in enumerate(scores):
        counts[place, : len(row)] = 1
        values[place, : len(row)] = row
    # The effects of the examples are integrated out: what remains is about the variants alone.
    weights = 1 / (1 / example + counts.sum(axis=0) / noise)
    precision = np.diag(counts.sum(axis=1) / noise) - (counts * weights) @ counts.T / noise**2
    center = float(np.mean(known)) if known else 0.5
    expected = center + head_start * np.array([float(prompt.nearest > 0) for prompt in prompts])
    centred = (values - expected[:, None]) * counts
    pull = centred.sum(axis=1) / noise - counts @ (weights * centred.sum(axis=0)) / noise**2
    covariance = np.linalg.solve(np.eye(len(prompts)) + prior @ precision, prior)
    mean = expected + covariance @ pull
    return Beliefs(tuple(map(float, mean)), (covariance + covariance.T) / 2)


def likeness(prompts: Sequence[Prompt]) -> Matrix:
    """How much the prompts' scores are believed to vary together, before anything was asked."""
    import numpy as np

    size = len(prompts)
    shown = [_in_common(prompt) for prompt in prompts]
    counts = np.array([prompt.shown_count for prompt in prompts])
    places = {one: place for place, one in enumerate(dict.fromkeys(one for each in shown for one in each))}
    holds = np.zeros((size, max(1, len(places))))
    for row, each in enumerate(shown):
        holds[row, [places[one] for one in each]] = 1
    texts = np.array([prompt.system_prompt for prompt in prompts])
    lengths = np.log2(1 + counts)
    both = np.sqrt(np.maximum(1, np.outer(holds.sum(axis=1), holds.sum(axis=1))))
    return (
        SHOWS_EXAMPLES**2 * ((counts > 0)[:, None] == (counts > 0)[None, :])
        + INSTRUCTION**2 * (texts[:, None] == texts[None, :])
        + SIZE**2 * np.exp(-np.abs(lengths[:, None] - lengths[None, :]))
        + SHARED_EXAMPLES**2 * (holds @ holds.T) / both
        + OWN**2 * np.eye(size)
    )


def _in_common(prompt: Prompt) -> frozenset[Demonstration | int]:
    """The examples that it shows; of those that are chosen anew for each question, that they are: nobody shares one."""
    return frozenset({0}) if prompt.nearest else frozenset(prompt.examples)
