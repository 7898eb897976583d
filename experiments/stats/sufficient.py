"""What an experiment remembers instead of its units: sums of one cell, which can be added, taken back and merged.

A cell is one metric x arm x stratum. A stratum is an epoch in which every unit was assigned with the same logged
propensities (a step of a ramp, one update of a bandit); an experiment whose split never changes has one stratum. All
estimates of `experiments.stats.scores` are computed from the sums of the cells, so an analysis costs the same however
many units there are. A unit counts once in one cell, with one row of columns, in this order:

    outcome                                    a mean metric (binary, count, continuous)
    outcome, covariate, ...                    with covariates known before the exposure (CUPED)
    numerator, denominator                     a ratio metric; both per randomization unit
    numerator, denominator, covariate, ...

When a unit's outcome matures or changes: `sums - Sums.of([old_row], origin) + Sums.of([new_row], origin)`.
A unit without a covariate gets a constant there and a second covariate that says so (0 or 1): never leave it out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.stats.moments import SampleMoments

Numbers = npt.NDArray[np.float64]

LEVELS = (-1.0, 0.0, 1.0)
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the units of one cell, of columns measured from a fixed origin.

    origin: one number a column, chosen once per metric (near the usual value; 0 for outcomes of -1, 0 and 1, whose sums
    are then exact) and never changed, because only sums from the same origin can be added. It costs nothing and keeps
    the squares of large numbers exact (Chan, Golub and LeVeque 1983, "shifted data").
    n: units. totals: one sum a column of (value - origin). products: sums of the products of two columns, the lower
    triangle by rows: (0,0), (1,0), (1,1), (2,0), ... levels: units whose first column is exactly -1, 0 and 1, by which
    rare outcomes are recognised.
    """

    origin: tuple[float, ...]
    n: int
    totals: tuple[float, ...]
    products: tuple[float, ...]
    levels: tuple[int, int, int] = (0, 0, 0)

    def __post_init__(self) -> None:
        columns = len(self.origin)
        if not columns or len(self.totals) != columns or len(self.products) != columns * (columns + 1) // 2:
            raise ValueError("sums need one origin and total a column and one product a pair of columns")
        if self.n < 0 or min(self.levels) < 0 or sum(self.levels) > self.n:
            raise ValueError("units cannot be fewer than zero, nor than those counted by their outcome")
        if not all(map(math.isfinite, (*self.origin, *self.totals, *self.products))):
            raise ValueError("origins, totals and products must be finite")
        squares = [self.products[_place(column, column)] for column in range(columns)]
        if min(squares) < -ROUNDING * max(1.0, *squares):
            raise ValueError("sums of squares cannot be negative: units were taken back that had never been added")

    @classmethod
    def empty(cls, origin: Sequence[float] = (0.0,)) -> Sums:
        columns = len(origin)
        return cls(tuple(origin), 0, (0.0,) * columns, (0.0,) * (columns * (columns + 1) // 2))

    @classmethod
    def of(cls, rows: npt.ArrayLike, origin: Sequence[float] = (0.0,)) -> Sums:
        """The sums of an array with one row a unit and one column an origin (one column may be a flat array).

        Raises ValueError when a value is not finite or the columns do not match the origin.
        """
        values = np.asarray(rows, dtype=np.float64)
        if values.size == 0:
            return cls.empty(origin)
        values = values.reshape(len(values), -1)
        if values.shape[1] != len(origin):
            raise ValueError("every row needs one value a column of the origin")
        if not np.isfinite(values).all():
            raise ValueError("every outcome, denominator and covariate must be finite")
        shifted = values - np.asarray(origin, dtype=np.float64)
        triangle = (shifted.T @ shifted)[np.tril_indices(len(origin))]
        minus, zero, one = (int(np.count_nonzero(values[:, 0] == level)) for level in LEVELS)
        return cls(
            tuple(origin), len(values), _floats(shifted.sum(axis=0)), _floats(triangle), levels=(minus, zero, one)
        )

    def __add__(self, other: Sums) -> Sums:
        return self._combined(other, 1)

    def __sub__(self, other: Sums) -> Sums:
        """Take back units that had been added, row for row. Raises ValueError when there were not so many."""
        return self._combined(other, -1)

    def _combined(self, other: Sums, sign: int) -> Sums:
        if self.origin != other.origin:
            raise ValueError("only sums from the same origin can be added or taken back")
        n = self.n + sign * other.n
        if n == 0:
            return Sums.empty(self.origin)  # without the dust of rounding
        minus, zero, one = (mine + sign * theirs for mine, theirs in zip(self.levels, other.levels, strict=True))
        return Sums(
            self.origin,
            n,
            tuple(mine + sign * theirs for mine, theirs in zip(self.totals, other.totals, strict=True)),
            tuple(mine + sign * theirs for mine, theirs in zip(self.products, other.products, strict=True)),
            levels=(minus, zero, one),
        )

    @property
    def means(self) -> Numbers:
        """The mean of each column; nan without units."""
        if not self.n:
            return np.full(len(self.origin), math.nan)
        return np.asarray(self.origin) + np.asarray(self.totals) / self.n

    @property
    def scatter(self) -> Numbers:
        """Sums of products of deviations from the means, a symmetric matrix; 0 below two units."""
        columns = len(self.origin)
        matrix = np.zeros((columns, columns))
        if self.n < 2:
            return matrix
        rows, others = np.tril_indices(columns)
        totals = np.asarray(self.totals)
        matrix[rows, others] = np.asarray(self.products) - totals[rows] * totals[others] / self.n
        matrix[others, rows] = matrix[rows, others]
        own = np.diag_indices(columns)
        matrix[own] = np.maximum(matrix[own], 0.0)
        return matrix

    @property
    def moments(self) -> SampleMoments:
        """Those of the first column."""
        if not self.n:
            return SampleMoments.empty()
        return SampleMoments(self.n, float(self.means[0]), float(self.scatter[0, 0]))

    @property
    def unlike(self) -> int:
        """How many units differ from the most common of the outcomes -1, 0 and 1."""
        return self.n - max(self.levels)


@dataclass(frozen=True, slots=True)
class Stratum:
    """The cells of one metric in one stratum: sums by arm, and the logged propensity of each arm (they sum to one)."""

    propensities: Mapping[str, float]
    arms: Mapping[str, Sums]

    def __post_init__(self) -> None:
        if not self.arms.keys() <= self.propensities.keys():
            raise ValueError("every arm needs its logged propensity")
        if not all(0 < share <= 1 for share in self.propensities.values()):
            raise ValueError("propensities lie above zero and not above one")
        if not math.isclose(sum(self.propensities.values()), 1.0, abs_tol=ROUNDING):
            raise ValueError("the propensities of a stratum sum to one")
        if len({len(sums.origin) for sums in self.arms.values()}) > 1:
            raise ValueError("the arms of a stratum have the same columns")


def pooled(strata: Sequence[Stratum], arm: str) -> Sums:
    """All units of one arm together, for display: raw means mislead when the shares changed. Needs one stratum."""
    found = [stratum.arms[arm] for stratum in strata if arm in stratum.arms]
    if not found:
        origin = next((sums.origin for stratum in strata for sums in stratum.arms.values()), (0.0,))
        return Sums.empty(origin)
    total = found[0]
    for sums in found[1:]:
        total += sums
    return total


def _place(row: int, column: int) -> int:
    return row * (row + 1) // 2 + column


def _floats(values: Numbers) -> tuple[float, ...]:
    return tuple(map(float, values))
