"""Exposures that clients report which assign by themselves: the first of a unit wins, however often it comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from experiments.models import Experiment, ExperimentKind, ExperimentStatus, Exposure, ForcedAssignment, Variant
from experiments.models.experiments import split_of
from experiments.services.assignment import arm_of
from experiments.services.testers import OVER
from experiments.services.units import check_unit
from learning.services.intake import Outcome
from organizations.errors import Conflict, Missing, Refused

Key = tuple[UUID, str]  # experiment, unit


@dataclass(frozen=True, slots=True)
class _Known:
    """An experiment with its arms, whose split is frozen since its start."""

    experiment: Experiment
    variants: list[Variant]

    def arm(self, key: str) -> Variant | None:
        return next((variant for variant in self.variants if variant.key == key), None)


def take_exposures(*, items: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    """One outcome for each {"experiment_id", "unit_id", "variant", "exposed_at"}; the same unit is answered alike.

    The arm that is stored is the assigned one. A unit that was shown another is marked as seen in several. A tester's
    is taken and not stored. Three queries, and one more when somebody saw a wrong arm.
    """
    known = _experiments({item["experiment_id"] for item in items})
    now = timezone.now()
    rows: dict[Key, Exposure] = {}
    crossed: set[Key] = set()
    found: list[Key | Refused] = []
    for item in items:
        try:
            row, wrong = _exposure(known.get(item["experiment_id"]), item, now)
        except Refused as refusal:
            found.append(refusal)
            continue
        key = (item["experiment_id"], row.unit)
        rows.setdefault(key, row)
        crossed |= {key} if wrong else set()
        found.append(key)
    ids = _store(rows, crossed, now) if rows else {}
    return [Outcome(refusal=one) if isinstance(one, Refused) else Outcome(id=ids[one]) for one in found]


def _experiments(ids: set[UUID]) -> dict[UUID, _Known]:
    arms: dict[UUID, _Known] = {}
    rows = Variant.objects.filter(experiment__in=ids).select_related("experiment__layer").order_by("position")
    for variant in rows:
        arms.setdefault(variant.experiment_id, _Known(variant.experiment, [])).variants.append(variant)
    return arms


def _exposure(known: _Known | None, item: Mapping[str, Any], now: datetime) -> tuple[Exposure, bool]:
    """The row, and whether the unit was shown another arm than its own. Raises Refused."""
    if known is None:
        raise Missing(f"There is no experiment {item['experiment_id']}.", "experiment_id")
    experiment, unit = known.experiment, item["unit_id"]
    check_unit(unit, "unit_id")
    moment = _moment(experiment, item.get("exposed_at"), now)
    if known.arm(item["variant"]) is None:
        raise Refused(f"This experiment has no variant {item['variant']!r}.", "variant")
    key = arm_of(experiment, known.variants, unit)
    arm = known.arm(key) if key is not None else None
    if arm is None or key is None:
        raise Refused("This unit does not take part: its buckets lie outside of the experiment's traffic.", "unit_id")
    share = split_of(known.variants).propensity(key)
    row = Exposure(experiment=experiment, variant=arm, unit=unit, exposed_at=moment, propensity=share)
    return row, key != item["variant"]


def _moment(experiment: Experiment, given: datetime | None, now: datetime) -> datetime:
    """When it was, not after now. Raises Conflict when nobody can be exposed, Refused for a time before the start."""
    if experiment.kind == ExperimentKind.AA:
        raise Conflict("An A/A serves nothing: it takes its units from executions.", "experiment_id")
    if experiment.kind == ExperimentKind.BANDIT:
        raise Conflict("A bandit assigns on the server: ask for the config, which exposes too.", "experiment_id")
    if experiment.status == ExperimentStatus.DRAFT or experiment.started_at is None:
        raise Conflict("This experiment has not started.", "experiment_id")
    if experiment.status in OVER:
        raise Conflict(f"This experiment is {experiment.status}; exposures come too late.", "experiment_id")
    moment = min(given or now, now)
    if moment < experiment.started_at:
        raise Refused("Nobody can have seen a variant before the experiment started.", "exposed_at")
    return moment


def _store(rows: Mapping[Key, Exposure], crossed: set[Key], now: datetime) -> dict[Key, UUID]:
    """Ids of the exposures that count, and of the testers' places for units that are not to count."""
    named = Q()
    for experiment_id in {key[0] for key in rows}:
        named |= Q(experiment=experiment_id, unit__in=[unit for one, unit in rows if one == experiment_id])
    testers = {
        (row.experiment_id, row.unit): row.pk for row in ForcedAssignment.objects.filter(named)
    }  # also released ones
    fresh = [row for key, row in rows.items() if key not in testers]
    Exposure.objects.bulk_create(fresh, ignore_conflicts=True)
    stored = {(row.experiment_id, row.unit): row for row in Exposure.objects.filter(named)}
    wrong = [row.pk for key, row in stored.items() if key in crossed and row.crossed_at is None]
    if wrong:
        Exposure.objects.filter(pk__in=wrong, crossed_at=None).update(crossed_at=now, updated_at=now)
    return {key: row.pk for key, row in stored.items()} | testers
