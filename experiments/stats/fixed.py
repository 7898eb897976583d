"""The usual test, for one look that was planned: in the final report, beside what may be looked at all the time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import scipy  # its parts load at their first use: every process of the product imports this module

from experiments.stats.scores import Comparison
from experiments.stats.sequence import Interval


@dataclass(frozen=True, slots=True)
class FixedTest:
    """Statistic, degrees of freedom (inf for z), two-sided p and interval of the difference; nan when not known."""

    statistic: float
    degrees: float
    p: float
    interval: Interval


def welch(comparison: Comparison, *, alpha: float) -> FixedTest:
    """Welch's t-test, degrees of freedom by Satterthwaite (Welch 1947)."""
    control, treatment = comparison.control_variance, comparison.treatment_variance
    if not comparison.difference.known:
        return _test(comparison, math.nan, alpha)
    spread = control**2 / (comparison.control_units - 1) + treatment**2 / (comparison.treatment_units - 1)
    return _test(comparison, (control + treatment) ** 2 / spread, alpha)


def z_test(comparison: Comparison, *, alpha: float) -> FixedTest:
    """The same with the normal distribution, for many units or scores of several strata."""
    return _test(comparison, math.inf, alpha)


def _test(comparison: Comparison, degrees: float, alpha: float) -> FixedTest:
    difference = comparison.difference
    if not difference.known:
        return FixedTest(math.nan, math.nan, math.nan, Interval(math.nan, math.nan))
    statistic = difference.estimate / difference.standard_error
    # The t distribution with infinitely many degrees of freedom is the normal one.
    half = float(scipy.stats.t.isf(alpha / 2, degrees)) * difference.standard_error
    interval = Interval(difference.estimate - half, difference.estimate + half)
    return FixedTest(statistic, degrees, float(2 * scipy.stats.t.sf(abs(statistic), degrees)), interval)
