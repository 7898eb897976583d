"""How many units an agent meets. Reads only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from experiments.models import Unit
from experiments.services.outcome_keeping import UNITS
from experiments.services.outcome_reading import key_at
from learning.models import Agent
from organizations.scope import current_organization_id

DAYS = 7
MOST = 200_000  # executions that are read
SEEN = """SELECT count(DISTINCT nullif(s.unit, '')), count(*), min(s.created_at) FROM (
  SELECT {unit} AS unit, e.created_at FROM learning_execution e WHERE e.organization_id = %s AND e.agent_id = %s
    AND e.id >= %s AND e.started_at >= %s ORDER BY e.started_at DESC LIMIT %s) s"""


def units_a_day(*, agent: Agent, unit: str) -> float:
    """Different units (experiments.models.Unit) of an agent in a week, by day; of a busier one, in its newest
    executions."""
    since = timezone.now() - timedelta(days=DAYS)
    given: list[Any] = [current_organization_id(), agent.pk, key_at(since - timedelta(days=1)), since, MOST]
    with connection.cursor() as cursor:
        cursor.execute(SEEN.format(unit=UNITS[Unit(unit)]), given)
        units, executions, first = cursor.fetchone()
    if executions < MOST:
        return float(units) / DAYS
    return float(units) / max((timezone.now() - first).total_seconds() / 86400, 1 / 24)
