"""Limits for outcomes with long tails, declared before the start: one user with a huge value must not decide."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

FEWEST_VALUES = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """What lies outside counts as the nearest limit. -inf and inf: no limit."""

    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError("the lower limit must lie below the upper one")

    def apply(self, outcomes: npt.ArrayLike) -> Numbers:
        return np.clip(np.asarray(outcomes, dtype=np.float64), self.low, self.high)


def limits_of(past: npt.ArrayLike, *, share: float = 0.01, both: bool = False) -> Limits:
    """Limits that cut this share of past outcomes off the top (and off the bottom): quantiles, not of this experiment.

    Raises ValueError for fewer than 100 values, or when the limit would leave nothing that varies.
    """
    values = np.asarray(past, dtype=np.float64)
    if values.size < FEWEST_VALUES or not np.isfinite(values).all():
        raise ValueError(f"limits need at least {FEWEST_VALUES} finite past outcomes")
    if not 0 < share < 0.5:
        raise ValueError("the share to cut lies between 0 and one half")
    low = float(np.quantile(values, share)) if both else -math.inf
    return Limits(low, float(np.quantile(values, 1 - share)))
