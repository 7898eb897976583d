"""What goes with what people say: every feature of the executions against every aspect of the opinions. Pure.

Spearman's and Pearson's correlation with the p-values and intervals that scipy gives them (Pearson's interval by
Fisher's z; Spearman's with the variance of Bonett and Wright 2000, Psychometrika 65), and beside them what counts: the
test that knows that opinions of one reviewer, or about one case, are not independent (clustered.py). With few
reviewers these are taken as they are (their means are taken out, cases are the clusters), with many as a sample of
reviewers. Where few rows carry a feature such a test finds far too much (MacKinnon and Webb 2018, Econometrics Journal
21), so nothing is surer than if all opinions were independent. All pairs of a kind are corrected together: Benjamini
and Yekutieli (2001), Annals of Statistics 29.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from learning.engines import multiplicity
from learning.engines.insight.clustered import CONFIDENCE, SMALLEST, Slope, slope_of, standardise
from learning.engines.insight.types import FEWEST, Opinions

if TYPE_CHECKING:
    from learning.engines.insight.types import Flags, Floats, Integers

FALSE_DISCOVERIES = 0.05
FEW_REVIEWERS = 8  # with fewer the reviewers are no sample of reviewers
FEWEST_KNOWN = 4  # rows of which a correlation has an interval


class PairStatus(StrEnum):
    """Whether anything can be said about a pair, and why not."""

    MEASURED = "measured"
    INSUFFICIENT_DATA = "insufficient_data"
    CONSTANT_FEATURE = "constant_feature"
    CONSTANT_ASPECT = "constant_aspect"


class Basis(StrEnum):
    """What the test of a pair is about."""

    REVIEWERS = "reviewers"  # reviewers in general, of whom these are a sample
    THESE_REVIEWERS = "these_reviewers"  # the reviewers there are, compared with themselves


@dataclass(frozen=True, slots=True)
class Plain:
    """A correlation as if all rows were independent; p_value and interval are None for a perfect line."""

    value: float
    low: float | None
    high: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True)
class Correlation:
    """One feature against one aspect over `n` opinions of `reviewers` people about `cases` cases.

    The test that counts is `tested` (on ranks); `adjusted` is its p-value among all pairs. `independent`: what the
    opinions amount to, of a feature that mostly is the same for one person or case. `partial`: on ranks, with
    each reviewer's mean taken out; None where that leaves nothing.
    """

    feature: str
    aspect: str
    status: PairStatus
    n: int
    reviewers: int = 0
    cases: int = 0
    independent: int = 0
    basis: Basis = Basis.REVIEWERS
    spearman: Plain | None = None
    pearson: Plain | None = None
    clustered: Slope | None = None
    clustered_pearson: Slope | None = None
    partial: Slope | None = None
    adjusted: float | None = None
    adjusted_pearson: float | None = None

    @property
    def tested(self) -> Slope | None:
        """The estimate with the p-value that is corrected and judged."""
        if self.basis is Basis.THESE_REVIEWERS and self.partial:
            return self._cautious(self.partial, self.reviewers - 1)
        return self._cautious(self.clustered)

    @property
    def tested_pearson(self) -> Slope | None:
        """The same of the values themselves."""
        return self._cautious(self.clustered_pearson)

    def _cautious(self, slope: Slope | None, taken_out: int = 0) -> Slope | None:
        count = max(FEWEST_KNOWN, self.independent - taken_out)
        return None if slope is None else cautious(slope, plain(slope.value, count, ranks=True))

    @property
    def significant(self) -> bool:
        return self.adjusted is not None and self.adjusted <= FALSE_DISCOVERIES


def correlate(opinions: Opinions, *, tick: Callable[[], None] = lambda: None) -> list[Correlation]:
    """All pairs, the surest first. `tick` is called after each; what it raises stops the work and passes through."""
    found = []
    for aspect, said in opinions.aspects.items():
        ranks: dict[bytes, Floats] = {}  # of the aspect, by which of its rows a feature knows
        for feature, values in opinions.features.items():
            found.append(_pair(opinions, feature, values, aspect, said, ranks))
            tick()
    adjusted = benjamini_yekutieli([one.tested.p_value if one.tested else None for one in found])
    also = benjamini_yekutieli([one.tested_pearson.p_value if one.tested_pearson else None for one in found])
    found = [
        replace(one, adjusted=p, adjusted_pearson=other) for one, p, other in zip(found, adjusted, also, strict=True)
    ]
    return sorted(found, key=_place)


def benjamini_yekutieli(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted p-values in the order given, valid under any dependence; None was no test and stays None."""
    adjusted = iter(multiplicity.benjamini_yekutieli([p for p in p_values if p is not None]))
    return [None if p is None else next(adjusted) for p in p_values]


def _place(one: Correlation) -> tuple[bool, float, float]:
    tested = one.tested
    p = tested.p_value if tested and tested.p_value is not None else 1.0
    return one.status is not PairStatus.MEASURED, p, -abs(tested.value) if tested else 0.0


