"""Keeping the outcomes of units up to date: what came since the last look is read in.

A look's price depends on what came, and not on how many units there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from experiments.models import Experiment, ExperimentKind, OutcomeProgress, Unit, Variant
from experiments.services.exposures import record_reported_exposures
from experiments.services.outcome_columns import Layout, layout_of
from experiments.services.outcome_reading import CLOCKS, key_at, reported_metrics, take_marks, units_to_look_at
from experiments.services.outcome_sql import look_at_units, take_back_units
from experiments.services.unit_values import Source
from learning.services.settling import settled_until
from organizations.cursors import cursor_without
from organizations.scope import current_organization_id

PAST = timedelta(days=90)  # before the start, of what a unit's past is made
# As services/units.py has them, in words that the indexes of executions know.
UNITS = {
    Unit.USER: 'e."user"',
    Unit.EXECUTION: "e.external_id",
    Unit.SESSION: "coalesce(e.context ->> 'session_id', e.metadata ->> 'session_id')",
}
START = """INSERT INTO experiments_outcomeprogress (id, organization_id, created_at, updated_at, experiment_id)
SELECT gen_random_uuid(), %s, now(), now(), %s ON CONFLICT DO NOTHING"""


def read_in(*, experiment: Experiment, variants: Sequence[Variant]) -> int:
    """Look at every unit that something has come of; how many have other values than before. In one transaction:
    after a crash nothing has happened, and the next look does it."""
    if experiment.started_at is None:
        return 0
    progress = lock_progress(experiment)
    plan_quickly()
    layout, source = layout_of(experiment.metrics), source_of(experiment)
    settled = settled_until(
        reached=progress.read_until,
        pending_until=progress.pending_until,
        pending_transaction=progress.pending_transaction,
    )
    given = parameters_of(experiment, layout, variants) | {"since": progress.read_until}
    given["since_id"] = key_at((progress.read_until or experiment.started_at) - CLOCKS)
    given["marked"] = take_marks(given)
    record_reported_exposures(experiment=experiment, variants=variants, source=source, given=given)
    statement = look_at_units(layout, source)
    changed = sum(look(statement, given, ids) for ids in units_to_look_at(layout, source, given))
    progress.pending_until, progress.pending_transaction = settled.pending_until, settled.pending_transaction
    progress.read_until = settled.until or progress.read_until
    progress.save()
    return changed


def take_back(*, experiment: Experiment, ids: Sequence[UUID]) -> int:
    """Remove the rows of these exposures' units, and what they brought to the sums; how many there were."""
    lock_progress(experiment)
    return look(take_back_units(layout_of(experiment.metrics)), parameters_of(experiment), ids)


def plan_quickly() -> None:
    """Compiling these long statements takes longer than to run them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('jit', 'off', true)")


def lock_progress(experiment: Experiment) -> OutcomeProgress:
    """How far the experiment is read, locked until the transaction ends. Looks, and erasures, come one by one."""
    with connection.cursor() as cursor:
        cursor.execute(START, [current_organization_id(), experiment.pk])
    return OutcomeProgress.objects.select_for_update(no_key=True).get(experiment=experiment)


def source_of(experiment: Experiment) -> Source:
    """Where the executions of its units are found."""
    return Source(UNITS[Unit(experiment.unit)], by_variant=experiment.kind != ExperimentKind.AA)


def parameters_of(
    experiment: Experiment, layout: Layout | None = None, variants: Sequence[Variant] = ()
) -> dict[str, Any]:
    """What the statements are given. `first` is the key of the first execution that can count."""
    started = experiment.started_at or timezone.now()
    return {
        "organization": current_organization_id(),
        "experiment": experiment.pk,
        "agent": experiment.agent_id,
        "started": started,
        "first": key_at(started),
        "past": key_at(started - PAST),
        "now": timezone.now(),
        "keys": [variant.key for variant in variants],
        "reported": reported_metrics(layout) if layout else [],
    }


def look(statement: str, given: Mapping[str, Any], ids: Sequence[UUID]) -> int:
    """The number that a statement about units returns."""
    with cursor_without("enable_nestloop") as cursor:  # wholes are compared; a unit's rows are looked up
        cursor.execute(statement, {**given, "ids": list(ids)})
        return int(cursor.fetchone()[0])
