"""Whether the outcomes of an experiment's units, and their sums, are what a fresh look at everything would find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from experiments.models import ArmCount, Experiment, OutcomeProgress, OutcomeSum, UnitOutcome, Variant
from experiments.services.outcome_columns import layout_of
from experiments.services.outcome_keeping import lock_progress, look, parameters_of, plan_quickly, read_in, source_of
from experiments.services.outcome_reading import all_units
from experiments.services.outcome_sql import COUNTS, counts_of_rows, differing_units, sums_of_rows

SUMMED = ("arm", "stratum", "metric", "n", "totals", "products", "levels")
COUNTED = ("arm", "stratum", *COUNTS)


def find_wrong_outcomes(*, experiment: Experiment) -> list[str]:
    """What differs, in words; nothing when all is well. Reads everything, after what came has been read in."""
    with transaction.atomic():
        variants = _variants(experiment)
        read_in(experiment=experiment, variants=variants)
        return list(_differences(experiment, variants))


def rebuild_outcomes(*, experiment: Experiment) -> int:
    """Forget units and sums, and make them anew from everything there is; how many units there are."""
    with transaction.atomic():
        lock_progress(experiment)
        for model in (UnitOutcome, ArmCount, OutcomeSum):
            model.objects.filter(experiment=experiment).delete()
        OutcomeProgress.objects.filter(experiment=experiment).update(read_until=None)
        return read_in(experiment=experiment, variants=_variants(experiment))


def _variants(experiment: Experiment) -> list[Variant]:
    return list(experiment.variants.select_related("config").order_by("position"))


def _differences(experiment: Experiment, variants: Sequence[Variant]) -> list[str]:
    plan_quickly()
    layout, given = layout_of(experiment.metrics), parameters_of(experiment, layout_of(experiment.metrics), variants)
    statement = differing_units(layout, source_of(experiment))
    units = sum(look(statement, given, ids) for ids in all_units(given))
    found = [f"{units} units have other outcomes than are stored"] if units else []
    sums = OutcomeSum.objects.filter(experiment=experiment).exclude(n=0).values_list(*SUMMED)
    if _as_set(sums) != _as_set(row for row in _rows(sums_of_rows(layout), given) if row[3]):
        found.append("the sums are not those of the units")
    counts = ArmCount.objects.filter(experiment=experiment).exclude(exposed=0).values_list(*COUNTED)
    if _as_set(counts) != _as_set(_rows(counts_of_rows(), given)):
        found.append("the numbers of units are not those of the units")
    return found


def _rows(statement: str, given: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return cursor.fetchall()


def _as_set(rows: Any) -> set[Any]:
    return {tuple(tuple(value) if isinstance(value, list) else value for value in row) for row in rows}
