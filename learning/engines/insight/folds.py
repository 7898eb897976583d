"""Parts for cross-validation in which no case is torn apart. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from learning.engines.insight.types import Flags, Integers


def folds_by_group(groups: Integers, count: int, seed: int = 0) -> list[tuple[Flags, Flags]]:
    """(learned, held out) as masks, at most `count` of them; empty with fewer than two groups.

    The largest groups are dealt first, each to the part that is smallest so far, so that parts are of like size;
    groups of one size in an order drawn by the seed.
    """
    import numpy as np

    sizes = np.bincount(groups) if len(groups) else np.zeros(0, np.int64)
    present = np.flatnonzero(sizes)
    count = min(count, len(present))
    if count < 2:
        return []
    present = np.random.default_rng(seed).permutation(present)
    present = present[np.argsort(-sizes[present], kind="stable")]
    part_of, filled = np.zeros(len(sizes), np.int64), [0] * count
    for group in present.tolist():
        part = filled.index(min(filled))
        part_of[group] = part
        filled[part] += int(sizes[group])
    parts = part_of[groups]
    return [(parts != part, parts == part) for part in range(count)]
