"""One outcome per unit and metric, from executions, feedback and reported events that are there anyway.

They come as sums by arm, which are kept up to date (services/outcome_keeping.py), so nothing here grows with the units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from experiments.bucketing import BUCKETS
from experiments.models import ArmCount, Experiment, OutcomeSum, Variant, WeightsUpdate
from experiments.models.experiments import split_of
from experiments.services.outcome_columns import layout_of
from experiments.services.outcome_keeping import read_in
from experiments.stats.sufficient import Stratum, Sums, pooled

Epoch = tuple[tuple[int, ...], tuple[float, ...]]  # units of each arm in a stratum, and the shares promised
COUNTED = ("exposed", "matured", "rated")
DIGITS = 200  # of a product of two columns: nothing is rounded


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Exposed units by arm, those among them whose windows are over and those who rated; units in several arms (left
    out of everything else); and by metric the sums of its strata."""

    units: Counter[str]
    matured: Counter[str]
    rated: Counter[str]
    crossed: int
    strata: Mapping[str, tuple[Stratum, ...]]
    epochs: Mapping[str, tuple[Epoch, ...]]  # of those who were exposed, matured and rated

    def sums(self, arm: str, metric: str) -> Sums:
        """All units of an arm together."""
        return pooled(self.strata[metric], arm)


def load_outcomes(*, experiment: Experiment, variants: Sequence[Variant]) -> Outcomes:
    """What the exposed units did until now: reads in what came since the last look, then the sums."""
    read_in(experiment=experiment, variants=variants)
    return stored_outcomes(experiment=experiment, variants=variants)


def stored_outcomes(*, experiment: Experiment, variants: Sequence[Variant]) -> Outcomes:
    """The sums of the last look."""
    keys = {variant.position: variant.key for variant in variants}
    counts = list(ArmCount.objects.filter(experiment=experiment).order_by("stratum", "arm"))
    rows = list(OutcomeSum.objects.filter(experiment=experiment))
    shares = _shares(experiment, variants)
    strata = {
        metric: _strata([row for row in rows if row.metric == metric], keys, shares, len(places))
        for metric, places in layout_of(experiment.metrics).places.items()
    }
    units = {name: Counter(dict.fromkeys(keys.values(), 0)) for name in COUNTED}
    for row in counts:
        for name in COUNTED:
            units[name][keys[row.arm]] += getattr(row, name)
    epochs = {name: _epochs(counts, keys, shares, name) for name in COUNTED}
    crossed = sum(row.crossed for row in counts)
    return Outcomes(units["exposed"], units["matured"], units["rated"], crossed, strata, epochs)


def _epochs(
    counts: Sequence[ArmCount], keys: Mapping[int, str], shares: Mapping[int, Mapping[str, float]], name: str
) -> tuple[Epoch, ...]:
    found = []
    for stratum in sorted({row.stratum for row in counts} or {0}):
        by_arm = {keys[row.arm]: int(getattr(row, name)) for row in counts if row.stratum == stratum}
        promised = shares[stratum]
        found.append((tuple(by_arm.get(key, 0) for key in promised), tuple(promised.values())))
    return tuple(found)


def _shares(experiment: Experiment, variants: Sequence[Variant]) -> dict[int, dict[str, float]]:
    """By stratum: the probability of each arm for the units that were assigned in it. 0 is the split as planned."""
    split = split_of(list(variants))
    steps = WeightsUpdate.objects.filter(experiment=experiment).values_list("revision", "buckets")
    return {0: {key: split.propensity(key) for key, _ in split.shares}} | {
        revision: {key: number / BUCKETS for key, number in buckets.items()} for revision, buckets in steps
    }


def _strata(
    rows: Sequence[OutcomeSum], keys: Mapping[int, str], shares: Mapping[int, Mapping[str, float]], columns: int
) -> tuple[Stratum, ...]:
    origin = _origin(rows, columns)
    by_stratum: dict[int, dict[str, Sums]] = {}
    for row in rows:
        by_stratum.setdefault(row.stratum, {})[keys[row.arm]] = _sums(row, origin)
    found = tuple(Stratum(shares[number], arms) for number, arms in sorted(by_stratum.items()))
    return found or (Stratum(shares[0], {}),)


def _origin(rows: Sequence[OutcomeSum], columns: int) -> tuple[float, ...]:
    """The mean of each column over all arms: measured from there, squares lose nothing when they become floats."""
    n = sum(row.n for row in rows)
    totals = [sum((row.totals[column] for row in rows), Decimal()) for column in range(columns)]
    return tuple(float(total / n) if n else 0.0 for total in totals)


def _sums(row: OutcomeSum, origin: tuple[float, ...]) -> Sums:
    """A stored row's sums, measured from an origin. Exact until the last step."""
    if not row.n:
        return Sums.empty(origin)
    with localcontext(prec=DIGITS):
        shift = [Decimal(number) for number in origin]
        totals = [float(total - row.n * by) for total, by in zip(row.totals, shift, strict=True)]
        pairs = [(one, other) for one in range(len(origin)) for other in range(one + 1)]
        products = [
            float(
                product
                - shift[one] * row.totals[other]
                - shift[other] * row.totals[one]
                + row.n * shift[one] * shift[other]
            )
            for product, (one, other) in zip(row.products, pairs, strict=True)
        ]
    return Sums(origin, row.n, tuple(totals), tuple(products), levels=tuple(row.levels))
