"""Exposures that came with executions: an application that reports the variant it used needs no other call."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from experiments.models import Experiment, Exposure, Variant
from experiments.services.assignment import arm_of
from learning.models import Execution

BATCH = 5000


def executions_of(experiment: Experiment, variants: list[Variant]) -> QuerySet[Execution]:
    """Executions that name an arm of this experiment, with its config or none, stored since the start."""
    if experiment.started_at is None:
        return Execution.objects.none()
    since = Q(agent=experiment.agent_id, id__gte=first_id_at(experiment.started_at))
    return Execution.objects.filter(since, names_an_arm(variants)).exclude(user="")


def names_an_arm(variants: list[Variant], prefix: str = "") -> Q:
    """Executions (behind `prefix`) that name one of the arms and carry its config or none."""
    named = Q()
    for variant in variants:
        config = Q((f"{prefix}config__isnull", True)) | Q((f"{prefix}config", variant.config_id))
        named |= Q((f"{prefix}variant", variant.key)) & config
    return named


def record_reported_exposures(*, experiment: Experiment, variants: list[Variant]) -> int:
    """Expose the users whose executions named an arm; how many were new.

    The arm is the assigned one, whatever the application says it used: the analysis finds who saw another.
    """
    known = Exposure.objects.filter(experiment=experiment, unit=OuterRef("user"))
    rows = executions_of(experiment, variants).values_list("user").annotate(first=Min("created_at")).order_by()
    by_key = {variant.key: variant for variant in variants}
    fresh = []
    for unit, first in rows.filter(~Exists(known)):
        key = _arm(experiment, variants, unit)
        if key is not None:
            fresh.append(Exposure(experiment=experiment, variant=by_key[key], unit=unit, exposed_at=first))
    Exposure.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=BATCH)
    return len(fresh)


def first_id_at(moment: datetime) -> UUID:
    """The smallest UUIDv7 of a moment: executions are partitioned by their key, so a bound on it skips old months."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _arm(experiment: Experiment, variants: list[Variant], unit: str) -> str | None:
    try:
        return arm_of(experiment, variants, unit)
    except ValueError:
        return None  # no client of ours can have been told an arm for this user
