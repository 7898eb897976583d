"""Difference in means with a confidence sequence and an always-valid p-value (sections 1 to 4).

A confidence sequence covers the true difference at all sample sizes at once with probability 1 - alpha, so that a
person may look every day and stop whenever it pleases. It is tightest at the planned number of units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy  # its parts load at their first use: every process of the product imports this module

from experiments.stats.moments import SampleMoments

Numbers = npt.NDArray[np.float64]

MINIMUM_UNITS = 30
MINIMUM_UNLIKE = 10
LARGEST_ALPHA = 0.99


@dataclass(frozen=True, slots=True)
class Difference:
    """Treatment mean minus control mean, its standard error (both in units of the outcome), and the units counted."""

    estimate: float
    standard_error: float
    units: int

    def __post_init__(self) -> None:
        if self.units < 0 or self.standard_error < 0:
            raise ValueError("neither units nor a standard error can be negative")
        if math.isinf(self.estimate) or math.isinf(self.standard_error):
            raise ValueError("a difference and its standard error must be finite, or nan when unknown")

    @property
    def known(self) -> bool:
        """Whether there is anything to infer from: both arms have spread."""
        return math.isfinite(self.estimate) and math.isfinite(self.standard_error) and self.standard_error > 0


@dataclass(frozen=True, slots=True)
class Interval:
    """Low and high in units of the outcome; nan when nothing is known."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("an interval's low end cannot lie above its high end")


def difference_in_means(control: SampleMoments, treatment: SampleMoments) -> Difference:
    """Unpooled (Welch) difference; nan below two units in an arm."""
    units = control.n + treatment.n
    if control.n < 2 or treatment.n < 2:
        return Difference(math.nan, math.nan, units)
    error = math.sqrt(control.variance / control.n + treatment.variance / treatment.n)
    return Difference(treatment.mean - control.mean, error, units)


def tuning(planned_units: float, alpha: float) -> float:
    """rho squared that makes the sequence tightest at `planned_units` units of both arms together (section 2)."""
    if planned_units <= 0 or not 0 < alpha < 1:
        raise ValueError("planned units must be positive and alpha between 0 and 1")
    return float(-scipy.special.lambertw(-(alpha**2) / math.e, -1).real - 1) / planned_units


def one_sided_tuning(planned_units: float, alpha: float) -> float:
    """The rho squared of a one-sided bound: that of 2 * alpha (section 3), as far as there is one. Any rho is valid."""
    return tuning(planned_units, min(2 * alpha, LARGEST_ALPHA))


def half_widths(errors: npt.ArrayLike, units: npt.ArrayLike, *, rho2: float, alpha: float) -> Numbers:
    """Half of the width of the two-sided sequence, element by element (section 2; sigma^2 = n * SE^2)."""
    n, se = np.asarray(units, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    scale = n * rho2 + 1
    return np.asarray(se * np.sqrt(2 * scale / (n * rho2) * (0.5 * np.log(scale) - math.log(alpha))))


def lower_half_widths(errors: npt.ArrayLike, units: npt.ArrayLike, *, rho2: float, alpha: float) -> Numbers:
    """Distance of the one-sided lower bound from the estimate; `rho2` from `one_sided_tuning`."""
    n, se = np.asarray(units, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    scale = n * rho2 + 1
    return np.asarray(se * np.sqrt(2 * scale / (n * rho2) * np.log1p(np.sqrt(scale) / (2 * alpha))))


def log_e_values(estimates: npt.ArrayLike, errors: npt.ArrayLike, units: npt.ArrayLike, *, rho2: float) -> Numbers:
    """Log evidence against "no difference", element by element (section 3)."""
    n = np.asarray(units, dtype=np.float64)
    scale = n * rho2 + 1
    z2 = np.square(np.asarray(estimates, dtype=np.float64) / np.asarray(errors, dtype=np.float64))
    return np.asarray(rho2 * n * z2 / (2 * scale) - 0.5 * np.log(scale))


def confidence_sequence(difference: Difference, *, planned_units: int, alpha: float) -> Interval:
    """The two-sided sequence at this moment; nan ends when nothing is known."""
    if not difference.known:
        return Interval(math.nan, math.nan)
    rho2 = tuning(planned_units, alpha)
    half = float(half_widths(difference.standard_error, difference.units, rho2=rho2, alpha=alpha))
    return Interval(difference.estimate - half, difference.estimate + half)


def one_sided(difference: Difference, *, planned_units: int, alpha: float) -> Interval:
    """Both one-sided bounds, each valid at `alpha` by itself: low for "not worse than", high for "proven worse"."""
    if not difference.known:
        return Interval(math.nan, math.nan)
    rho2 = one_sided_tuning(planned_units, alpha)
    half = float(lower_half_widths(difference.standard_error, difference.units, rho2=rho2, alpha=alpha))
    return Interval(difference.estimate - half, difference.estimate + half)


def always_valid_p(difference: Difference, *, planned_units: int, alpha: float, previous: float = 1.0) -> float:
    """The p-value after this look: the smallest of `previous` (what the caller stored last) and 1 / e-value now.

    Raises ValueError when `previous` is not a probability.
    """
    if not 0 <= previous <= 1:
        raise ValueError("a p-value lies between 0 and 1")
    if not difference.known:
        return previous
    rho2 = tuning(planned_units, alpha)
    log_e = float(log_e_values(difference.estimate, difference.standard_error, difference.units, rho2=rho2))
    return min(previous, math.exp(-max(log_e, 0.0)))


def units_short(n: int, unlike: int | None) -> int:
    """How many more units an arm needs at the least before inference starts; 0 when it may (section 4).

    `unlike` is `unlike_most(outcomes)` for outcomes with few values, None for continuous ones.
    """
    return max(MINIMUM_UNITS - n, 0 if unlike is None else MINIMUM_UNLIKE - unlike, 0)
