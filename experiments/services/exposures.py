"""Exposures that came with executions: an application that reports the variant it used needs no other call.

What decides which executions and units belong to an experiment stands here, for outcomes as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from experiments.models import Experiment, ExperimentKind, Exposure, ForcedAssignment, Variant
from experiments.models.experiments import split_of
from experiments.services.assignment import arm_of
from experiments.services.outcome_reading import CLOCKS, key_at
from experiments.services.units import unit_of
from learning.models import Execution

BATCH = 5000


def executions_of(experiment: Experiment, variants: list[Variant]) -> Any:
    """Executions that belong to this experiment, stored since the start, with the unit that they name as `unit`."""
    if experiment.started_at is None:
        return Execution.objects.none()
    since = Q(agent=experiment.agent_id, id__gte=key_at(experiment.started_at))
    rows: Any = Execution.objects.filter(since, names_an_arm(experiment, variants))
    return rows.annotate(unit=unit_of(experiment.unit)).exclude(unit=None)


def names_an_arm(experiment: Experiment, variants: list[Variant], prefix: str = "") -> Q:
    """Executions (behind `prefix`) that name one of the arms and carry its config or none; of an A/A, which serves
    nothing, all of them."""
    named = Q()
    if experiment.kind == ExperimentKind.AA:
        return named
    for variant in variants:
        config = Q((f"{prefix}config__isnull", True)) | Q((f"{prefix}config", variant.config_id))
        named |= Q((f"{prefix}variant", variant.key)) & config
    return named


def forced_units(experiment: Experiment) -> QuerySet[ForcedAssignment]:
    """Units that somebody put into an arm by hand, released ones included: no comparison may count them."""
    return ForcedAssignment.objects.filter(experiment=experiment)


def record_reported_exposures(
    *, experiment: Experiment, variants: list[Variant], since: datetime | None = None, marked: Sequence[str] = ()
) -> int:
    """Expose the units whose executions named an arm; how many were new.

    `since` leaves out the executions that were stored before, but for those of the `marked` units.

    The arm is the assigned one, whatever the application says it used: the analysis finds who saw another. A bandit
    assigns on the server, where it exposes too, so that executions tell nothing new of it.
    """
    if experiment.kind == ExperimentKind.BANDIT:
        return 0
    known = Exposure.objects.filter(experiment=experiment, unit=OuterRef("unit"))
    forced = forced_units(experiment).filter(unit=OuterRef("unit"))
    executions = executions_of(experiment, variants)
    if since is not None:
        executions = executions.filter(Q(created_at__gte=since, id__gte=key_at(since - CLOCKS)) | Q(unit__in=marked))
    rows = executions.values_list("unit").annotate(first=Min("created_at")).order_by()
    by_key = {variant.key: variant for variant in variants}
    split = split_of(variants)
    fresh = []
    for unit, first in rows.filter(~Exists(known), ~Exists(forced)):
        key = _arm(experiment, variants, unit)
        if key is not None:
            share = split.propensity(key)
            one = Exposure(experiment=experiment, variant=by_key[key], unit=unit, exposed_at=first, propensity=share)
            fresh.append(one)
    Exposure.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=BATCH)
    return len(fresh)


def _arm(experiment: Experiment, variants: list[Variant], unit: str) -> str | None:
    try:
        return arm_of(experiment, variants, unit)
    except ValueError:
        return None  # no client of ours can have been told an arm for this user
