"""Which of two answers people prefer, and what tips the balance: for all of them together and for each one. Pure.

Bradley and Terry (1952), Biometrika 39, with covariates: the log-odds of being preferred are a weighted sum of the
differences in features. For all together by maximum likelihood, with errors that know who chose and about which case
(clustered.py). Each reviewer's own weights (own_pairs.py) are drawn to those of all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from learning.engines.insight.clustered import SMALLEST, cluster_variance
from learning.engines.insight.correlations import FEW_REVIEWERS, benjamini_yekutieli
from learning.engines.insight.estimates import Estimate, around
from learning.engines.insight.folds import folds_by_group
from learning.engines.insight.own_pairs import OwnWeights, fit_own
from learning.engines.insight.rates import Rate, rate_of

if TYPE_CHECKING:
    from learning.engines.insight.types import Floats, Integers

FEWEST = 10  # pairs, for each feature
FOLDS = 5
MOST_ALIKE = 1e10  # condition of what the weights are known by, beyond which they cannot be told apart


@dataclass(frozen=True)
class Pairs:
    """One row for each time somebody preferred one answer to another.

    differences: the preferred answer's feature minus the other's, by name, those first that matter most where there
    are too few pairs for all; a missing one counts as none. reviewers, cases: codes as in Opinions.
    """

    differences: Mapping[str, Floats]
    reviewers: Integers
    cases: Integers

    def __post_init__(self) -> None:
        lengths = {len(self.reviewers), len(self.cases), *map(len, self.differences.values())}
        if len(lengths) > 1:
            raise ValueError(f"All columns of pairs must be equally long; these are {sorted(lengths)}.")

    def __len__(self) -> int:
        return len(self.reviewers)


@dataclass(frozen=True, slots=True)
class PreferenceWeight:
    """How a difference of one standard deviation in a feature changes the log-odds of being preferred.

    p_value, adjusted (among all features): None where the weight is drawn to 0 and not the likeliest one.
    """

    feature: str
    weight: Estimate
    p_value: float | None
    adjusted: float | None = None


@dataclass(frozen=True, slots=True)
class OwnPreference:
    """One reviewer of `n` pairs, by code: their weights, and how often those foretell their choice on other cases."""

    reviewer: int
    n: int
    weights: Mapping[str, Estimate]
    accuracy: Rate


@dataclass(frozen=True)
class Preferred:
    """What `n` pairs by `reviewers` people tell. `reason`: why there are no weights, or what is special about them.

    accuracy: how often the preferred answer is foretold on cases that nothing was learned from; by chance it is 0.5.
    Its interval counts cases: choices between the same answers repeat each other.
    """

    n: int
    reviewers: int
    reason: str
    weights: tuple[PreferenceWeight, ...] = ()
    accuracy: Rate | None = None
    own: tuple[OwnPreference, ...] = ()

    @property
    def predictable(self) -> bool:
        """The weights foretell choices clearly better than chance."""
        return self.accuracy is not None and (self.accuracy.low or 0.0) > 0.5


def learn_pairs(pairs: Pairs) -> Preferred:
    """Everything that the pairs tell."""
    import numpy as np

    n, reviewers = len(pairs), len(np.unique(pairs.reviewers))
    if n < FEWEST:
        return Preferred(n, reviewers, f"There are {n} pairs; {FEWEST} are needed.")
    names, table = _table(pairs.differences, n // FEWEST)
    if not names:
        return Preferred(n, reviewers, "The two answers of a pair never differ in anything that is measured.")
    codes = np.unique(pairs.reviewers, return_inverse=True)[1].astype(np.int64)
    own = fit_own(table, codes)
    clusterings = [pairs.cases] if reviewers < FEW_REVIEWERS else [pairs.reviewers, pairs.cases]
    weights, reason = _weights(names, table, clusterings, own)
    right = _held_out(table, codes, pairs.cases)
    accuracy = _accuracy(right, pairs.cases) if right is not None else None
    present = np.unique(pairs.reviewers).tolist()
    each = _each(names, present, codes, own, right)
    return Preferred(n, reviewers, reason, weights, accuracy, each)


def _table(differences: Mapping[str, Floats], most: int) -> tuple[list[str], Floats]:
    """The first `most` features that vary, each in units of its own size."""
    import numpy as np

    columns = {name: np.where(np.isfinite(column), column, 0.0) for name, column in differences.items()}
    kept = [name for name, column in columns.items() if np.ptp(column) > 0][:most]
    if not kept:
        return [], np.zeros((0, 0))
    table = np.column_stack([columns[name] for name in kept])
    return kept, table / np.sqrt(np.mean(table**2, axis=0))


def _weights(
    names: Sequence[str], table: Floats, clusterings: Sequence[Integers], own: OwnWeights
) -> tuple[tuple[PreferenceWeight, ...], str]:
    import numpy as np

    found = compare_pairs({name: table[:, place] for place, name in enumerate(names)}, clusterings)
    if found is not None:
        return tuple(found), ""
    apart = np.linalg.cond(table.T @ table) < MOST_ALIKE
    reason = "The preferred answers are told apart without exception" if apart else "Features move together"
    drawn = zip(names, own.common.tolist(), own.of_common.diagonal().tolist(), strict=True)
    return (
        tuple(PreferenceWeight(name, around(value, math.sqrt(variance)), None) for name, value, variance in drawn),
        f"{reason}, so no weight is the likeliest; these are drawn to 0.",
    )


def _held_out(table: Floats, codes: Integers, cases: Integers) -> Floats | None:
    """1 where the preferred answer of a pair is foretold from other cases, 0.5 for a tie; None with a single case."""
    import numpy as np

    parts = folds_by_group(cases, FOLDS)
    if not parts:
        return None
    right = np.zeros(len(table))
    for learned, held in parts:
        weights = fit_own(table[learned], codes[learned], int(codes.max()) + 1)
        scores = np.einsum("ij,ij->i", table[held], weights.common + weights.own[codes[held]])
        right[held] = np.where(scores > 0, 1.0, np.where(scores == 0, 0.5, 0.0))
    return right


def _accuracy(right: Floats, cases: Integers) -> Rate:
    """Of all pairs, with the interval that as many pairs as there are cases have."""
    import numpy as np

    found, count = rate_of(float(right.sum()), len(right)), len(np.unique(cases))
    by_case = rate_of((found.value or 0.0) * count, count)
    return Rate(found.successes, found.n, by_case.low, by_case.high)


def _each(
    names: Sequence[str], present: Sequence[int], codes: Integers, own: OwnWeights, right: Floats | None
) -> tuple[OwnPreference, ...]:
    import numpy as np

    counts = np.bincount(codes, minlength=len(present))
    hits = np.bincount(codes, weights=right, minlength=len(present)) if right is not None else np.zeros(len(present))
    errors = np.sqrt(np.einsum("rkk->rk", own.of_sum))
    found = []
    for place, code in enumerate(present):
        values = own.common + own.own[place]
        weights = {name: around(values[at], errors[place, at]) for at, name in enumerate(names)}
        known = int(counts[place]) if right is not None else 0
        found.append(OwnPreference(code, int(counts[place]), weights, rate_of(float(hits[place]), known)))
    return tuple(sorted(found, key=lambda one: (-one.n, one.reviewer)))


def compare_pairs(
    differences: Mapping[str, Floats], clusterings: Sequence[Integers] = ()
) -> list[PreferenceWeight] | None:
    """By maximum likelihood (Newton): each row is the preferred answer minus the other one.

    clusterings: at most two columns of codes, what belongs together; without any the errors are those of independent
    pairs. None with fewer than FEWEST pairs for each feature, or when there is no finite answer, since the pairs are
    separated perfectly.
    """
    import numpy as np

    names = [name for name, column in differences.items() if np.isfinite(column).all() and np.ptp(column) > 0]
    if not names or len(differences[names[0]]) < FEWEST * len(names):
        return None
    table = np.column_stack([differences[name] for name in names])
    table = table / np.sqrt(np.mean(table**2, axis=0))
    fitted = _newton(table)
    if fitted is None:
        return None
    weights, covariance = fitted
    found = [
        _weight(name, float(weights[place]), *_error(place, table, weights, covariance, clusterings))
        for place, name in enumerate(names)
    ]
    adjusted = benjamini_yekutieli([one.p_value for one in found])
    return [replace(one, adjusted=p) for one, p in zip(found, adjusted, strict=True)]


def _error(
    place: int, table: Floats, weights: Floats, covariance: Floats, clusterings: Sequence[Integers]
) -> tuple[float, int | None]:
    """The standard error of one weight, and how many clusters stand behind it (None: independent pairs)."""
    from scipy import special

    usable = [codes for codes in clusterings if (codes != codes[0]).any()]
    if not usable:
        return math.sqrt(float(covariance[place, place])), None
    scores = (table * (1 - special.expit(table @ weights))[:, None]) @ covariance[place]
    variance, clusters = cluster_variance(scores, usable, len(table), table.shape[1])
    return math.sqrt(variance), clusters


def _weight(name: str, weight: float, error: float, clusters: int | None) -> PreferenceWeight:
    """With independent pairs by the normal distribution, else by t with clusters - 1 degrees of freedom."""
    if not error > 1e-12:  # nothing to measure an error by, so no p-value either
        return PreferenceWeight(name, Estimate(weight, weight, weight), None)
    if clusters is None:
        p_value = math.erfc(abs(weight / error) / math.sqrt(2))
        return PreferenceWeight(name, around(weight, error), max(SMALLEST, p_value))
    from scipy import special

    p_value = float(2 * special.stdtr(clusters - 1, -abs(weight) / error))
    half = float(special.stdtrit(clusters - 1, 0.975)) * error
    return PreferenceWeight(name, Estimate(weight, weight - half, weight + half), max(SMALLEST, min(1.0, p_value)))


def _newton(table: Floats) -> tuple[Floats, Floats] | None:
    """The likeliest weights with their covariance."""
    import numpy as np
    from scipy import special

    weights = np.zeros(table.shape[1])
    for _ in range(50):
        chances = special.expit(table @ weights)
        information = table.T @ (table * (chances * (1 - chances))[:, None])
        if np.linalg.cond(information) > MOST_ALIKE:
            return None
        step = np.linalg.solve(information, table.T @ (1 - chances))
        weights = weights + step
        if np.max(np.abs(weights)) > 50:  # the pairs are separated: weights grow without end
            return None
        if np.max(np.abs(step)) < 1e-12:
            return weights, np.asarray(np.linalg.inv(information), float)
    return None
