"""How often something succeeds. Pure.

Wilson (1927), JASA 22: the interval of a share that also holds for few cases and for shares near 0 and 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Z = 1.959963984540054  # the normal quantile of 95 %


@dataclass(frozen=True, slots=True)
class Rate:
    """`successes` of `n`; value, low and high from 0 to 1, None without any case."""

    successes: float
    n: float
    low: float | None
    high: float | None

    @property
    def value(self) -> float | None:
        return self.successes / self.n if self.n else None


def rate_of(successes: float, n: float, z: float = Z) -> Rate:
    """With Wilson's interval. Raises ValueError when there are more successes than cases."""
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} cases are impossible.")
    if not n:
        return Rate(0, 0, None, None)
    share, square = successes / n, z * z / n
    centre = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / n + square / (4 * n)) / (1 + square)
    return Rate(successes, n, max(0.0, centre - half), min(1.0, centre + half))
