"""Whether an applied improvement helps or harms, judged at any time and as often as one likes. Pure.

The difference in success rates between executions with and without it, with an asymptotic confidence sequence:
Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Annals of Statistics 52, with a normal mixture tuned to PLANNED
executions. Asymptotic, so nothing is said before there are some on each side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from learning.engines.insight.rates import Rate, rate_of

PLANNED = 200  # executions on the smaller side at which the sequence is tightest
ALPHA = 0.05
FEWEST_EACH = 20
FEWEST_ENDS = 5  # successes, and failures, in both together


@dataclass(frozen=True, slots=True)
class Effect:
    """Success with and without; the difference (-1 to 1) with an interval that holds at all times, None too early."""

    having: Rate
    lacking: Rate
    difference: float | None
    low: float | None
    high: float | None

    @property
    def harmful(self) -> bool:
        return self.high is not None and self.high < 0

    @property
    def helpful(self) -> bool:
        return self.low is not None and self.low > 0


def effect_of(successes: int, n: int, other_successes: int, other_n: int) -> Effect:
    """Of `n` judged executions with it, and of `other_n` without. Raises ValueError on impossible counts."""
    having, lacking = rate_of(successes, n), rate_of(other_successes, other_n)
    ends = successes + other_successes
    if min(n, other_n) < FEWEST_EACH or min(ends, n + other_n - ends) < FEWEST_ENDS:
        return Effect(having, lacking, None, None, None)
    shares = [(successes + 1) / (n + 2), (other_successes + 1) / (other_n + 2)]  # a share of 0 has an error too
    error = math.sqrt(sum(share * (1 - share) / size for share, size in zip(shares, (n, other_n), strict=True)))
    difference = successes / n - other_successes / other_n
    half = error * _widening(min(n, other_n))
    return Effect(having, lacking, difference, max(-1.0, difference - half), min(1.0, difference + half))


def _widening(n: int) -> float:
    """How many standard errors the sequence is wide on each side; about 3 at PLANNED, where a fixed test has 2."""
    tuned = (-2 * math.log(ALPHA) + math.log(-2 * math.log(ALPHA)) + 1) / PLANNED
    return math.sqrt(2 * (n * tuned + 1) / (n * tuned) * math.log(math.sqrt(n * tuned + 1) / ALPHA))
