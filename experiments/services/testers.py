"""Putting a tester into one arm by hand, and letting them go again."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from experiments.bucketing import tester_digest
from experiments.models import Experiment, ExperimentKind, ExperimentStatus, Exposure, ForcedAssignment, Variant
from experiments.services.units import check_unit
from organizations import audit
from organizations.errors import Conflict, Missing, Refused

MOST_TESTERS = 200  # of one experiment: they travel with the ruleset
OVER = (ExperimentStatus.STOPPED, ExperimentStatus.COMPLETED)


def testers_of(experiment: Experiment) -> list[ForcedAssignment]:
    """Who is in an arm by hand now, the newest first."""
    rows = ForcedAssignment.objects.filter(experiment=experiment, released_at=None)
    return list(rows.select_related("variant", "created_by").order_by("-id"))


def force_unit(
    *, experiment: Experiment, unit: str, variant: str, note: str = "", created_by: Any = None
) -> ForcedAssignment:
    """From now on the unit gets this arm while the experiment runs, and no comparison counts it.

    Raises Missing for an arm that is not there, Refused for an impossible unit, Conflict when it is over.
    """
    if not unit:
        raise Refused("Say whom: the identifier that the experiment assigns.", "unit_id")
    check_unit(unit, "unit_id")
    if experiment.kind == ExperimentKind.AA:
        raise Conflict("An A/A serves nothing, so there is nothing to test in it.", "kind")
    if experiment.status in OVER:
        raise Conflict(f"This experiment is {experiment.status}; nobody is assigned any more.", "status")
    arm = Variant.objects.filter(experiment=experiment, key=variant).first()
    if arm is None:
        raise Missing(f"This experiment has no variant {variant!r}.", "variant")
    with transaction.atomic():
        Experiment.objects.select_for_update(no_key=True).get(pk=experiment.pk)
        if len(testers_of(experiment)) >= MOST_TESTERS:
            raise Conflict(f"An experiment has at most {MOST_TESTERS} testers. Release some first.", "unit_id")
        forced, _ = ForcedAssignment.objects.update_or_create(
            experiment=experiment,
            unit=unit,
            defaults={
                "variant": arm,
                "digest": tester_digest(experiment.salt, unit),
                "note": note,
                "released_at": None,
                "created_by": created_by,
            },
        )
        seen = Exposure.objects.filter(experiment=experiment, unit=unit, forced=False)
        seen.update(forced=True, updated_at=timezone.now())
        audit.record(
            action="experiment.tester_forced", target=experiment, after={"unit": unit, "variant": variant, "note": note}
        )
    return forced


def release_unit(*, experiment: Experiment, unit: str) -> None:
    """The unit gets what its buckets say again; it stays out of the analysis. Raises Missing when it is no tester."""
    with transaction.atomic():
        rows = ForcedAssignment.objects.filter(experiment=experiment, unit=unit, released_at=None)
        now = timezone.now()
        if not rows.update(released_at=now, updated_at=now):
            raise Missing(f"Nobody put {unit[:200]!r} into an arm of this experiment.", "unit_id")
        audit.record(action="experiment.tester_released", target=experiment, before={"unit": unit})
