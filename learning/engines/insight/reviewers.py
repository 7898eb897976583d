"""What each reviewer is like: strict or lenient, and what counts for them. Pure.

A linear mixed model: what a reviewer says is a common line plus their own deviations from it, which are drawn towards
none the more, the fewer opinions they gave (Laird and Ware 1982, Biometrics 38; Gelman and Hill 2007, chapter 12). The
variances are estimated by EM with the common line integrated out (restricted maximum likelihood). What is said of yes
or no is a linear probability. Accuracy is by leave-one-out, exact for given variances: a ridge regression's residual
divided by one minus its leverage (Allen 1974, Technometrics 16).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from learning.engines.insight.types import Floats, Integers

ROUNDS = 60
# Worth one reviewer's deviation in each variance, so that two or three reviewers cannot make it 0 or endless.
PRIOR_SHARE = 0.05
LEAST_NOISE = 1e-6  # of the opinions' variance: what features foretell to the digit must not make the noise 0


@dataclass(frozen=True)
class Scaling:
    """How features become columns: a constant, and then each feature minus `centre`, over `scale`."""

    centre: Floats
    scale: Floats

    def design(self, features: Floats) -> Floats:
        """The columns for a table of features; a missing value counts as the mean."""
        import numpy as np

        table = np.where(np.isfinite(features), features, self.centre)
        return np.column_stack([np.ones(len(table)), (table - self.centre) / self.scale])


@dataclass(frozen=True)
class MixedModel:
    """The fitted model; `names` are those of the features.

    common: (columns), own: (reviewers, columns) are the coefficients; of_sum: (reviewers, columns, columns) is the
    covariance of common + own; of_own: that of own. spread: the variances of the deviations; noise: of an opinion.
    """

    names: tuple[str, ...]
    scaling: Scaling
    common: Floats
    own: Floats
    of_sum: Floats
    of_own: Floats
    spread: Floats
    noise: float
    counts: Integers

    def predict(self, features: Floats, reviewers: Integers) -> Floats:
        """For a reviewer the model does not know (a code below 0 or too high): what reviewers say on average."""
        import numpy as np

        known = (reviewers >= 0) & (reviewers < len(self.own))
        own = np.where(known[:, None], self.own[np.where(known, reviewers, 0)], 0.0)
        predicted: Floats = np.einsum("ij,ij->i", self.scaling.design(features), self.common + own)
        return predicted

    def left_out(self, features: Floats, said: Floats, reviewers: Integers) -> Floats:
        """What the model would have predicted for each opinion it learned from, had that one been left out."""
        import numpy as np

        rows = self.scaling.design(features)
        leverage = np.einsum("ij,ijk,ik->i", rows, self.of_sum[reviewers], rows) / self.noise
        leverage = np.minimum(leverage, 1 - 1e-9)
        predicted: Floats = (self.predict(features, reviewers) - leverage * said) / (1 - leverage)
        return predicted


def fit_reviewers(features: Floats, said: Floats, reviewers: Integers, names: tuple[str, ...] = ()) -> MixedModel:
    """features: a row an opinion, missing is nan; said: 0 to 1; reviewers: codes without gaps.

    Raises ValueError when there is nothing to learn from.
    """
    import numpy as np

    if not len(said) or not np.isfinite(said).all():
        raise ValueError("Reviewers can be learned from opinions alone, and there is none or a missing one.")
    scaling, counts = _scaling(features), np.bincount(reviewers).astype(np.int64)
    rows = scaling.design(features)
    count, width = len(counts), rows.shape[1]
    grams, sums = np.zeros((count, width, width)), np.zeros((count, width))
    for column in range(width):
        sums[:, column] = np.bincount(reviewers, weights=rows[:, column] * said, minlength=count)
        for other in range(column, width):
            crossed = np.bincount(reviewers, weights=rows[:, column] * rows[:, other], minlength=count)
            grams[:, column, other] = grams[:, other, column] = crossed
    state = _estimate(grams, sums, counts, float(said @ said))
    return MixedModel(
        names, scaling, state.common, state.own, state.of_sum, state.of_own, state.spread, state.noise, counts
    )


def _scaling(features: Floats) -> Scaling:
    import numpy as np

    known = np.where(np.isfinite(features), features, np.nan)
    present = np.maximum(np.isfinite(known).sum(axis=0), 1)
    centre = np.nansum(known, axis=0) / present
    scale = np.sqrt(np.nansum((known - centre) ** 2, axis=0) / present)
    return Scaling(centre, np.where(scale > 1e-12 * np.maximum(1.0, np.abs(centre)), scale, 1.0))


@dataclass(frozen=True)
class _State:
    """The variances, and what follows from them."""

    spread: Floats
    slopes: float  # variance of the common slopes
    noise: float
    common: Floats
    own: Floats
    of_sum: Floats
    of_own: Floats
    of_common: Floats


def _estimate(grams: Floats, sums: Floats, counts: Integers, squares: float) -> _State:
    import numpy as np

    width = sums.shape[1]
    n, lonely = int(counts.sum()), len(counts) < 2
    variance = max(squares / n - (float(sums[:, 0].sum()) / n) ** 2, 1e-6)
    expected = PRIOR_SHARE * variance
    spread = np.full(width, 1e-12 if lonely else expected)
    slopes, noise = variance, variance
    for _ in range(ROUNDS):
        state = _solve(grams, sums, spread, slopes, noise)
        own = state.own**2 + np.einsum("rkk->rk", state.of_own)
        if not lonely:
            spread = (own.sum(axis=0) + expected) / (len(counts) + 1)
        if width > 1:
            slopes = max(float(np.mean(state.common[1:] ** 2 + np.diag(state.of_common)[1:])), 1e-9)
        noise = max(_noise(state, grams, sums, squares, n), LEAST_NOISE * variance)
    return _solve(grams, sums, spread, slopes, noise)


def _solve(grams: Floats, sums: Floats, spread: Floats, slopes: float, noise: float) -> _State:
    """The posterior of all coefficients; the reviewers' blocks are eliminated one by one (Schur complement)."""
    import numpy as np

    width = sums.shape[1]
    blocks = np.linalg.inv(grams / noise + np.diag(1 / spread))
    gains = blocks @ grams / noise  # (reviewers, width, width)
    prior = np.diag(np.array([1e-9] + [1 / slopes] * (width - 1)))
    pulled = blocks / spread  # how a reviewer's sum follows the common line: 1 - gains, without the cancellation
    left = np.einsum("rij,rjk->ik", grams / noise, pulled) + prior
    right = (sums / noise).sum(axis=0) - np.einsum("rji,rj->i", gains, sums / noise)
    of_common = np.linalg.inv(left)
    common = of_common @ right
    own = np.einsum("rij,rj->ri", blocks, (sums - grams @ common) / noise)
    crossed = gains @ of_common
    of_own = blocks + np.einsum("rij,rkj->rik", crossed, gains)
    of_sum = of_common + of_own - crossed - np.swapaxes(crossed, 1, 2)
    return _State(spread, slopes, noise, common, own, of_sum, of_own, of_common)


def _noise(state: _State, grams: Floats, sums: Floats, squares: float, n: int) -> float:
    import numpy as np

    both = state.common + state.own
    fitted = float(np.einsum("ri,rij,rj->", both, grams, both))
    unsure = float(np.einsum("rij,rji->", state.of_sum, grams))
    return (squares - 2 * float(np.einsum("ri,ri->", both, sums)) + fitted + unsure) / n
