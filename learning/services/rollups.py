"""Summing feedback up by hour and by day, outside of the intake.

A row may be summed once no transaction can still commit one that is as old (settling.py). The triggers on feedback mark
the hours of all other rows (stored late, changed, deleted), and marked hours are summed again from their rows.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from learning.models import FeedbackRollupProgress
from learning.services import rollup_sql
from learning.services.reading_plan import DAY, HOUR, floor
from learning.services.settling import settled_until
from organizations.scope import current_organization_id

MOST_MARKS = 2000  # hours that are summed again in one transaction
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

START = """
INSERT INTO learning_feedbackrollupprogress (id, organization_id, created_at, updated_at)
SELECT gen_random_uuid(), %s, now(), now() ON CONFLICT DO NOTHING
"""
OLDEST = """
SELECT min(f.created_at) FROM learning_agent a CROSS JOIN LATERAL (
  SELECT created_at FROM learning_agentfeedback x WHERE x.organization_id = %(organization)s AND x.agent_id = a.id
    AND x.created_at >= %(since)s ORDER BY x.created_at LIMIT 1) f
WHERE a.organization_id = %(organization)s
"""
TAKE_MARKS = """
WITH taken AS (
  DELETE FROM learning_feedbackrollupmark WHERE organization_id = %(organization)s AND id IN (
    SELECT id FROM learning_feedbackrollupmark WHERE organization_id = %(organization)s AND hour >= %(rows_since)s
      AND hour < %(marks_until)s LIMIT %(most)s)
  RETURNING agent_id, hour)
SELECT DISTINCT agent_id, hour FROM taken
"""
DROP_MARKS = """
DELETE FROM learning_feedbackrollupmark WHERE organization_id = %(organization)s AND hour = %(since)s
"""
ALWAYS = datetime(9999, 1, 1, tzinfo=UTC)


def sum_up_feedback() -> bool:
    """Sum up what is complete, at most a day of it; whether another call would find more. One transaction.

    Returns at once when another process is at it.
    """
    progress = _take_progress()
    if progress is None:
        return False
    until = _complete_until(progress)
    if until is not None:
        _sum_new_rows(progress, until)
    progress.save()
    return _sum_marked_hours(progress) or until is not None


def rebuild_rollups() -> None:
    """Forget every sum that has rows; until `sum_up_feedback` has caught up statistics read rows, and stay exact."""
    _execute(START, [current_organization_id()])
    progress = FeedbackRollupProgress.objects.select_for_update().get()
    since = progress.rows_since or BEGINNING
    given: dict[str, Any] = {"organization": current_organization_id(), "since": since, "days": [floor(since, DAY)]}
    for shape in rollup_sql.SHAPES:
        _execute(
            f"DELETE FROM {shape.table} WHERE organization_id = %(organization)s AND start >= %(since)s",  # noqa: S608
            given,
        )
        _sum_days_again(shape, given)
    progress.summed_until = progress.rows_since
    progress.save()


def close_hour(*, progress: FeedbackRollupProgress, hour: datetime) -> None:
    """Sum up an hour for good before its rows are removed, and every marked hour before it. One snapshot.

    Rows of an hour that was closed before are what was stored since: they are added to its sums.
    """
    end, since = hour + HOUR, progress.rows_since or BEGINNING
    if hour >= since:
        while _sum_marked_hours(progress, until=end):
            pass
        progress.rows_since = end
        progress.save(update_fields=["rows_since", "updated_at"])
        return
    given = {"organization": current_organization_id(), "since": hour, "until": end, "days": [floor(hour, DAY)]}
    for shape in rollup_sql.SHAPES:
        _execute(rollup_sql.add_new_rows(shape), given)
        _sum_days_again(shape, given)
    _execute(DROP_MARKS, given)


def _take_progress() -> FeedbackRollupProgress | None:
    _execute(START, [current_organization_id()])
    return FeedbackRollupProgress.objects.select_for_update(skip_locked=True).first()


def _complete_until(progress: FeedbackRollupProgress) -> datetime | None:
    """Before when everything is stored that ever will be, apart from what marks tell of; None: nothing new is."""
    settled = settled_until(
        reached=progress.summed_until,
        pending_until=progress.pending_until,
        pending_transaction=progress.pending_transaction,
    )
    progress.pending_until, progress.pending_transaction = settled.pending_until, settled.pending_transaction
    return settled.until


def _sum_new_rows(progress: FeedbackRollupProgress, until: datetime) -> None:
    given: dict[str, Any] = {"organization": current_organization_id(), "since": progress.summed_until or BEGINNING}
    oldest = _one(OLDEST, given)[0]
    if oldest is None or oldest >= until:
        progress.summed_until = until
        return
    day = floor(oldest, DAY)
    given |= {"since": oldest, "until": min(until, day + DAY), "days": [day]}
    for shape in rollup_sql.SHAPES:
        _execute(rollup_sql.add_rows(shape), given)
        _sum_days_again(shape, given)
    progress.summed_until = given["until"]


def _sum_marked_hours(progress: FeedbackRollupProgress, until: datetime = ALWAYS) -> bool:
    """Whether there were any. The marks are taken first: what is committed after that has marks of its own.

    Hours whose rows are past their retention keep their marks, for `close_hour`.
    """
    given: dict[str, Any] = {"organization": current_organization_id(), "most": MOST_MARKS, "marks_until": until}
    given["rows_since"] = progress.rows_since or BEGINNING
    with connection.cursor() as cursor:
        cursor.execute(TAKE_MARKS, given)
        marked: list[tuple[UUID, datetime]] = cursor.fetchall()
    if not marked or progress.summed_until is None:
        return bool(marked)
    given |= {
        "agents": [agent_id for agent_id, _ in marked],
        "hours": [hour for _, hour in marked],
        "days": sorted({floor(hour, DAY) for _, hour in marked}),
        "until": progress.summed_until,
    }
    for shape in rollup_sql.SHAPES:
        for statement in rollup_sql.sum_hours_again(shape):
            _execute(statement, given)
        _sum_days_again(shape, given)
    return True


def _sum_days_again(shape: rollup_sql.Shape, given: dict[str, Any]) -> None:
    for statement in rollup_sql.sum_days_again(shape):
        _execute(statement, given)


def _one(statement: str, parameters: Any = None) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()


def _execute(statement: str, parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
