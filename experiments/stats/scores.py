"""Treatment against control from the sums of cells: doubly robust scores with the logged propensities (section 1).

Every unit i of the two arms has the score of an arm a

    phi_i(a) = m_a(x_i) + 1{A_i = a} / pi_i(a) * (y_i - m_a(x_i))

whose mean is the mean outcome if everybody had arm a (Robins, Rotnitzky and Zhao 1994; as a confidence sequence:
Waudby-Smith and others, Annals of Statistics 52(6), 2024). pi is the logged propensity of the arm among the two. The
prediction m_a is linear in covariates known before the exposure, with one slope for both arms (CUPED: Deng, Xu, Kohavi
and Walker 2013), around the arm's mean in the unit's stratum. So

- one stratum, no covariate: the difference in means, with Welch's standard error;
- one stratum, a covariate: CUPED; a prediction of any model as the covariate: CUPAC;
- several strata: the strata's differences weighted by their units, so a ramp or a bandit does not mix a change of the
  split with a change of the users (Simpson's paradox);
- strata with few units in an arm: inverse-propensity scores around the arm's overall mean.

A ratio metric is linearised around each arm's own ratio, which is the delta method (Deng, Knoblich and Lu, KDD 2018).
Functions with `Cells` work on any number of streams at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.stats.sequence import Difference
from experiments.stats.sufficient import Stratum, Sums

Numbers = npt.NDArray[np.float64]

CONTROL, TREATMENT = 0, 1
FEWEST_UNITS = 30


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of many streams: the last axes are stratum, then arm (control, treatment), then columns.

    n: units (..., strata, 2). means: (..., strata, 2, columns), anything where n is 0. scatter: sums of products of
    deviations (..., strata, 2, columns, columns). shares: propensities of the two arms (sum: one).
    """

    n: Numbers
    means: Numbers
    scatter: Numbers
    shares: Numbers


