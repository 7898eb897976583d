"""Which units of an experiment have to be looked at: those that something has come of since the last look.

A statement finds them by the time at which rows were stored, with everything since a moment before which nothing can
come any more (learning/services/settling.py). What comes later than it should, is changed or deleted is marked by
triggers. A unit that is found twice is looked at twice, which does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from experiments.services.outcome_columns import EVENT_AGGREGATES, NAMED, Layout
from experiments.services.unit_values import Source
from organizations.cursors import whole_cursor

BATCH = 10_000  # units in one statement
# Keys are made by the application's clock and `created_at` by the database's: they may lie so far apart.
CLOCKS = timedelta(minutes=10)

EXPOSED = """SELECT p.id FROM experiments_exposure p WHERE p.organization_id = %(organization)s
  AND p.experiment_id = %(experiment)s AND p.id >= %(since_id)s AND p.created_at >= %(since)s"""
OF_UNITS = """SELECT p.id FROM ({units}) s JOIN experiments_exposure p
  ON p.organization_id = %(organization)s AND p.experiment_id = %(experiment)s AND p.unit = s.unit"""
RAN = """SELECT DISTINCT {unit} AS unit FROM learning_execution e WHERE e.organization_id = %(organization)s
  AND e.agent_id = %(agent)s AND e.id >= %(since_id)s AND e.created_at >= %(since)s{arm}"""
SAID = """SELECT DISTINCT {unit} AS unit FROM learning_agentfeedback f JOIN learning_execution e
  ON e.organization_id = f.organization_id AND e.id = f.execution_id AND e.id >= %(first)s
  WHERE f.organization_id = %(organization)s AND f.agent_id = %(agent)s AND f.created_at >= %(since)s{arm}"""
REPORTED = """SELECT DISTINCT o.unit FROM experiments_outcomeevent o WHERE o.organization_id = %(organization)s
  AND o.agent_id = %(agent)s AND o.created_at >= %(since)s AND o.metric = ANY(%(reported)s)"""
MARKED = "SELECT unnest(%(marked)s::text[]) AS unit"
DUE = """SELECT u.id FROM experiments_unitoutcome u WHERE u.organization_id = %(organization)s
  AND u.experiment_id = %(experiment)s AND u.due_at <= %(now)s"""
TAKE_MARKS = """WITH taken AS (DELETE FROM experiments_outcomemark WHERE organization_id = %(organization)s
  AND experiment_id = %(experiment)s RETURNING unit) SELECT DISTINCT unit FROM taken"""
ALL = """SELECT p.id FROM experiments_exposure p WHERE p.organization_id = %(organization)s
  AND p.experiment_id = %(experiment)s"""


def take_marks(given: dict[str, Any]) -> list[str]:
    """The units that triggers have marked. They are taken first: what is committed after that has marks of its own."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE_MARKS, given)
        return [unit for (unit,) in cursor.fetchall()]


def units_to_look_at(layout: Layout, source: Source, given: dict[str, Any]) -> Iterator[list[UUID]]:
    """Batches of exposures whose units something has come of. `given` has the statement's parameters; without a
    `since` it is the first look, and all of them are new."""
    if given["since"] is None:
        yield from _batches(ALL, given)
        return
    arm = " AND e.variant = ANY(%(keys)s)" if source.by_variant else ""
    units = [RAN.format(unit=source.unit, arm=arm), SAID.format(unit=source.unit, arm=arm)]
    if given["reported"]:
        units.append(REPORTED)
    if given["marked"]:
        units.append(MARKED)
    due = [DUE] if any(layout.windows) else []
    yield from _batches(" UNION ".join([EXPOSED, *(OF_UNITS.format(units=one) for one in units), *due]), given)


def all_units(given: dict[str, Any]) -> Iterator[list[UUID]]:
    """Batches of all exposures of the experiment."""
    return _batches(ALL, given)


def reported_metrics(layout: Layout) -> list[str]:
    """Those that the application reports events of."""
    named = ((column.metric, NAMED.findall(column.expression)) for column in layout.columns)
    return list(dict.fromkeys(metric for metric, names in named if set(names) & EVENT_AGGREGATES.keys()))


def key_at(moment: datetime) -> UUID:
    """The smallest UUIDv7 of a moment: executions are partitioned by their key, so a bound on it skips old months."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _batches(statement: str, given: dict[str, Any]) -> Iterator[list[UUID]]:
    """A cursor of the server: ten million identifiers are never held at once."""
    with whole_cursor() as cursor:
        cursor.execute(statement, given)
        while rows := cursor.fetchmany(BATCH):
            yield [row[0] for row in rows]
