"""Each reviewer's own weights in choosing between two answers, drawn to those of all. Pure.

A logistic regression whose coefficients are a common part plus each reviewer's deviation, which is drawn to none the
more, the fewer pairs they compared (Gelman and Hill 2007, chapter 14). Fitted by EM, with Laplace's approximation of
the deviations. The common part has the weak prior of a standard deviation of 2.5 for a feature of size 1 (Gelman,
Jakulin, Pittau and Su 2008, Annals of Applied Statistics 2), so that it is finite where pairs are separated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from learning.engines.insight.types import Floats, Integers

ROUNDS = 20
PRIOR = 2.5  # standard deviation of a common weight
EXPECTED = 0.1  # variance of deviations that one reviewer's worth of belief stands behind
LARGEST_STEP = 2.0
NO_DEVIATION = 1e-9


@dataclass(frozen=True)
class OwnWeights:
    """common: (features); own: (reviewers, features), 0 for who compared nothing. of_common, of_sum: the covariances of
    the common weights and of each reviewer's common + own. spread: the variances of the deviations.
    """

    common: Floats
    own: Floats
    of_common: Floats
    of_sum: Floats
    spread: Floats


def fit_own(table: Floats, reviewers: Integers, count: int | None = None) -> OwnWeights:
    """table: the preferred answer minus the other one, in units of its size; reviewers: codes below `count`."""
    import numpy as np

    count = int(reviewers.max()) + 1 if count is None else count
    width, present = table.shape[1], np.unique(reviewers)
    lonely = len(present) < 2
    spread = np.full(width, NO_DEVIATION if lonely else EXPECTED)
    common, own = np.zeros(width), np.zeros((count, width))
    for _ in range(ROUNDS):
        step = _newton(table, reviewers, common, own, spread)
        common, own = common + _bounded(step.common), own + _bounded(step.own)
        if not lonely:
            seen = own[present] ** 2 + np.einsum("rkk->rk", step.blocks[present])
            spread = (seen.sum(axis=0) + EXPECTED) / (len(present) + 1)
    last = _newton(table, reviewers, common, own, spread)
    of_sum = last.blocks + np.einsum("rij,jk,rlk->ril", last.pulled, last.of_common, last.pulled)
    return OwnWeights(common, own, last.of_common, of_sum, spread)


@dataclass(frozen=True)
class _Step:
    """Where to go from here. blocks: the covariance of each reviewer's deviation, the common weights given; pulled: how
    a reviewer's sum follows the common weights.
    """

    common: Floats
    own: Floats
    blocks: Floats
    pulled: Floats
    of_common: Floats


def _newton(table: Floats, reviewers: Integers, common: Floats, own: Floats, spread: Floats) -> _Step:
    """Of the posterior of all weights; the reviewers' blocks are eliminated one by one (Schur complement)."""
    import numpy as np

    slopes, grams = _slopes(table, reviewers, common + own)
    blocks = np.asarray(np.linalg.inv(grams + np.diag(1 / spread)), float)
    pulled = blocks * (1 / spread)
    own_slopes = slopes - own / spread
    seen = np.einsum("rij,rjk->ik", grams, pulled)
    of_common = np.asarray(np.linalg.inv(seen + np.eye(len(common)) / PRIOR**2), float)
    wanted = np.einsum("rij,rj->ri", blocks, own_slopes)
    left = slopes.sum(axis=0) - common / PRIOR**2 - np.einsum("rij,rj->i", grams, wanted)
    step = of_common @ left
    return _Step(step, wanted - np.einsum("rij,rjk,k->ri", blocks, grams, step), blocks, pulled, of_common)


def _slopes(table: Floats, reviewers: Integers, weights: Floats) -> tuple[Floats, Floats]:
    """By reviewer: the gradient of the log-likelihood (reviewers, features), and its information."""
    import numpy as np
    from scipy import special

    count, width = weights.shape
    chances = special.expit(np.einsum("ij,ij->i", table, weights[reviewers]))
    slopes, grams = np.zeros((count, width)), np.zeros((count, width, width))
    known = chances * (1 - chances)
    for one in range(width):
        slopes[:, one] = np.bincount(reviewers, weights=table[:, one] * (1 - chances), minlength=count)
        for other in range(one, width):
            crossed = np.bincount(reviewers, weights=table[:, one] * table[:, other] * known, minlength=count)
            grams[:, one, other] = grams[:, other, one] = crossed
    return slopes, grams


def _bounded(step: Floats) -> Floats:
    """Where chances are near 0 or 1 a whole step may lead far away."""
    import numpy as np

    bounded: Floats = np.clip(step, -LARGEST_STEP, LARGEST_STEP)
    return bounded
