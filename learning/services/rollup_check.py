"""Whether the sums of feedback are what their rows say. Reads every row before the watermark."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from learning.models import FeedbackRollupProgress
from learning.services.rollup_sql import ROWS, SHAPES, Shape
from learning.services.rollups import BEGINNING
from organizations.scope import current_organization_id

DIFFERENT_HOURS = """
WITH stored AS (SELECT agent_id, start, {s.columns} FROM {s.table}
  WHERE organization_id = %(organization)s AND grain = 'hour' AND start >= %(since)s),
found AS (SELECT f.agent_id, date_trunc('hour', f.created_at, 'UTC') AS start, {s.aggregates} FROM {rows}
  GROUP BY f.agent_id, date_trunc('hour', f.created_at, 'UTC'){extra}),
different AS ((TABLE stored EXCEPT TABLE found) UNION ALL (TABLE found EXCEPT TABLE stored))
SELECT DISTINCT agent_id, start FROM different d WHERE NOT EXISTS (
  SELECT 1 FROM learning_feedbackrollupmark m WHERE m.organization_id = %(organization)s AND m.agent_id = d.agent_id
    AND m.hour = d.start)
"""
DIFFERENT_DAYS = """
WITH stored AS (SELECT agent_id, start, {s.columns} FROM {s.table}
  WHERE organization_id = %(organization)s AND grain = 'day'),
found AS (SELECT agent_id, date_trunc('day', start, 'UTC') AS start, {sums} FROM {s.table}
  WHERE organization_id = %(organization)s AND grain = 'hour'
  GROUP BY agent_id, date_trunc('day', start, 'UTC'){extra}),
different AS ((TABLE stored EXCEPT TABLE found) UNION ALL (TABLE found EXCEPT TABLE stored))
SELECT DISTINCT agent_id, start FROM different
"""


def find_wrong_sums() -> list[tuple[UUID, datetime]]:
    """The agents and hours or days whose sums differ from the rows, and are not marked to be summed again."""
    reached = FeedbackRollupProgress.objects.values_list("summed_until", "rows_since").first()
    watermark, rows_since = reached or (None, None)
    since = rows_since or BEGINNING  # before it there are sums and no rows
    given = {"organization": current_organization_id(), "since": since, "until": watermark or BEGINNING}
    wrong: set[tuple[UUID, datetime]] = set()
    for shape in SHAPES:
        for statement in _statements(shape):
            wrong.update(_rows(statement, given))
    return sorted(wrong, key=lambda place: (place[1], str(place[0])))


def _statements(shape: Shape) -> tuple[str, str]:
    extra = "".join(f", {name}" for name in shape.extra)
    rows = ROWS.format(since="%(since)s", until="%(until)s", source=shape.source)
    return (
        DIFFERENT_HOURS.format(s=shape, rows=rows, extra=extra),
        DIFFERENT_DAYS.format(s=shape, sums=shape.sums(), extra=extra),
    )


def _rows(statement: str, given: dict[str, Any]) -> list[tuple[UUID, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return cursor.fetchall()
