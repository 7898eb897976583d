"""Where to cut outcomes with long tails, declared before the start: one user with a huge value must not decide."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FEWEST_VALUES = 100


def upper_limit(past: npt.ArrayLike, *, share: float) -> float:
    """What this share of past outcomes lies above: a quantile, never of the experiment's own outcomes.

    Raises ValueError for fewer than 100 values, or when nothing that varies would be left.
    """
    values = np.asarray(past, dtype=np.float64)
    if values.size < FEWEST_VALUES or not np.isfinite(values).all():
        raise ValueError(f"a limit needs at least {FEWEST_VALUES} finite past outcomes")
    if not 0 < share < 0.5:
        raise ValueError("the share to cut lies between 0 and one half")
    limit = float(np.quantile(values, 1 - share))
    if limit <= values.min():
        raise ValueError("below this limit all past outcomes are the same")
    return limit
