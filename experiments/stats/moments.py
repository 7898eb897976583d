"""What an arm needs to remember about its outcomes. The records refuse impossible numbers and can be added."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class SampleMoments:
    """Count, mean and sum of squared deviations of the units of one arm. Units: those of the outcome.

    With no unit the mean is nan: an absent value is never zero.
    """

    n: int
    mean: float
    m2: float

    def __post_init__(self) -> None:
        if self.n < 0:
            raise ValueError("a sample cannot have fewer than zero units")
        if self.n == 0:
            if not math.isnan(self.mean) or self.m2 != 0:
                raise ValueError("an empty sample has mean nan and no deviation")
            return
        if not (math.isfinite(self.mean) and math.isfinite(self.m2)):
            raise ValueError("mean and squared deviations must be finite")
        if self.m2 < 0 or (self.n == 1 and self.m2 != 0):
            raise ValueError("squared deviations cannot be negative, and one unit has none")

    @classmethod
    def empty(cls) -> SampleMoments:
        return cls(0, math.nan, 0.0)

    @classmethod
    def of(cls, outcomes: npt.ArrayLike) -> SampleMoments:
        """The moments of an array with one outcome per unit. Raises ValueError when one is not finite."""
        values = np.asarray(outcomes, dtype=np.float64)
        if values.size == 0:
            return cls.empty()
        if not np.isfinite(values).all():
            raise ValueError("every outcome must be finite")
        mean = float(values.mean())
        m2 = float(np.square(values - mean).sum()) if values.size > 1 else 0.0
        return cls(int(values.size), mean, m2)

    @property
    def variance(self) -> float:
        """The unbiased variance of one unit; nan below two units."""
        return self.m2 / (self.n - 1) if self.n > 1 else math.nan

    def __add__(self, other: SampleMoments) -> SampleMoments:
        """The moments of both samples together (Chan, Golub and LeVeque 1983)."""
        if not self.n or not other.n:
            return self if other.n == 0 else other
        n, shift = self.n + other.n, other.mean - self.mean
        mean = self.mean + shift * other.n / n
        return SampleMoments(n, mean, self.m2 + other.m2 + shift**2 * self.n * other.n / n)


@dataclass(frozen=True, slots=True)
class ProportionCounts:
    """Units of one arm and how many of them succeeded."""

    n: int
    successes: int

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.n:
            raise ValueError("successes lie between zero and the number of units")

    @property
    def failures(self) -> int:
        return self.n - self.successes

    @property
    def rate(self) -> float:
        """Share of successes, 0 to 1; nan without units."""
        return self.successes / self.n if self.n else math.nan

    def moments(self) -> SampleMoments:
        """The same sample as outcomes of 0 and 1."""
        if not self.n:
            return SampleMoments.empty()
        return SampleMoments(self.n, self.rate, self.successes * self.failures / self.n)

    def __add__(self, other: ProportionCounts) -> ProportionCounts:
        return ProportionCounts(self.n + other.n, self.successes + other.successes)


def unlike_most(outcomes: npt.ArrayLike) -> int:
    """How many units differ from the most common outcome: for outcomes of 0 and 1 the rarer of the two."""
    values = np.asarray(outcomes, dtype=np.float64)
    if values.size == 0:
        return 0
    return int(values.size - np.unique(values, return_counts=True)[1].max())
