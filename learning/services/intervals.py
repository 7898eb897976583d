"""Shares and their intervals. Pure. What is undefined is None, never 0."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist


@dataclass(frozen=True)
class Interval:
    """Ends of a 95 % interval of a share (0-1), or of the difference of two (-1 to 1)."""

    low: float
    high: float


def share(part: int, whole: int) -> float | None:
    """part / whole; None of nothing."""
    return part / whole if whole else None


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> Interval | None:
    """Wilson's score interval of a share; None without trials."""
    if not trials:
        return None
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, shrink = successes / trials, 1 + z * z / trials
    center = (rate + z * z / (2 * trials)) / shrink
    margin = z / shrink * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    return Interval(max(0.0, center - margin), min(1.0, center + margin))


def difference_interval(now: tuple[int, int], before: tuple[int, int], confidence: float = 0.95) -> Interval | None:
    """Newcombe's interval (his method 10) of the share now minus the share before, each (successes, trials).

    None when one of the two has no trials.
    """
    of_now, of_before = wilson_interval(*now, confidence), wilson_interval(*before, confidence)
    if of_now is None or of_before is None:
        return None
    one, other = now[0] / now[1], before[0] / before[1]
    below = sqrt((one - of_now.low) ** 2 + (of_before.high - other) ** 2)
    above = sqrt((of_now.high - one) ** 2 + (other - of_before.low) ** 2)
    return Interval(one - other - below, one - other + above)
