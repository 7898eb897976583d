"""The slope between two standardised columns whose rows are not independent. Pure.

Cluster-robust variance with the small-sample factor G/(G-1) * (n-1)/(n-k): Liang and Zeger (1986), Biometrika 73; as
statsmodels' OLS computes it with cov_type="cluster". Two dimensions: Cameron, Gelbach and Miller (2011), JBES 29, where
the variance may come out too small or negative; then the larger of the two one-way variances counts, which errs on the
safe side (MacKinnon, Nielsen and Webb 2021, JBES 39). The slope is divided by a t distribution with G-1 degrees of
freedom, G the smaller number of clusters.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from learning.engines.insight.types import Floats, Integers

SMALLEST = sys.float_info.min  # what a p-value that is too small for a double is given as
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Slope:
    """A correlation (-1 to 1) with interval and two-sided p-value; those are None where nothing can be said of them."""

    value: float
    low: float | None
    high: float | None
    p_value: float | None
    clusters: int


def standardise(column: Floats) -> Floats | None:
    """Mean 0, standard deviation 1; None when it does not vary."""
    import numpy as np

    centred = column - column.mean()
    scale = math.sqrt(float(np.mean(centred**2)))
    if not scale > 1e-12 * max(1.0, float(np.max(np.abs(column)))):
        return None
    return centred / scale


def slope_of(x: Floats, y: Floats, clusterings: Sequence[Integers], fitted: int = 2) -> Slope:
    """The slope of y on x, both centred with equal scale, so that it is their correlation.

    clusterings: at most two columns of codes; without any every row is a cluster. fitted: how many parameters were
    fitted in all, those of what was taken out before included.
    """
    import numpy as np

    n, power = len(x), float(x @ x)
    value = float(x @ y) / power
    scores = x * (y - value * x)
    usable = [codes for codes in clusterings if len(codes) and (codes != codes[0]).any()]
    if not usable:
        usable = [np.arange(n)] if not clusterings else []
    if not usable or n <= fitted:
        return Slope(_bounded(value), None, None, None, min(1, n))
    variance, clusters = cluster_variance(scores, usable, n, fitted)
    return _with_error(value, math.sqrt(variance) / power, clusters)


def cluster_variance(scores: Floats, clusterings: Sequence[Integers], n: int, fitted: int) -> tuple[float, int]:
    """The variance of the sum of scores under one or two clusterings, and the smaller number of clusters."""
    parts = [_one_way(scores, codes, n, fitted) for codes in clusterings]
    variance = max(part for part, _ in parts)
    if len(parts) == 2:
        crossed = clusterings[0] * (int(clusterings[1].max()) + 1) + clusterings[1]
        overlap, _ = _one_way(scores, compact(crossed), n, fitted)
        variance = max(variance, parts[0][0] + parts[1][0] - overlap)
    return variance, min(count for _, count in parts)


def _one_way(scores: Floats, codes: Integers, n: int, fitted: int) -> tuple[float, int]:
    """The variance of the sum of scores, and how many clusters there are."""
    import numpy as np

    sums = np.bincount(codes, weights=scores)
    clusters = int(np.count_nonzero(np.bincount(codes)))
    factor = clusters / (clusters - 1) * (n - 1) / (n - fitted)
    return factor * float(sums @ sums), clusters


def compact(codes: Integers) -> Integers:
    """The same clusters as codes without gaps."""
    import numpy as np

    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def _with_error(value: float, error: float, clusters: int) -> Slope:
    if not error > 1e-12:  # a perfect line: no error to measure, so no p-value either
        return Slope(_bounded(value), None, None, None, clusters)
    from scipy import special

    freedom = clusters - 1
    p_value = max(SMALLEST, float(2 * special.stdtr(freedom, -abs(value) / error)))
    half = float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    return Slope(_bounded(value), _bounded(value - half), _bounded(value + half), min(1.0, p_value), clusters)


def _bounded(value: float) -> float:
    return max(-1.0, min(1.0, value))
