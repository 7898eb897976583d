"""Foretelling what people will say of an answer, and whether that is worth anything. Pure.

Nested cross-validation: the kind of model is chosen inside of each learned part (Stone 1974, JRSS B 36; Varma and Simon
2006, BMC Bioinformatics 7), cases are never torn apart, and the outer parts tell how good it is, beside "the mean" and
"the reviewer's mean", which is drawn to that of all as the model's is: else what is won by that would count for the
features. Only a clear lead over both counts. Intervals are conformal, from the outer parts' residuals
(cross-conformal: Vovk 2015, Annals of Mathematics and AI 74; Barber et al. 2021, Annals of Statistics 49), and their
coverage is counted on parts whose residuals were left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from learning.engines.insight.estimates import Estimate
from learning.engines.insight.fitting import CANDIDATES, Candidate, Fitted
from learning.engines.insight.folds import folds_by_group
from learning.engines.insight.saved import SavedModel
from learning.engines.insight.types import varies

if TYPE_CHECKING:
    from learning.engines.insight.types import Flags, Floats, Integers

FEWEST = 50  # opinions
FEWEST_CASES = 10
OUTER, INNER = 5, 3
CONFIDENCE = 0.9
MOST_ROWS = 6_000  # opinions that a model learns from, drawn evenly
SHRINKAGE = 5.0  # opinions that the mean of all reviewers is worth beside a reviewer's own


@dataclass(frozen=True)
class QualityResult:
    """`model` is None when there was nothing to learn from or nothing was learned; `reason` says it in words.

    error, mean_error, reviewer_error: mean squared errors on held-out cases of the model and of the two baselines.
    gain: what the model is better than the better of the two, with its 95 % interval over cases. accuracy and the
    others: how often it is foretold on which side of the middle an opinion lies. coverage: of the intervals.
    """

    n: int
    cases: int
    reason: str
    model: SavedModel | None = None
    kind: str = ""
    error: float | None = None
    mean_error: float | None = None
    reviewer_error: float | None = None
    gain: Estimate | None = None
    accuracy: float | None = None
    mean_accuracy: float | None = None
    reviewer_accuracy: float | None = None
    coverage: float | None = None
    held_out: HeldOut | None = field(default=None, repr=False)

    @property
    def used(self) -> bool:
        """It beats both baselines clearly."""
        return self.model is not None


def learn_quality(
    features: Mapping[str, Floats], said: Floats, reviewers: Integers, cases: Integers, *, seed: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> QualityResult:  # fmt: skip
    """said: quality from 0 to 1, nan is no opinion. `tick` is called between fits and may stop the work by raising."""
    import numpy as np

    known = np.flatnonzero(np.isfinite(said))
    if len(known) > MOST_ROWS:
        known = np.sort(np.random.default_rng(seed).choice(known, MOST_ROWS, replace=False))
    said, reviewers, cases = said[known], reviewers[known], cases[known]
    n, distinct = len(said), len(np.unique(cases))
    names = tuple(name for name, column in features.items() if varies(column[known]))
    refusal = _refusal(said, distinct, names)
    if refusal:
        return QualityResult(n, distinct, refusal)
    data = _Data(np.column_stack([features[name][known] for name in names]), said, reviewers, cases, names, seed, tick)
    return _judge(data, QualityResult(n, distinct, ""))


@dataclass(frozen=True)
class _Data:
    table: Floats
    said: Floats
    reviewers: Integers
    cases: Integers
    names: tuple[str, ...]
    seed: int
    tick: Callable[[], None]

    def part(self, rows: Flags) -> _Data:
        return replace(
            self, table=self.table[rows], said=self.said[rows], reviewers=self.reviewers[rows], cases=self.cases[rows]
        )


def _refusal(said: Floats, cases: int, names: tuple[str, ...]) -> str:
    if len(said) < FEWEST:
        return f"There are {len(said)} opinions; {FEWEST} are needed."
    if cases < FEWEST_CASES:
        return f"The opinions are about {cases} cases; {FEWEST_CASES} are needed."
    if said.min() == said.max():
        return "All opinions are the same, so there is nothing to foretell."
    return "" if names else "No feature varies."


def offsets(said: Floats, reviewers: Integers, count: int) -> Floats:
    """How far each reviewer's mean lies from the mean of all, drawn towards it; 0 for who is not in the data."""
    import numpy as np

    sizes = np.bincount(reviewers, minlength=count)
    return np.bincount(reviewers, weights=said - said.mean(), minlength=count) / (sizes + SHRINKAGE)


def fit(data: _Data, candidate: Candidate, count: int) -> tuple[Fitted, Floats]:
    """The model of what reviewers say on average, and how far each is off."""
    off = offsets(data.said, data.reviewers, count)
    return candidate.fit(data.table, data.said - off[data.reviewers], data.names, data.seed), off


