"""A number with its interval. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from learning.engines.insight.rates import Z


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


def around(value: float, error: float) -> Estimate:
    """With the interval that a standard error of a normal distribution gives."""
    return Estimate(float(value), float(value - Z * error), float(value + Z * error))
