"""What several opinions come to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def majority(decisions: Sequence[str]) -> str | None:
    """The decision that more people took than any other; None for a tie or for no opinion at all."""
    ranked = Counter(decisions).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def disagreement(decisions: Sequence[str]) -> float:
    """The share of opinions (0-1) that differ from the most frequent one; 0 for no opinion at all."""
    if not decisions:
        return 0.0
    return 1 - Counter(decisions).most_common(1)[0][1] / len(decisions)
