"""Rates that are too rare for the asymptotic sequence: bounds that hold at any sample size and at any time (section 4).

The evidence against one rate is a beta-binomial mixture, that against two rates a mixture of it and of bets. Both are
exact for outcomes of 0 and 1, and hold for any outcome between 0 and 1, because they are convex in the outcome.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy  # its parts load at their first use: every process of the product imports this module

from experiments.stats.moments import SampleMoments
from experiments.stats.sequence import Interval

PRIOR = 0.5
EDGE = 1e-12
MOST_TIMES = 1e6
# Sizes of the bets, in log odds, and the parts of the capital: on the mixture, on both arms and on one.
BETS = 4.0 / 2.5 ** np.arange(5)
ON_MIXTURE, ON_BOTH, ON_ONE = 0.1, 0.6, 0.3


def rate_bounds(sample: SampleMoments, *, alpha: float) -> Interval:
    """Bounds of a mean of outcomes in 0 to 1; both sides together are wrong, ever, with probability alpha at most.

    0 and 1 without units. Raises ValueError when the mean is no rate.
    """
    if not sample.n:
        return Interval(0.0, 1.0)
    middle = _inside(sample.mean)

    def beyond(rate: float) -> float:
        return log_evidence(sample, rate) + math.log(alpha)

    low = 0.0 if beyond(EDGE) <= 0 else scipy.optimize.brentq(beyond, EDGE, middle)
    high = 1.0 if beyond(1 - EDGE) <= 0 else scipy.optimize.brentq(beyond, middle, 1 - EDGE)
    return Interval(low, high)


def log_evidence(sample: SampleMoments, rate: float) -> float:
    """Log e-value against the claim that the mean of these outcomes in 0 to 1 is `rate` (Lindon and Malek 2022).

    With one side's bad events as successes and its share of the units as the rate it is a test of two streams.
    """
    return _evidence(sample)(_inside(rate)) if sample.n else 0.0


def difference_p(control: SampleMoments, treatment: SampleMoments) -> float:
    """Two-sided, of "no difference": twice the smallest alpha at which one of the `difference_bounds` leaves zero."""
    if not control.n or not treatment.n:
        return 1.0
    strongest = max(_against(control, treatment)(0.0), _against(treatment, control)(0.0))
    return min(1.0, 2 * math.exp(-strongest))


def difference_bounds(control: SampleMoments, treatment: SampleMoments, *, alpha: float) -> Interval:
    """Bounds of treatment rate minus control rate, each of them wrong, ever, with probability alpha at most.

    -1 and 1 while an arm has no unit. Raises ValueError when a mean is no rate.
    """
    if not control.n or not treatment.n:
        return Interval(-1.0, 1.0)
    low = _upper_bound(treatment, control, alpha=alpha)
    return Interval(-low, _upper_bound(control, treatment, alpha=alpha))


def units_until_within(control: SampleMoments, treatment: SampleMoments, *, limit: float, alpha: float) -> int | None:
    """How many more units until the treatment's rate is shown to exceed control's by less than `limit`.

    Supposes that both rates stay; None when that would never be shown.
    """
    units = control.n + treatment.n
    if not control.n or not treatment.n or treatment.mean - control.mean >= limit:
        return None

    def gap(times: float) -> float:
        return _upper_bound(_grown(control, times), _grown(treatment, times), alpha=alpha) - limit

    if gap(1.0) <= 0:
        return 0
    if gap(MOST_TIMES) > 0:
        return None
    return math.ceil(units * scipy.optimize.brentq(gap, 1.0, MOST_TIMES, xtol=1e-3)) - units


def _upper_bound(first: SampleMoments, second: SampleMoments, *, alpha: float) -> float:
    """Of the second rate minus the first."""
    evidence, far = _against(first, second), 1 - 2 * EDGE

    def beyond(difference: float) -> float:
        return evidence(difference) + math.log(alpha)

    middle = min(max(second.mean - first.mean, 2 * EDGE - far), far - 2 * EDGE)
    return 1.0 if beyond(far) <= 0 else float(scipy.optimize.brentq(beyond, middle, far))


def _against(first: SampleMoments, second: SampleMoments) -> Callable[[float], float]:
    """As a function of a difference: the evidence that the second rate exceeds the first by less than that.

    It is the evidence against the pair of rates with this difference that suits both arms best, so it holds for each
    such pair (universal inference: Wasserman, Ramdas and Balakrishnan, PNAS 2020). It is convex in the difference.
    """
    evidence = _pair_evidence(first, second)

    def against(difference: float) -> float:
        low, high = max(0.0, -difference) + EDGE / 2, min(1.0, 1 - difference) - EDGE / 2

        def of_rate(rate: float) -> float:
            return evidence(rate, rate + difference)

        # The logarithm of a sum of log-convex functions is convex, so there is one lowest point, perhaps at an end.
        inside = scipy.optimize.minimize_scalar(of_rate, bounds=(low, high), method="bounded", options={"xatol": 1e-10})
        return min(float(inside.fun), of_rate(low), of_rate(high))

    return against


def _pair_evidence(first: SampleMoments, second: SampleMoments) -> Callable[[float, float], float]:
    """Log evidence against a pair of rates, by a gambler who supposes that they lie nearer to each other.

    One part of the capital is on each arm's beta-binomial mixture, which drives away pairs that are far off. The others
    bet that the second rate is lower and the first one higher, or the second one alone lower: for outcomes of 0 and 1 a
    bet of size b on an arm turns one unit of capital into exp(b y) / (1 - p + p exp(b)), whose mean is 1 at the rate p
    (constant bets in the sense of Waudby-Smith and Ramdas, JRSS B 2024).
    """
    mixtures = _evidence(first), _evidence(second)
    bets = np.concatenate([BETS, 0 * BETS]), np.concatenate([-BETS, -BETS])
    parts = np.repeat([ON_BOTH, ON_ONE], BETS.size) / BETS.size
    stakes = bets[0] * _successes(first) + bets[1] * _successes(second) + np.log(parts)
    odds = np.expm1(bets[0]), np.expm1(bets[1])

    def evidence(rate: float, other: float) -> float:
        won = stakes - first.n * np.log1p(rate * odds[0]) - second.n * np.log1p(other * odds[1])
        mixed = mixtures[0](rate) + mixtures[1](other) + math.log(ON_MIXTURE)
        return float(np.logaddexp(np.logaddexp.reduce(won), mixed))

    return evidence


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
