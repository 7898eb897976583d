"""How often a policy would have taken the action that was taken, on episodes it did not learn from. Pure.

Episodes of one case never lie on both sides. The steps of one case are not independent, so a share is a ratio of sums
over cases: its variance is that of the linearised ratio (Cochran, 1977, chapter 6.3), clustered by case with the small
correction CR1, and the interval takes the t distribution of cases - 1 degrees of freedom (Cameron and Miller, 2015).
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from learning.engines.behavior.episodes import Choice, Episode, choices_of
from learning.engines.behavior.policies import Policy, Probabilities, best, mean_of
from learning.engines.protocols import Tick

FEWEST_CASES = 5  # with fewer there is no interval worth a look

Fit = Callable[[Sequence[Episode]], Policy]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share or a difference with its interval. `n` steps of `cases` independent cases."""

    value: float
    low: float
    high: float
    n: int
    cases: int
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not -1 <= self.low <= self.value <= self.high <= 1:
            raise ValueError("An estimate lies inside its interval, and both from -1 to 1.")

    @property
    def is_gain(self) -> bool:
        """Above zero, all of the interval."""
        return self.low > 0

    def as_json(self) -> dict[str, float | int]:
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "cases": self.cases,
            "confidence": self.confidence,
        }


Hits = Mapping[str, tuple[int, int]]  # case -> (steps agreed, steps)


def hits_of(answers: Sequence[Probabilities], choices: Sequence[Choice]) -> Hits:
    """How many steps of each case the answers agree with."""
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for answer, choice in zip(answers, choices, strict=True):
        counts[choice.case][0] += best(answer) == choice.action.name
        counts[choice.case][1] += 1
    return {case: (agreed, all_of_it) for case, (agreed, all_of_it) in counts.items()}


def agreement(hits: Hits, *, confidence: float = 0.95) -> Estimate:
    """The share of steps agreed with. Raises ValueError without a step."""
    if not hits:
        raise ValueError("There is no step to agree with.")
    cases = list(hits.values())
    return _estimate([(agreed, steps) for agreed, steps in cases], confidence)


def gain(hits: Hits, base: Hits, *, confidence: float = 0.95) -> Estimate:
    """The paired difference in agreement of two policies on the same steps."""
    if hits.keys() != base.keys() or any(hits[case][1] != base[case][1] for case in hits):
        raise ValueError("Both policies must have been asked about the same steps.")
    return _estimate([(hits[case][0] - base[case][0], hits[case][1]) for case in hits], confidence)


def folds_of(episodes: Sequence[Episode], folds: int, seed: int) -> list[list[Episode]]:
    """The episodes in about equal parts; those of one case stay together."""
    cases = sorted({episode.case for episode in episodes})
    random.Random(seed).shuffle(cases)
    part = {case: place % folds for place, case in enumerate(cases)}
    parts: list[list[Episode]] = [[] for _ in range(min(folds, len(cases)))]
    for episode in episodes:
        parts[part[episode.case]].append(episode)
    return parts


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What several policies said about the same choices, none of which they had learned from."""

    choices: Sequence[Choice]
    answers: Mapping[str, Sequence[Probabilities]]

    def mixed(self, names: Sequence[str]) -> list[Probabilities]:
        """The mean of the named policies."""
        return [mean_of(of_state) for of_state in zip(*(self.answers[name] for name in names), strict=True)]

    def hits(self, *names: str) -> Hits:
        """The hits of one policy, or of the mean of several."""
        return hits_of(self.mixed(names), self.choices)

    def among(self, keep: Callable[[Choice], bool]) -> HeldOut:
        """Only the choices of a kind."""
        places = [place for place, choice in enumerate(self.choices) if keep(choice)]
        answers = {name: [of[place] for place in places] for name, of in self.answers.items()}
        return HeldOut([self.choices[place] for place in places], answers)


def cross_predict(
    fits: Mapping[str, Fit], episodes: Sequence[Episode], *, folds: int, seed: int, tick: Tick | None = None
) -> HeldOut:
    """Every case is asked about by what learned from the others. Raises ValueError below two cases."""
    parts = folds_of(episodes, folds, seed)
    if len(parts) < 2:
        raise ValueError("Agreement needs episodes of at least two independent cases.")
    choices: list[Choice] = []
    answers: dict[str, list[Probabilities]] = {name: [] for name in fits}
    for part in parts:
        held_out = {episode.case for episode in part}
        learned = [episode for episode in episodes if episode.case not in held_out]
        asked = choices_of(part)
        choices += asked
        for name, fit in fits.items():
            if tick:
                tick()
            answers[name] += fit(learned).probabilities([choice.state for choice in asked])
    return HeldOut(choices, answers)


def _estimate(cases: Sequence[tuple[int, int]], confidence: float) -> Estimate:
    """Ratio of sums over cases. With fewer than FEWEST_CASES the interval says nothing."""
    import numpy as np
    import scipy.stats

    sums = np.array(cases, dtype=float)
    n, m = float(sums[:, 1].sum()), len(cases)
    value = float(sums[:, 0].sum() / n)
    if m < FEWEST_CASES:
        return Estimate(value, min(value, -1.0), 1.0, int(n), m, confidence)
    residuals = (sums[:, 0] - value * sums[:, 1]) / n
    error = math.sqrt(m / (m - 1) * float(residuals @ residuals))
    if error == 0:
        return _without_spread(value, int(n), m, confidence)
    half = float(scipy.stats.t.ppf((1 + confidence) / 2, m - 1)) * error
    return Estimate(value, max(-1.0, value - half), min(1.0, value + half), int(n), m, confidence)


def _without_spread(value: float, n: int, cases: int, confidence: float) -> Estimate:
    """All cases are alike, which is no proof that all others are: as far as a case could differ (Clopper-Pearson)."""
    could: float = 1 - ((1 - confidence) / 2) ** (1 / cases)
    return Estimate(value, max(-1.0, value - could), min(1.0, value + could), n, cases, confidence)