def choose(data: _Data, parts: int, count: int) -> Candidate:
    """The candidate with the least squared error on held-out cases."""
    errors = dict.fromkeys(CANDIDATES, 0.0)
    for learned, held in folds_by_group(data.cases, parts, data.seed + 1):
        inside, outside = data.part(learned), data.part(held)
        for candidate in CANDIDATES:
            fitted, off = fit(inside, candidate, count)
            left = outside.said - fitted.predict(outside.table) - off[outside.reviewers]
            errors[candidate] += float(left @ left)
            data.tick()
    return min(errors, key=lambda one: errors[one])


@dataclass(frozen=True)
class HeldOut:
    """What was said beside what was foretold without having seen its case. `guesses` know who judges, `bare` does not;
    means, usual: the two baselines; part_of: which part each opinion was held out with.
    """

    said: Floats
    cases: Integers
    guesses: Floats
    bare: Floats
    means: Floats
    usual: Floats
    part_of: Integers


def hold_out(data: _Data) -> HeldOut:
    """Foretell every opinion from those about other cases."""
    import numpy as np

    count, n = int(data.reviewers.max()) + 1, len(data.said)
    guesses, bare, means, usual = (np.zeros(n) for _ in range(4))
    found = HeldOut(data.said, data.cases, guesses, bare, means, usual, np.zeros(n, np.int64))
    for place, (learned, held) in enumerate(folds_by_group(data.cases, OUTER, data.seed)):
        inside, outside = data.part(learned), data.part(held)
        fitted, off = fit(inside, choose(inside, INNER, count), count)
        found.bare[held] = np.clip(fitted.predict(outside.table), 0, 1)
        found.guesses[held] = np.clip(found.bare[held] + off[outside.reviewers], 0, 1)
        found.means[held], found.part_of[held] = inside.said.mean(), place
        usually = inside.said.mean() + offsets(inside.said, inside.reviewers, count)
        found.usual[held] = np.clip(usually[outside.reviewers], 0, 1)
    return found


def _judge(data: _Data, result: QualityResult) -> QualityResult:
    import numpy as np

    held, said = hold_out(data), data.said
    winner = choose(data, INNER, int(data.reviewers.max()) + 1)
    fitted, _ = fit(data, winner, int(data.reviewers.max()) + 1)
    left = np.abs(said - held.bare)  # nobody knows who will judge next
    model = replace(fitted.saved, margin=conformal_margin(left), confidence=CONFIDENCE)
    gain = _gain(held)
    return replace(
        result, reason=_verdict(gain), model=model if gain.low > 0 else None, kind=winner.kind, gain=gain,
        error=_squared(said, held.guesses), mean_error=_squared(said, held.means),
        reviewer_error=_squared(said, held.usual), accuracy=_sides(said, held.guesses),
        mean_accuracy=_sides(said, held.means), reviewer_accuracy=_sides(said, held.usual),
        coverage=_coverage(left, held.part_of), held_out=held,
    )  # fmt: skip


def _gain(held: HeldOut) -> Estimate:
    """Against the better baseline: the mean difference of squared errors."""
    said, means, usual = held.said, held.means, held.usual
    better = means if _squared(said, means) <= _squared(said, usual) else usual
    return mean_over_cases((said - better) ** 2 - (said - held.guesses) ** 2, held.cases)


def mean_over_cases(values: Floats, cases: Integers) -> Estimate:
    """The mean of values with its 95 % interval, cases being what is independent."""
    import numpy as np
    from scipy import stats

    value, groups = float(values.mean()), len(np.unique(cases))
    sums = np.bincount(cases, weights=values - value)
    error = math.sqrt(groups / (groups - 1) * float(sums @ sums)) / len(values)
    half = float(stats.t.ppf(0.975, groups - 1)) * error
    return Estimate(value, value - half, value + half)


def _verdict(gain: Estimate) -> str:
    if gain.low > 0:
        return "It foretells opinions clearly better than the mean and than the reviewer's mean."
    return "It is not clearly better than the mean or the reviewer's mean, so it is not used."


def conformal_margin(left: Floats) -> float:
    """The half width that holds a new opinion with CONFIDENCE: the ceil((n+1) * CONFIDENCE)-th smallest residual."""
    import numpy as np

    rank = math.ceil((len(left) + 1) * CONFIDENCE)
    return float(np.sort(left)[rank - 1]) if rank <= len(left) else 1.0


def _coverage(left: Floats, part_of: Integers) -> float:
    """How many opinions lie within the margin that the other parts give."""
    import numpy as np

    inside = [left[part_of == part] <= conformal_margin(left[part_of != part]) for part in np.unique(part_of)]
    return float(np.concatenate(inside).mean())


def _squared(said: Floats, guesses: Floats) -> float:
    return float(((said - guesses) ** 2).mean())


def _sides(said: Floats, guesses: Floats) -> float:
    return float(((said > 0.5) == (guesses > 0.5)).mean())
