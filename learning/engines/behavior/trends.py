"""How often which kind of correction was needed over time, and when that changed. Pure.

Counts of each period with what they could have come from (the exposure: executions, else days). Given their sum,
counts with a constant rate are multinomial by exposure. The best single change is the one with the largest likelihood
ratio; its p-value comes from the same maximum over simulated counts (Worsley, 1986, for the maximum; Monte Carlo as in
Dwass, 1957, so that it is never 0). Both sides are searched again (binary segmentation: Vostrikova, 1981).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

SIMULATIONS = 1_999
LEAST_PERIODS = 2  # on each side of a change
LEAST_COUNT = 8  # corrections, below which no change is looked for
DAYS = 7  # of a period


@dataclass(frozen=True, slots=True)
class Change:
    """From period `place` on (0 is the first) the rate is `after` instead of `before` (per unit of exposure)."""

    place: int
    before: float
    after: float
    p_value: float

    def as_json(self) -> dict[str, float | int]:
        return {"place": self.place, "before": self.before, "after": self.after, "p_value": self.p_value}


@dataclass(frozen=True, slots=True)
class Trend:
    """Counts by period from `start` on. `per_execution`: the exposure is executions, otherwise all periods count alike.

    `reason`: why no change was looked for.
    """

    name: str
    start: date
    counts: tuple[int, ...]
    exposure: tuple[float, ...]
    changes: tuple[Change, ...]
    reason: str = ""
    per_execution: bool = False

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def rates(self) -> list[float | None]:
        """By period, per unit of exposure; None where there was none."""
        return [count / one if one else None for count, one in zip(self.counts, self.exposure, strict=True)]

    @property
    def levels(self) -> list[float | None]:
        """By period the rate between the changes on both sides of it."""
        edges = [0, *(change.place for change in self.changes), len(self.counts)]
        rates = [_rate(self.counts, self.exposure, low, high) for low, high in pairwise(edges)]
        known = [None if math.isnan(rate) else rate for rate in rates]
        return [rate for rate, (low, high) in zip(known, pairwise(edges), strict=True) for _ in range(low, high)]

    def week(self, place: int) -> date:
        """The first day of a period."""
        return self.start + timedelta(days=DAYS * place)

    @property
    def dated_changes(self) -> list[tuple[date, Change]]:
        """The changes with the first day of the week from which on they hold."""
        return [(self.week(change.place), change) for change in self.changes]

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "start": self.start.isoformat(),
            "days": DAYS,
            "counts": list(self.counts),
            "exposure": list(self.exposure),
            "changes": [change.as_json() for change in self.changes],
            "reason": self.reason,
            "per_execution": self.per_execution,
        }


def trend_of(
    name: str,
    days: Iterable[date] | Mapping[date, int],
    *,
    exposed: Iterable[date] | Mapping[date, int] = (),
    span: tuple[date, date] | None = None,
    alpha: float = 0.05,
    seed: int = 1,
) -> Trend:
    """The trend of what happened on these days, each as often as it is there or as a mapping says.

    `exposed`: the days of the executions; none: every day counts alike. `span`: first and last day, for trends that
    stand beside each other; otherwise of what is given. Raises ValueError when nothing happened at all.
    """
    happened, could = Counter(days), Counter(exposed)
    if not happened:
        raise ValueError("There is no correction, so there is no trend.")
    start, end = span or (min([*happened, *could]), max([*happened, *could]))
    periods = (end - start).days // DAYS + 1
    counts = _count(happened, start, periods)
    if could:  # a correction whose execution was never logged is exposure too
        executions = _count(could, start, periods)
        exposure = [float(max(ran, count)) for ran, count in zip(executions, counts, strict=True)]
        searched = exposure
    else:  # each period as it is, and to search in its days: the last one may be cut short
        exposure = [1.0] * periods
        searched = [1.0] * (periods - 1) + [((end - start).days % DAYS + 1) / DAYS]
    reason = _why_not(counts)
    changes = () if reason else find_changes(counts, searched, alpha=alpha, seed=seed)
    return Trend(name, start, tuple(counts), tuple(exposure), changes, reason, bool(could))


def find_changes(
    counts: Sequence[int], exposure: Sequence[float], *, alpha: float = 0.05, seed: int = 1
) -> tuple[Change, ...]:
    """The changes of the rate at this level, in their order."""
    if len(counts) != len(exposure):
        raise ValueError("There must be one exposure for each count.")
    if any(count < 0 for count in counts) or any(not one >= 0 for one in exposure):
        raise ValueError("Counts and exposures cannot be negative.")
    places = sorted(_search(counts, exposure, 0, len(counts), alpha, seed), key=lambda one: one[0])
    edges = [0, *(place for place, _ in places), len(counts)]
    rates = [_rate(counts, exposure, low, high) for low, high in pairwise(edges)]
    return tuple(
        Change(place, before, after, p)
        for (place, p), before, after in zip(places, rates, rates[1:], strict=False)
        if math.isfinite(before) and math.isfinite(after)
    )


def _search(
    counts: Sequence[int], exposure: Sequence[float], low: int, high: int, alpha: float, seed: int
) -> list[tuple[int, float]]:
    import numpy as np

    if high - low < 2 * LEAST_PERIODS or sum(counts[low:high]) < LEAST_COUNT:
        return []
    observed = np.asarray(counts[low:high], dtype=float)[None, :]
    weights = np.asarray(exposure[low:high], dtype=float)
    ratios = _ratios(observed, weights)[0]
    best = int(np.argmax(ratios))
    simulated = np.random.default_rng(seed).multinomial(int(observed.sum()), weights / weights.sum(), size=SIMULATIONS)
    beyond = int((_ratios(simulated, weights).max(axis=1) >= ratios[best] - 1e-12).sum())
    p = (beyond + 1) / (SIMULATIONS + 1)
    if p > alpha:
        return []
    place = low + best + LEAST_PERIODS
    left = _search(counts, exposure, low, place, alpha, seed + 1)
    return [*left, (place, p), *_search(counts, exposure, place, high, alpha, seed + 2)]


def _ratios(counts: Any, exposure: Any) -> Any:
    """Log-likelihood ratio of a change at each possible place, row by row."""
    import numpy as np

    def xlogy(x: Any, y: Any) -> Any:
        return np.where(x == 0, 0.0, x * np.log(y))

    places = np.arange(LEAST_PERIODS, counts.shape[1] - LEAST_PERIODS + 1)
    total = counts.sum(axis=1, keepdims=True)
    before = np.cumsum(counts, axis=1)[:, places - 1]
    share = (np.cumsum(exposure)[places - 1] / exposure.sum())[None, :]
    after = total - before
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = xlogy(before, before / (total * share)) + xlogy(after, after / (total * (1 - share)))
    return np.nan_to_num(ratios, nan=0.0, posinf=0.0)


def _rate(counts: Sequence[int], exposure: Sequence[float], low: int, high: int) -> float:
    exposed = math.fsum(exposure[low:high])
    return sum(counts[low:high]) / exposed if exposed else math.nan


def _count(days: Mapping[date, int], start: date, periods: int) -> list[int]:
    counts = [0] * periods
    for day, number in days.items():
        counts[(day - start).days // DAYS] += number
    return counts


def _why_not(counts: Sequence[int]) -> str:
    if sum(counts) < LEAST_COUNT:
        return f"Corrections: {sum(counts)}; a change is looked for from {LEAST_COUNT} on."
    if len(counts) < 2 * LEAST_PERIODS:
        return f"Only {len(counts)} weeks; a change is looked for from {2 * LEAST_PERIODS} on."
    return ""