@dataclass(frozen=True, slots=True)
class Means:
    """Estimated mean (or ratio) of control and treatment, and the covariance matrix of the two (..., 2, 2).

    nan where nothing is known.
    """

    values: Numbers
    covariance: Numbers

    @property
    def difference(self) -> Numbers:
        """Treatment minus control."""
        return np.asarray(self.values[..., TREATMENT] - self.values[..., CONTROL])

    @property
    def error(self) -> Numbers:
        """Standard error of the difference."""
        own = self.covariance[..., CONTROL, CONTROL] + self.covariance[..., TREATMENT, TREATMENT]
        return np.sqrt(np.maximum(own - 2 * self.covariance[..., CONTROL, TREATMENT], 0.0))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Estimated means of both arms, the variances and covariance of these estimates, and the units of each arm.

    nan when an arm has too few units to say.
    """

    control: float
    treatment: float
    control_variance: float
    treatment_variance: float
    covariance: float
    control_units: int
    treatment_units: int

    @property
    def units(self) -> int:
        """Of both arms together."""
        return self.control_units + self.treatment_units

    @property
    def difference(self) -> Difference:
        """Treatment minus control; nan when an arm has too few units to say."""
        variance = self.control_variance + self.treatment_variance - 2 * self.covariance
        return Difference(self.treatment - self.control, math.sqrt(max(variance, 0.0)), self.units)


UNKNOWN = (math.nan,) * 5


def compare(strata: Sequence[Stratum], control: str, treatment: str, *, ratio: bool = False) -> Comparison:
    """One treatment against control now. `ratio`: the first two columns are numerator and denominator.

    Raises ValueError when the strata have different columns, or a ratio has no denominator column.
    """
    cells = _cells_of(strata, control, treatment)
    if cells is None:
        return Comparison(*UNKNOWN, 0, 0)
    if ratio and cells.means.shape[-1] < 2:
        raise ValueError("a ratio needs a numerator and a denominator column")
    units = [int(count) for count in cells.n.sum(axis=0)]
    means = ratio_means(cells) if ratio else arm_means(cells)
    values, covariance = means.values, means.covariance
    if not (np.isfinite(values).all() and np.isfinite(covariance).all()):
        return Comparison(*UNKNOWN, *units)
    return Comparison(
        control=float(values[CONTROL]),
        treatment=float(values[TREATMENT]),
        control_variance=float(covariance[CONTROL, CONTROL]),
        treatment_variance=float(covariance[TREATMENT, TREATMENT]),
        covariance=float(covariance[CONTROL, TREATMENT]),
        control_units=units[CONTROL],
        treatment_units=units[TREATMENT],
    )


def arm_means(cells: Cells) -> Means:
    """The mean of the first column in both arms, adjusted for the columns after it."""
    n, adjusted, scatter = _adjusted(cells)
    both = n.sum(axis=-1)
    total = both.sum(axis=-1)
    few = np.minimum(n[..., CONTROL], n[..., TREATMENT]) < FEWEST_UNITS
    if n.shape[-2] == 1:
        few = np.zeros_like(few)
    with np.errstate(divide="ignore", invalid="ignore"):
        variances = np.where(n > 1, scatter / (n - 1) / n, math.nan)
        weight = np.where(few, 0.0, both)[..., None]
        sums = np.where(weight > 0, weight * adjusted, 0.0).sum(axis=-2)
        squares = np.where(weight > 0, weight**2 * variances, 0.0).sum(axis=-2)
        matrix = np.zeros((*squares.shape, 2))
        matrix[..., CONTROL, CONTROL], matrix[..., TREATMENT, TREATMENT] = (
            squares[..., CONTROL],
            squares[..., TREATMENT],
        )
        if few.any():
            scores, spread = _weighted(n * few[..., None], adjusted, scatter, cells.shares, _overall(n, adjusted))
            sums, matrix = sums + scores, matrix + spread
        total = np.where(n.sum(axis=-2).min(axis=-1) > 1, total, math.nan)
        return Means(sums / total[..., None], matrix / total[..., None, None] ** 2)


def ratio_means(cells: Cells) -> Means:
    """The ratio of the first column's mean to the second's in both arms, adjusted for the columns after them."""
    above, below = (arm_means(_columns(cells, [column])).values for column in (0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(below != 0, above / below, math.nan)
        # One row of weights an arm: (numerator - ratio * denominator) / mean denominator, then the covariates.
        columns = cells.means.shape[-1]
        turn = np.zeros((*ratios.shape, columns - 1, columns))
        turn[..., 0, 0], turn[..., 0, 1] = 1 / below, -ratios / below
        turn[..., 1:, 2:] = np.eye(columns - 2)
        turn = turn[..., None, :, :, :]
        means = (turn @ cells.means[..., None])[..., 0]
        scatter = turn @ cells.scatter @ np.swapaxes(turn, -1, -2)
        linear = arm_means(Cells(cells.n, means, scatter, cells.shares))
    return Means(ratios + linear.values, linear.covariance)


def _adjusted(cells: Cells) -> tuple[Numbers, Numbers, Numbers]:
    """Units, means and squared deviations of the first column after subtracting what the covariates predict."""
    n, scatter = cells.n, cells.scatter
    means = np.where(n[..., None] > 0, cells.means, 0.0)
    if cells.means.shape[-1] == 1:
        return n, means[..., 0], scatter[..., 0, 0]
    both = n.sum(axis=-1)
    gap = means[..., TREATMENT, :] - means[..., CONTROL, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.where(both > 0, n.prod(axis=-1) / both, 0.0)
        middle = (n[..., None] * means).sum(axis=(-3, -2)) / both.sum(axis=-1)[..., None]
    whole = scatter.sum(axis=-3) + between[..., None, None] * gap[..., :, None] * gap[..., None, :]
    whole = whole.sum(axis=-3)
    slope = _slope(whole)[..., None, None, :]
    shift = means[..., 1:] - middle[..., None, None, 1:]
    left = scatter[..., 0, 0] - 2 * (slope * scatter[..., 0, 1:]).sum(axis=-1)
    left = left + (slope[..., :, None] * slope[..., None, :] * scatter[..., 1:, 1:]).sum(axis=(-2, -1))
    return n, means[..., 0] - (slope * shift).sum(axis=-1), np.maximum(left, 0.0)


def _slope(whole: Numbers) -> Numbers:
    """The regression of the first column on the others; 0 for one that does not vary."""
    if whole.shape[-1] > 2:
        found = np.linalg.pinv(whole[..., 1:, 1:], hermitian=True) @ whole[..., 1:, :1]
        return np.asarray(found[..., 0])
    spread = whole[..., 1, 1]
    return np.asarray(np.where(spread > 0, whole[..., 0, 1] / np.where(spread > 0, spread, 1.0), 0.0))[..., None]


def _overall(n: Numbers, adjusted: Numbers) -> Numbers:
    return np.asarray((n * adjusted).sum(axis=-2) / n.sum(axis=-2))


def _weighted(
    n: Numbers, adjusted: Numbers, scatter: Numbers, shares: Numbers, predicted: Numbers
) -> tuple[Numbers, Numbers]:
    """Sum of the scores of both arms over the units of `n`, and the covariance matrix of the two sums.

    A unit of arm a has score m_a + (y - m_a) / share_a for its own arm and m_b for the other.
    """
    m = predicted[..., None, :]
    own = np.where(n > 0, m + (adjusted - m) / shares, 0.0)
    counts, total = n, n.sum(axis=(-2, -1))
    sums = (counts * own).sum(axis=-2) + (counts.sum(axis=-2)[..., ::-1]) * predicted
    middle = np.where(total[..., None] > 0, sums / np.maximum(total, 1)[..., None], 0.0)
    spread = np.zeros((*sums.shape, 2))
    for arm in (CONTROL, TREATMENT):
        other = 1 - arm
        near, far = own[..., arm] - middle[..., None, arm], (m - middle[..., None, :])[..., 0, other]
        within = np.where(counts[..., arm] > 0, scatter[..., arm] / shares[..., arm] ** 2, 0.0)
        spread[..., arm, arm] += (within + counts[..., arm] * near**2).sum(axis=-1)
        spread[..., other, other] += counts[..., arm].sum(axis=-1) * far**2
        crossed = (counts[..., arm] * near).sum(axis=-1) * far
        spread[..., arm, other] += crossed
        spread[..., other, arm] += crossed
    return sums, spread * np.where(total > 1, total / np.maximum(total - 1, 1), 0.0)[..., None, None]


def _columns(cells: Cells, chosen: list[int]) -> Cells:
    return Cells(cells.n, cells.means[..., chosen], cells.scatter[..., chosen, :][..., chosen], cells.shares)


def _cells_of(strata: Sequence[Stratum], control: str, treatment: str) -> Cells | None:
    """The two arms in every stratum that gave both a chance and has met a unit of one of them."""
    pairs = []
    for stratum in strata:
        sums = [stratum.arms.get(arm) for arm in (control, treatment)]
        if {control, treatment} <= stratum.propensities.keys() and any(one and one.n for one in sums):
            shares = np.array([stratum.propensities[control], stratum.propensities[treatment]])
            pairs.append(([one or Sums.empty(_origin(stratum)) for one in sums], shares / shares.sum()))
    if not pairs:
        return None
    if len({len(one.origin) for pair, _ in pairs for one in pair}) > 1:
        raise ValueError("every stratum of a metric has the same columns")
    return Cells(
        np.array([[one.n for one in pair] for pair, _ in pairs], dtype=np.float64),
        np.array([[one.means for one in pair] for pair, _ in pairs]),
        np.array([[one.scatter for one in pair] for pair, _ in pairs]),
        np.array([shares for _, shares in pairs]),
    )


def _origin(stratum: Stratum) -> tuple[float, ...]:
    return next(sums.origin for sums in stratum.arms.values())
