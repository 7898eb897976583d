"""How much raters agree beyond chance. Pure numpy.

Ratings are an array (raters, items) of numbers with nan where a rater did not rate. Nominal ratings are codes: only
their equality counts. What cannot be computed (one value only, too few ratings) is nan, never 0 or 1.

Krippendorff 2011, "Computing Krippendorff's alpha-reliability"; Fleiss 1971; Cohen 1960 and 1968 (weights);
Gwet 2014, "Handbook of inter-rater reliability" (AC1 and AC2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Ratings = npt.NDArray[np.float64]
Level = Literal["nominal", "ordinal", "interval"]
Weights = Literal["identity", "linear", "quadratic"]
RESAMPLES = 1_000
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A coefficient with its percentile bootstrap interval over items; nan where it cannot be computed."""

    value: float
    low: float
    high: float
    items: int


def krippendorff_alpha(ratings: Ratings, level: Level = "nominal") -> float:
    """Alpha: 1 is perfect agreement, 0 what chance gives; items with fewer than two ratings do not count."""
    values, counts = value_counts(ratings)
    counts = counts[counts.sum(axis=1) >= 2]
    if len(values) < 2 or not counts.size:
        return float("nan")
    pairs = counts.sum(axis=1)[:, None, None] - 1
    coincidences = ((counts[:, :, None] * counts[:, None, :] - _diagonals(counts)) / pairs).sum(axis=0)
    margins = coincidences.sum(axis=0)
    total = margins.sum()
    expected = (np.outer(margins, margins) - np.diag(margins)) / (total - 1)
    distance = _distances(values, margins, level)
    chance = (expected * distance).sum()
    return float(1 - (coincidences * distance).sum() / chance) if chance > 0 else float("nan")


def cohen_kappa(one: Ratings, other: Ratings, weights: Weights = "identity") -> float:
    """Kappa of two raters over the items that both rated; weighted for ordered values."""
    both = ~np.isnan(one) & ~np.isnan(other)
    one, other = one[both], other[both]
    values = np.unique(np.concatenate([one, other]))
    if len(values) < 2:
        return float("nan")
    table = np.zeros((len(values), len(values)))
    np.add.at(table, (np.searchsorted(values, one), np.searchsorted(values, other)), 1)
    table /= table.sum()
    disagreement = 1 - weight_matrix(values, weights)
    chance = (np.outer(table.sum(axis=1), table.sum(axis=0)) * disagreement).sum()
    return float(1 - (table * disagreement).sum() / chance) if chance > 0 else float("nan")


def fleiss_kappa(ratings: Ratings) -> float:
    """Fleiss' kappa over the items with the most frequent number of ratings, which it needs to be the same for all."""
    values, counts = value_counts(ratings)
    raters = counts.sum(axis=1)
    usable = raters[raters >= 2]
    if len(values) < 2 or not usable.size:
        return float("nan")
    sizes, frequency = np.unique(usable, return_counts=True)
    size = sizes[frequency.argmax()]
    counts = counts[raters == size]
    shares = counts.sum(axis=0) / counts.sum()
    observed = ((counts**2).sum(axis=1) - size).mean() / (size * (size - 1))
    chance = (shares**2).sum()
    return float((observed - chance) / (1 - chance)) if chance < 1 else float("nan")


def gwet_ac2(ratings: Ratings, weights: Weights = "identity") -> float:
    """Gwet's AC2, with identity weights AC1: chance agreement that does not explode when one value is frequent."""
    values, counts = value_counts(ratings)
    rated = counts.sum(axis=1)
    counts, rated = counts[rated >= 1], rated[rated >= 1]
    several = rated >= 2
    if len(values) < 2 or not several.any():
        return float("nan")
    weight = weight_matrix(values, weights)
    partly = counts @ weight
    agreed = (counts * (partly - 1)).sum(axis=1)[several] / (rated * (rated - 1))[several]
    shares = (counts / rated[:, None]).mean(axis=0)
    chance = weight.sum() / (len(values) * (len(values) - 1)) * (shares * (1 - shares)).sum()
    return float((agreed.mean() - chance) / (1 - chance)) if chance < 1 else float("nan")


def bootstrap_interval(
    coefficient: Callable[[Ratings], float],
    ratings: Ratings,
    rng: np.random.Generator,
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """The coefficient with a percentile interval: items are drawn again with replacement, raters stay.

    Draws in which it cannot be computed are left out; with fewer than two items the interval is nan.
    """
    rated = ratings[:, (~np.isnan(ratings)).sum(axis=0) >= 2]
    items = rated.shape[1]
    value = coefficient(rated)
    if items < 2 or np.isnan(value):
        return Interval(value, float("nan"), float("nan"), items)
    drawn = np.array([coefficient(rated[:, rng.integers(0, items, items)]) for _ in range(resamples)])
    drawn = drawn[~np.isnan(drawn)]
    if not drawn.size:
        return Interval(value, float("nan"), float("nan"), items)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(value, float(low), float(high), items)


def value_counts(ratings: Ratings) -> tuple[Ratings, Ratings]:
    """The distinct values in order, and how often each item got each: (values,), (items, values)."""
    values = np.unique(ratings[~np.isnan(ratings)])
    counts = (ratings[:, :, None] == values).sum(axis=0).astype(np.float64)
    return values, counts


def weight_matrix(values: Ratings, weights: Weights) -> Ratings:
    """How much two values agree, 0 to 1: wholly or not at all, or by their distance."""
    if weights == "identity":
        return np.eye(len(values))
    distance = np.abs(values[:, None] - values) / (values.max() - values.min())
    return 1 - (distance if weights == "linear" else distance**2)


def _diagonals(counts: Ratings) -> Ratings:
    result: Ratings = np.eye(counts.shape[1]) * counts[:, :, None]
    return result


def _distances(values: Ratings, margins: Ratings, level: Level) -> Ratings:
    if level == "nominal":
        return 1 - np.eye(len(values))
    if level == "interval":
        apart: Ratings = (values[:, None] - values) ** 2
        return apart
    # Ordinal: how many ratings lie between two values, half of those at the ends included.
    below = np.cumsum(margins) - margins / 2
    between: Ratings = (below[:, None] - below) ** 2
    return between
