"""A profile of each reviewer from the mixed model. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from learning.engines.insight.estimates import Estimate, around
from learning.engines.insight.rates import Rate, rate_of
from learning.engines.insight.reviewers import MixedModel, fit_reviewers
from learning.engines.insight.types import varies

if TYPE_CHECKING:
    from learning.engines.insight.types import Floats, Integers

FEWEST = 10  # opinions in all, before anybody is described
MIDDLE = 0.5  # what counts as approval


@dataclass(frozen=True, slots=True)
class Profile:
    """One reviewer, by their code.

    severity: how much lower (0 to 1) they judge than reviewers do on average, all else equal; None when there is no
    other reviewer. own_share: how much of it is their own opinions rather than the mean of reviewers (0 to 1).
    weights: what one standard deviation of a feature changes in what they say; aspects: what one of an aspect (clarity,
    say) changes in their verdict, where they told both. threshold: from which score on they
    approve (0 to 1), None where no score is known or approval does not rise with it. accuracy: how often the model
    foretells, without it, whether an opinion is on the approving side; chance: as if they always said their usual.
    """

    reviewer: int
    n: int
    mean: float
    severity: Estimate | None
    own_share: float
    weights: Mapping[str, Estimate]
    accuracy: Rate
    chance: Rate
    threshold: float | None = None
    aspects: Mapping[str, Estimate] = field(default_factory=dict)

    @property
    def predictable(self) -> bool:
        """The model knows clearly more about them than what they usually say."""
        return (self.accuracy.low or 0.0) > (self.chance.value or 0.0)


def describe_reviewers(
    features: Mapping[str, Floats], said: Floats, reviewers: Integers, *, score: Floats | None = None
) -> list[Profile]:
    """Everybody who gave an opinion (0 to 1, nan is none), the busiest first; nobody with fewer than FEWEST in all.

    score: the overall score (0-1) that came with an opinion, from which the threshold of approval is read.
    """
    import numpy as np

    known = np.isfinite(said)
    if known.sum() < FEWEST:
        return []
    present, codes = np.unique(reviewers[known], return_inverse=True)
    codes = codes.astype(np.int64)
    names = tuple(name for name, column in features.items() if np.isfinite(column[known]).any())
    table = np.column_stack([np.zeros((int(known.sum()), 0)), *(features[name][known] for name in names)])
    model = fit_reviewers(table, said[known], codes, names)
    guesses = model.left_out(table, said[known], codes)
    thresholds = _thresholds(score[known], said[known], codes) if score is not None else {}
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(model.counts)[:-1]
    parts = zip(np.split(said[known][order], ends), np.split(guesses[order], ends), strict=True)
    profiles = [
        _profile(model, place, int(present[place]), own, guessed, thresholds)
        for place, (own, guessed) in enumerate(parts)
    ]
    return sorted(profiles, key=lambda one: (-one.n, one.reviewer))


def _profile(
    model: MixedModel, place: int, code: int, said: Floats, guesses: Floats, thresholds: Mapping[int, float]
) -> Profile:
    import numpy as np

    n, approving = len(said), said > MIDDLE
    right = float(((guesses > MIDDLE) == approving).sum())
    # Not without the opinion that is foretold: of as many for as against it would always be wrong.
    usual = float(max(approving.sum(), n - approving.sum()))
    coefficients = model.common + model.own[place]
    errors = np.sqrt(np.diag(model.of_sum[place]))
    weights = {name: around(coefficients[at], errors[at]) for at, name in enumerate(model.names, start=1)}
    alone = len(model.own) < 2
    own_error = math.sqrt(max(0.0, float(model.of_own[place, 0, 0])))
    severity = None if alone else around(-float(model.own[place, 0]), own_error)
    share = 0.0 if alone else float(model.counts[place] / (model.counts[place] + model.noise / model.spread[0]))
    return Profile(
        code, n, float(said.mean()), severity, share, weights, rate_of(right, n), rate_of(usual, n),
        thresholds.get(place),
    )  # fmt: skip


def weigh_aspects(
    aspects: Mapping[str, Floats], verdict: Floats, reviewers: Integers
) -> dict[int, dict[str, Estimate]]:
    """By reviewer: what one standard deviation of an aspect changes in their verdict (0 to 1), drawn to that of all.

    Of those who told a verdict with an aspect at least; nobody with fewer than FEWEST such opinions in all, or when
    verdicts or aspects are all the same. An aspect that is missing beside others counts as its mean.
    """
    import numpy as np

    told = np.isfinite(verdict)
    columns = {name: column for name, column in aspects.items() if varies(column[told])}
    if columns:
        told = told & np.any([np.isfinite(column) for column in columns.values()], axis=0)
    if not columns or told.sum() < FEWEST or np.ptp(verdict[told]) == 0:
        return {}
    present, codes = np.unique(reviewers[told], return_inverse=True)
    table = np.column_stack([column[told] for column in columns.values()])
    model = fit_reviewers(table, verdict[told], codes.astype(np.int64), tuple(columns))
    errors = np.sqrt(np.einsum("rkk->rk", model.of_sum))
    return {
        code: {
            name: around(float(model.common[at] + model.own[place, at]), float(errors[place, at]))
            for at, name in enumerate(model.names, start=1)
        }
        for place, code in enumerate(present.tolist())
    }


def _thresholds(score: Floats, said: Floats, codes: Integers) -> dict[int, float]:
    """Where each reviewer's line of approval over the score crosses the middle."""
    import numpy as np

    known = np.isfinite(score)
    if known.sum() < FEWEST or np.ptp(score[known]) == 0 or np.ptp(said[known]) == 0:
        return {}
    present, again = np.unique(codes[known], return_inverse=True)
    model = fit_reviewers(score[known][:, None], said[known], again.astype(np.int64))
    found = {}
    for place, code in enumerate(present.tolist()):
        constant, slope = model.common + model.own[place]
        if slope > 2 * math.sqrt(float(model.of_sum[place, 1, 1])):
            crossing = model.scaling.centre[0] + model.scaling.scale[0] * (MIDDLE - constant) / slope
            found[code] = float(min(1.0, max(0.0, crossing)))
    return found