def _pair(
    opinions: Opinions, feature: str, values: Floats, aspect: str, said: Floats, ranks: dict[bytes, Floats]
) -> Correlation:
    import numpy as np
    from scipy import stats

    known = np.isfinite(values) & np.isfinite(said)
    x, y, n = values[known], said[known], int(known.sum())
    reviewers, cases = opinions.reviewers[known], opinions.cases[known]
    found = Correlation(feature, aspect, PairStatus.MEASURED, n, len(np.unique(reviewers)), len(np.unique(cases)))
    if n < FEWEST:
        return replace(found, status=PairStatus.INSUFFICIENT_DATA)
    if standardise(y) is None:
        return replace(found, status=PairStatus.CONSTANT_ASPECT)
    if standardise(x) is None:
        return replace(found, status=PairStatus.CONSTANT_FEATURE)
    key = _key(known)
    if key not in ranks:
        ranks[key] = stats.rankdata(y)
    return _measured(found, x, y, stats.rankdata(x), ranks[key], reviewers, cases)


def _measured(
    found: Correlation, x: Floats, y: Floats, rank_x: Floats, rank_y: Floats, reviewers: Integers, cases: Integers
) -> Correlation:
    n, clusterings = found.n, [reviewers, cases]
    few = found.reviewers < FEW_REVIEWERS
    zx, zy, sx, sy = _standard(rank_x), _standard(rank_y), _standard(x), _standard(y)
    return replace(
        found,
        independent=independent_rows(zx, clusterings),
        basis=Basis.THESE_REVIEWERS if few else Basis.REVIEWERS,
        spearman=plain(float(zx @ zy) / n, n, ranks=True),
        pearson=plain(float(sx @ sy) / n, n),
        clustered=slope_of(zx, zy, clusterings),
        clustered_pearson=slope_of(sx, sy, [cases] if few else clusterings),
        partial=partial(rank_x, rank_y, reviewers, cases),
    )


def independent_rows(x: Floats, clusterings: Sequence[Integers]) -> int:
    """The rows, or the clusters where a standardised column differs more between them than inside."""
    import numpy as np

    found = len(x)
    for codes in clusterings:
        sizes = np.bincount(codes)
        between = float(np.sum(np.bincount(codes, weights=x) ** 2 / np.maximum(sizes, 1)))
        if 2 * between > len(x):
            found = min(found, int(np.count_nonzero(sizes)))
    return found


def _standard(column: Floats) -> Floats:
    standard = standardise(column)
    assert standard is not None  # noqa: S101  # constants were told apart before; ranks vary where values do
    return standard


def plain(value: float, n: int, *, ranks: bool = False) -> Plain:
    """p by the t distribution with n-2 degrees of freedom; the interval by Fisher's z."""
    value = max(-1.0, min(1.0, value))
    if 1 - abs(value) < 1e-12:
        return Plain(value, None, None, None)
    from scipy import special

    t = value * math.sqrt((n - 2) / ((1 - value) * (1 + value)))
    p_value = float(2 * special.stdtr(n - 2, -abs(t))) if ranks else _exact_p(value, n)
    spread = math.sqrt((1 + value**2 / 2 if ranks else 1) / (n - 3))
    half = float(special.ndtri((1 + CONFIDENCE) / 2)) * spread
    centre = math.atanh(value)
    return Plain(value, math.tanh(centre - half), math.tanh(centre + half), max(SMALLEST, min(1.0, p_value)))


def cautious(clustered: Slope, independent: Plain) -> Slope:
    """The larger p-value and the wider interval of the two tests."""
    if clustered.p_value is None or independent.p_value is None:
        return clustered
    low = min(end for end in (clustered.low, independent.low) if end is not None)
    high = max(end for end in (clustered.high, independent.high) if end is not None)
    return replace(clustered, low=low, high=high, p_value=max(clustered.p_value, independent.p_value))


def _exact_p(value: float, n: int) -> float:
    """Under normality (r+1)/2 follows a beta distribution: as scipy.stats.pearsonr."""
    from scipy import special

    shape = n / 2 - 1
    return float(2 * special.betainc(shape, shape, (1 - abs(value)) / 2))


def partial(x: Floats, y: Floats, reviewers: Integers, cases: Integers) -> Slope | None:
    """The correlation of what is left when each reviewer's mean is taken out, with cases as clusters."""
    count = len(set(reviewers.tolist()))
    if len(x) - count < FEWEST:
        return None
    left, right = standardise(_within(x, reviewers)), standardise(_within(y, reviewers))
    return None if left is None or right is None else slope_of(left, right, [cases], fitted=count + 1)


def _within(column: Floats, groups: Integers) -> Floats:
    import numpy as np

    sizes = np.bincount(groups)
    means = np.bincount(groups, weights=column) / np.maximum(sizes, 1)
    centred: Floats = column - means[groups]
    return np.where(np.abs(centred) < 1e-9 * max(1.0, float(np.max(np.abs(column)))), 0.0, centred)


def _key(known: Flags) -> bytes:
    import numpy as np

    return np.packbits(known).tobytes()
