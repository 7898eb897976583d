"""How well a share is known. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

Z95 = 1.959963984540054  # two-sided 95 %


class Share(NamedTuple):
    """A share (0-1) of `total` cases with its 95 % Wilson interval; None throughout when there was no case."""

    right: int
    total: int
    value: float | None
    low: float | None
    high: float | None


def share_of(right: int, total: int, z: float = Z95) -> Share:
    """Raises ValueError for counts that cannot be."""
    if not 0 <= right <= total:
        raise ValueError(f"{right} of {total} is no share")
    if total == 0:
        return Share(0, 0, None, None, None)
    value = right / total
    scale = 1 + z * z / total
    middle = (value + z * z / (2 * total)) / scale
    half = z / scale * math.sqrt(value * (1 - value) / total + z * z / (4 * total * total))
    return Share(right, total, value, max(0.0, middle - half), min(1.0, middle + half))
