"""Rates that are too rare for the asymptotic sequence: bounds that hold at any sample size and at any time (section 4).

The evidence against a rate is a beta-binomial mixture. It is exact for outcomes of 0 and 1, and holds for any outcome
between 0 and 1, because the likelihood ratio is convex in the outcome.
"""

from __future__ import annotations

import math
from collections.abc import Callable

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
    evidence, middle = _evidence(sample), _inside(sample.mean)

    def beyond(rate: float) -> float:
        return evidence(rate) + math.log(alpha)

    low = 0.0 if beyond(EDGE) <= 0 else scipy.optimize.brentq(beyond, EDGE, middle)
    high = 1.0 if beyond(1 - EDGE) <= 0 else scipy.optimize.brentq(beyond, middle, 1 - EDGE)
    return Interval(low, high)


def log_evidence(sample: SampleMoments, rate: float) -> float:
    """Log e-value against the claim that the mean of these outcomes in 0 to 1 is `rate` (Lindon and Malek 2022).

    With one side's bad events as successes and its share of the units as the rate it is a test of two streams.
    """
    return _evidence(sample)(_inside(rate)) if sample.n else 0.0


def difference_p(control: SampleMoments, treatment: SampleMoments) -> float:
    """The smallest alpha at which `difference_bounds` leave zero; 1 when they never do."""
    if not control.n or not treatment.n:
        return 1.0
    return min(1.0, math.exp(-_least_evidence(control, treatment)(0.0)))


def difference_bounds(control: SampleMoments, treatment: SampleMoments, *, alpha: float) -> Interval:
    """Bounds of treatment rate minus control rate; -1 and 1 while an arm has no unit.

    A difference is excluded when both arms together speak against every pair of rates with that difference. The
    evidence is the mixture of each arm over the likelihood of the pair that suits them best, so it holds for each of
    them at any time (universal inference: Wasserman, Ramdas and Balakrishnan, PNAS 2020).
    """
    if not control.n or not treatment.n:
        return Interval(-1.0, 1.0)
    evidence, middle = _least_evidence(control, treatment), treatment.mean - control.mean

    def beyond(difference: float) -> float:
        return evidence(difference) + math.log(alpha)

    middle = min(max(middle, -1 + 4 * EDGE), 1 - 4 * EDGE)
    far = 1 - 2 * EDGE
    low = -1.0 if beyond(-far) <= 0 else scipy.optimize.brentq(beyond, -far, middle)
    high = 1.0 if beyond(far) <= 0 else scipy.optimize.brentq(beyond, middle, far)
    return Interval(low, high)


def _least_evidence(control: SampleMoments, treatment: SampleMoments) -> Callable[[float], float]:
    """As a function of the difference: the evidence of both arms against the pair of rates that suits them best."""
    first, second = _evidence(control), _evidence(treatment)
    wins, wins_too = _successes(control), _successes(treatment)
    losses, losses_too = control.n - wins, treatment.n - wins_too

    def evidence(difference: float) -> float:
        low, high = max(0.0, -difference) + EDGE / 2, min(1.0, 1 - difference) - EDGE / 2

        def slope(rate: float) -> float:
            other = rate + difference
            return losses / (1 - rate) - wins / rate + losses_too / (1 - other) - wins_too / other

        if slope(low) >= 0 or slope(high) <= 0:
            rate = low if slope(low) >= 0 else high
        else:
            rate = scipy.optimize.brentq(slope, low, high)
        return first(rate) + second(rate + difference)

    return evidence


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


def _evidence(sample: SampleMoments) -> Callable[[float], float]:
    if not -EDGE <= sample.mean <= 1 + EDGE:
        raise ValueError("a rate lies between 0 and 1")
    successes = _successes(sample)
    failures = sample.n - successes
    mixture = scipy.special.betaln(PRIOR + successes, PRIOR + failures) - scipy.special.betaln(PRIOR, PRIOR)

    def evidence(rate: float) -> float:
        return float(mixture - scipy.special.xlogy(successes, rate) - scipy.special.xlog1py(failures, -rate))

    return evidence


def _successes(sample: SampleMoments) -> float:
    return min(max(sample.mean, 0.0), 1.0) * sample.n


def _inside(rate: float) -> float:
    return min(max(rate, EDGE), 1 - EDGE)


def _grown(sample: SampleMoments, times: float) -> SampleMoments:
    n = round(sample.n * times)
    return SampleMoments(n, sample.mean, sample.m2 * times if n > 1 else 0.0)
