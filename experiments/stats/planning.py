"""How many units a comparison needs: before it starts (fixed horizon) and while it runs."""

from __future__ import annotations

import math
from collections.abc import Callable

import scipy  # its parts load at their first use: every process of the product imports this module

from experiments.stats.power import drift_for
from experiments.stats.sequence import Difference, Numbers, half_widths, lower_half_widths, one_sided_tuning, tuning

FARTHEST = 1e9


def units_for_proportions(
    baseline: float, lift: float, *, alpha: float = 0.05, power: float = 0.8, treatment_share: float = 0.5
) -> int:
    """Units of both arms together to see `lift` (absolute, in 0-1) over a `baseline` rate; two-sided z, unpooled.

    Raises ValueError when a rate would leave 0 to 1 or the lift is zero.
    """
    treated = baseline + lift
    if not (0 < baseline < 1 and 0 < treated < 1):
        raise ValueError("the rates before and after must lie strictly between 0 and 1")
    return _units(
        baseline * (1 - baseline), treated * (1 - treated), lift, alpha=alpha, power=power, share=treatment_share
    )


def units_for_means(
    standard_deviation: float, lift: float, *, alpha: float = 0.05, power: float = 0.8, treatment_share: float = 0.5
) -> int:
    """Units of both arms together to see `lift` when one unit has this standard deviation (same unit of measure)."""
    if standard_deviation <= 0:
        raise ValueError("the standard deviation must be positive")
    variance = standard_deviation**2
    return _units(variance, variance, lift, alpha=alpha, power=power, share=treatment_share)


def units_when_peeking(fixed_units: int, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Units that keep the power of a fixed-horizon plan when a confidence sequence is looked at all the time."""
    if fixed_units <= 0:
        raise ValueError("the fixed-horizon plan needs units")
    once = float(scipy.stats.norm.isf(alpha / 2) + scipy.stats.norm.ppf(power))
    return math.ceil(fixed_units * (drift_for(power, alpha) / once) ** 2)


def _units(control: float, treated: float, lift: float, *, alpha: float, power: float, share: float) -> int:
    if lift == 0:
        raise ValueError("no number of units can show a lift of zero")
    if not (0 < alpha < 1 and 0 < power < 1 and 0 < share < 1):
        raise ValueError("alpha, power and the treatment's share lie strictly between 0 and 1")
    quantiles = scipy.stats.norm.isf(alpha / 2) + scipy.stats.norm.ppf(power)
    return math.ceil(quantiles**2 * (control / (1 - share) + treated / share) / lift**2)


def units_until_decided(difference: Difference, *, planned_units: int, alpha: float) -> int | None:
    """How many more units until the confidence sequence leaves zero, if effect and spread stay as they look now.

    None when the effect is too small to say. Units are those with an outcome, of both arms together.
    """
    rho2 = tuning(planned_units, alpha)
    return _more_units(
        difference, abs(difference.estimate), lambda error, n: half_widths(error, n, rho2=rho2, alpha=alpha)
    )


def units_until_safe(difference: Difference, *, margin: float, planned_units: int, alpha: float) -> int | None:
    """The same until the lower bound of an oriented difference passes -margin; None when it never would."""
    rho2 = one_sided_tuning(planned_units, alpha)
    return _more_units(
        difference, difference.estimate + margin, lambda error, n: lower_half_widths(error, n, rho2=rho2, alpha=alpha)
    )


def _more_units(difference: Difference, distance: float, half_width: Callable[[float, float], Numbers]) -> int | None:
    if not difference.known or distance <= 0:
        return None
    sigma = difference.standard_error * math.sqrt(difference.units)

    def gap(n: float) -> float:
        return float(half_width(sigma / math.sqrt(n), n)) - distance

    if gap(difference.units) <= 0:
        return 0
    if gap(FARTHEST) > 0:
        return None
    return math.ceil(scipy.optimize.brentq(gap, difference.units, FARTHEST, xtol=0.5)) - difference.units
