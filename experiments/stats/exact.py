"""Rates that are too rare for the asymptotic sequence: bounds that hold at any sample size and at any time (section 4).

The evidence against a rate is a beta-binomial mixture. It is exact for outcomes of 0 and 1, and holds for any outcome
between 0 and 1, because the likelihood ratio is convex in the outcome.
"""

from __future__ import annotations

import math

import scipy  # its parts load at their first use: every process of the product imports this module

from experiments.stats.moments import SampleMoments
from experiments.stats.sequence import Interval

PRIOR = 0.5
EDGE = 1e-12
MOST_TIMES = 1e6


def rate_bounds(sample: SampleMoments, *, alpha: float) -> Interval:
    """Bounds of a mean of outcomes in 0 to 1; both sides together are wrong, ever, with probability alpha at most.

    0 and 1 without units. Raises ValueError when the mean is no rate.
    """
    if not sample.n:
        return Interval(0.0, 1.0)
    if not -EDGE <= sample.mean <= 1 + EDGE:
        raise ValueError("a rate lies between 0 and 1")
    successes = min(max(sample.mean, 0.0), 1.0) * sample.n
    failures = sample.n - successes
    mixture = scipy.special.betaln(PRIOR + successes, PRIOR + failures) - scipy.special.betaln(PRIOR, PRIOR)

    def beyond(rate: float) -> float:
        evidence = mixture - scipy.special.xlogy(successes, rate) - scipy.special.xlog1py(failures, -rate)
        return float(evidence + math.log(alpha))

    middle = min(max(successes / sample.n, EDGE), 1 - EDGE)
    low = 0.0 if beyond(EDGE) <= 0 else scipy.optimize.brentq(beyond, EDGE, middle)
    high = 1.0 if beyond(1 - EDGE) <= 0 else scipy.optimize.brentq(beyond, middle, 1 - EDGE)
    return Interval(low, high)


def difference_bounds(control: SampleMoments, treatment: SampleMoments, *, alpha: float) -> Interval:
    """Bounds of treatment rate minus control rate, half of alpha spent on each arm."""
    first, second = rate_bounds(control, alpha=alpha / 2), rate_bounds(treatment, alpha=alpha / 2)
    return Interval(second.low - first.high, second.high - first.low)


def units_until_within(control: SampleMoments, treatment: SampleMoments, *, limit: float, alpha: float) -> int | None:
    """How many more units until the treatment's rate is shown to exceed control's by less than `limit`.

    Supposes that both rates stay; None when that would never be shown.
    """
    units = control.n + treatment.n
    if not control.n or not treatment.n or treatment.mean - control.mean >= limit:
        return None

    def gap(times: float) -> float:
        return difference_bounds(_grown(control, times), _grown(treatment, times), alpha=alpha).high - limit

    if gap(1.0) <= 0:
        return 0
    if gap(MOST_TIMES) > 0:
        return None
    return math.ceil(units * scipy.optimize.brentq(gap, 1.0, MOST_TIMES, xtol=1e-3)) - units


def _grown(sample: SampleMoments, times: float) -> SampleMoments:
    n = round(sample.n * times)
    return SampleMoments(n, sample.mean, sample.m2 * times if n > 1 else 0.0)
