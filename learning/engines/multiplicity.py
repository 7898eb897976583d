"""Several questions asked at once. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values in the order given; valid for always-valid p's under any dependence and stopping time.

    Raises ValueError when one is not a probability.
    """
    if any(not 0 <= p <= 1 for p in p_values):
        raise ValueError("a p-value lies between 0 and 1")
    adjusted, worst = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        worst = max(worst, min(1.0, p_values[index] * (len(p_values) - rank)))
        adjusted[index] = worst
    return adjusted


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given that keep the false discovery rate under any dependence.

    Benjamini and Yekutieli (2001), theorem 1.3. Raises ValueError when one is not a probability.
    """
    if any(not 0 <= p <= 1 for p in p_values):
        raise ValueError("a p-value lies between 0 and 1")
    n = len(p_values)
    price = sum(1 / rank for rank in range(1, n + 1))
    adjusted, least = [0.0] * n, 1.0
    order = sorted(range(n), key=p_values.__getitem__)
    for rank in range(n, 0, -1):
        index = order[rank - 1]
        least = min(least, p_values[index] * n * price / rank)
        adjusted[index] = least
    return adjusted
