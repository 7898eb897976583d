"""From where on a number goes with success: one cut, how sure it is, and what it is worth on other opinions. Pure.

The parts find nearly the same cut, so that their rates together are those of the opinions it was found on, and say
nothing of chance. What does is the correlation of the feature with success (correlations.py), which looks for no cut
and is corrected for all features: without it there is no cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from learning.engines.insight.correlations import FALSE_DISCOVERIES, Correlation, correlate
from learning.engines.insight.folds import folds_by_group
from learning.engines.insight.rates import Rate, rate_of
from learning.engines.insight.types import Opinions

if TYPE_CHECKING:
    from learning.engines.insight.types import Floats, Integers

FOLDS = 5
FEWEST = 40  # opinions
SMALLEST_SIDE = 0.05  # of the opinions on each side of a cut


@dataclass(frozen=True, slots=True)
class Threshold:
    """Executions succeed more often with `feature` at or above `cut` (below it when not `above`).

    low, high: the smallest and the largest cut that was found when a part of the cases was left out. better, worse:
    success on the good and on the bad side, each counted in the part that was left out, so that no opinion helped to
    find the cut it is counted by. adjusted: the p-value of the feature's correlation with success, among all features.
    """

    feature: str
    cut: float
    low: float
    high: float
    above: bool
    better: Rate
    worse: Rate
    adjusted: float

    @property
    def holds(self) -> bool:
        """The feature goes with success, and the sides differ clearly on opinions that the cut was not found on."""
        apart = (self.better.low or 0.0) > (1.0 if self.worse.high is None else self.worse.high)
        return apart and self.adjusted <= FALSE_DISCOVERIES


def find_thresholds(
    features: Mapping[str, Floats], success: Floats, reviewers: Integers, cases: Integers, *, seed: int = 0
) -> list[Threshold]:
    """The cuts that hold, the widest difference first. success: 1, 0 or nan."""
    import numpy as np

    found = []
    for one in correlate(Opinions(features, {"success": success}, reviewers, cases)):
        values = features[one.feature]
        known = np.isfinite(values) & np.isfinite(success)
        if known.sum() >= FEWEST:
            threshold = _threshold(one, values[known], success[known], cases[known], seed)
            found += [threshold] if threshold and threshold.holds else []
    return sorted(found, key=lambda one: (one.worse.value or 0.0) - (one.better.value or 0.0))


def _threshold(one: Correlation, values: Floats, success: Floats, cases: Integers, seed: int) -> Threshold | None:
    whole = best_cut(values, success)
    parts = folds_by_group(cases, FOLDS, seed)
    if whole is None or len(parts) < FOLDS or one.tested is None or one.adjusted is None:
        return None
    cut, above = whole
    if above != (one.tested.value > 0):
        return None
    cuts, counts = [], [0.0, 0.0, 0.0, 0.0]  # successes and opinions of the good side, then of the bad one
    for learned, held in parts:
        found = best_cut(values[learned], success[learned])
        if found is None or found[1] != above:
            return None
        cuts.append(found[0])
        good = (values[held] >= found[0]) == above
        for start, side in ((0, good), (2, ~good)):
            counts[start] += float(success[held][side].sum())
            counts[start + 1] += float(side.sum())
    better, worse = rate_of(*counts[:2]), rate_of(*counts[2:])
    return Threshold(one.feature, cut, min(cuts), max(cuts), above, better, worse, one.adjusted)


def best_cut(values: Floats, success: Floats) -> tuple[float, bool] | None:
    """The cut with the least squared error of the two means, and whether the upper side is the better one."""
    import numpy as np

    order = np.argsort(values, kind="stable")
    ordered, said = values[order], success[order]
    n, total = len(said), float(said.sum())
    below = np.arange(1, n)
    sums = np.cumsum(said)[:-1]
    allowed = (np.diff(ordered) > 0) & (below >= SMALLEST_SIDE * n) & (n - below >= SMALLEST_SIDE * n)
    if not allowed.any():
        return None
    gains = np.where(allowed, sums**2 / below + (total - sums) ** 2 / (n - below), -np.inf)
    place = int(np.argmax(gains))
    upper, lower = (total - sums[place]) / (n - place - 1), sums[place] / (place + 1)
    if upper == lower:
        return None
    return float((ordered[place] + ordered[place + 1]) / 2), bool(upper > lower)
