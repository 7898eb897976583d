"""Lift as a share of the control's mean: treatment / control - 1 (section 8)."""

from __future__ import annotations

import math

import scipy  # its parts load at their first use: every process of the product imports this module

from experiments.stats.scores import Comparison
from experiments.stats.sequence import Interval, half_widths, tuning

UNBOUNDED = Interval(-math.inf, math.inf)
UNKNOWN = Interval(math.nan, math.nan)


def relative_lift(comparison: Comparison) -> float:
    """0.1 is ten percent more than control; nan when nothing is known or the control's mean is not above 0."""
    if not comparison.control > 0:
        return math.nan
    return comparison.treatment / comparison.control - 1


def relative_sequence(comparison: Comparison, *, planned_units: int, alpha: float) -> Interval:
    """The confidence sequence of the relative lift, by Fieller's theorem (Fieller 1954) with the sequence's width.

    A ratio r belongs to it when the sequence of treatment - r * control holds 0, so that it is valid at any moment and
    agrees with the sequence of the difference about 0. It is unbounded while the control's mean is not told from 0.
    """
    if not comparison.difference.known or math.isnan(relative_lift(comparison)):
        return UNKNOWN
    rho2 = tuning(planned_units, alpha)
    return _fieller(comparison, float(half_widths(1.0, comparison.units, rho2=rho2, alpha=alpha)))


def relative_interval(comparison: Comparison, *, alpha: float) -> Interval:
    """The interval of one look that was planned; by the delta method on the logarithm of the ratio.

    Fieller's where that does not hold: a treatment's mean below zero, or a control's within three standard errors.
    """
    if not comparison.difference.known or math.isnan(relative_lift(comparison)):
        return UNKNOWN
    quantile = float(scipy.stats.norm.isf(alpha / 2))
    control, treatment = comparison.control, comparison.treatment
    if control <= 3 * math.sqrt(comparison.control_variance) or treatment <= 0:
        return _fieller(comparison, quantile)
    spread = comparison.control_variance / control**2 + comparison.treatment_variance / treatment**2
    spread -= 2 * comparison.covariance / (control * treatment)
    times = math.exp(quantile * math.sqrt(max(spread, 0.0)))
    return Interval(treatment / control / times - 1, treatment / control * times - 1)


def _fieller(comparison: Comparison, quantile: float) -> Interval:
    """The ratios r with (t - r c)^2 <= q^2 (V_t - 2 r V_tc + r^2 V_c), less one."""
    square = quantile**2
    a = comparison.control**2 - square * comparison.control_variance
    b = comparison.control * comparison.treatment - square * comparison.covariance
    c = comparison.treatment**2 - square * comparison.treatment_variance
    inside = b**2 - a * c
    if a <= 0 or inside < 0:
        return UNBOUNDED
    return Interval((b - math.sqrt(inside)) / a - 1, (b + math.sqrt(inside)) / a - 1)
