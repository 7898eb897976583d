"""What the units of an agent have shown of a metric before any experiment: to cut long tails where they begin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from experiments.metrics import Definition, Shape
from experiments.models import Unit
from experiments.services.outcome_columns import AGGREGATES, EVENT_AGGREGATES, NAMED, OUTCOMES
from experiments.services.outcome_keeping import PAST, UNITS
from experiments.services.outcome_reading import key_at
from learning.models import Agent
from organizations.scope import current_organization_id

NEWEST = 100_000  # executions or events: enough for any quantile, and nobody waits for more
OF_EXECUTIONS = """SELECT outcome FROM (SELECT ({outcome})::float8 AS outcome FROM (
  SELECT n.*, min(n.started_at) OVER (PARTITION BY n.unit) AS first_at FROM (
    SELECT e.*, {unit} AS unit FROM learning_execution e WHERE e.organization_id = %(organization)s
      AND e.agent_id = %(agent)s AND e.id >= %(since_id)s ORDER BY e.id DESC LIMIT %(newest)s) n
  WHERE n.unit <> '') x WHERE x.started_at < x.first_at + %(window)s GROUP BY x.unit) s WHERE outcome IS NOT NULL"""
OF_EVENTS = """SELECT ({outcome})::float8 FROM (
  SELECT n.*, min(n.occurred_at) OVER (PARTITION BY n.unit) AS first_at FROM (
    SELECT * FROM experiments_outcomeevent WHERE organization_id = %(organization)s AND agent_id = %(agent)s
      AND metric = %(metric)s AND created_at >= %(since)s ORDER BY created_at DESC LIMIT %(newest)s) n) o
  WHERE o.occurred_at < o.first_at + %(window)s GROUP BY o.unit"""
OF_SHAPE = {Shape.COUNT: EVENT_AGGREGATES["total"], Shape.CONTINUOUS: EVENT_AGGREGATES["mean"]}


def past_outcomes(*, agent: Agent, unit: Unit, name: str, definition: Definition, hours: float) -> list[float]:
    """One outcome a unit, of the newest executions or events of 90 days: of so many hours from the unit's first of them
    on, as an experiment watches a unit from its exposure on; 0: of all.

    Raises ValueError for a metric whose outcomes have ends anyway, or come from feedback.
    """
    since = timezone.now() - PAST
    given: dict[str, Any] = {
        "organization": current_organization_id(),
        "agent": agent.pk,
        "metric": name,
        "since": since,
        "since_id": key_at(since),
        "newest": NEWEST,
        "window": min(timedelta(hours=hours), PAST) if hours else PAST,
    }
    with connection.cursor() as cursor:
        cursor.execute(_statement(unit, name, definition), given)
        return [outcome for (outcome,) in cursor.fetchall()]


def _statement(unit: Unit, name: str, definition: Definition) -> str:
    if definition.custom and definition.shape in OF_SHAPE:
        return OF_EVENTS.format(outcome=OF_SHAPE[definition.shape])
    names = [] if definition.custom else NAMED.findall(OUTCOMES[name])
    if not names or definition.rate or {AGGREGATES[one].source for one in names} != {"executions"}:
        raise ValueError("it has no long tail")
    outcome = NAMED.sub(lambda found: _aggregate(found[1]), OUTCOMES[name])
    return OF_EXECUTIONS.format(outcome=outcome, unit=UNITS[unit])


def _aggregate(name: str) -> str:
    return f"{AGGREGATES[name].function} FILTER (WHERE {AGGREGATES[name].condition})"
