"""Summing feedback up by hour and by day, outside of the intake.

A row may be summed once no transaction can still commit one that is as old. Every row that is stored within a minute
of its `created_at` had taken its transaction's number by then, so: what was created more than a minute before a
transaction began is complete as soon as every transaction with a lower number has ended. The triggers on feedback mark
the hours of all other rows (stored late, changed, deleted), and marked hours are summed again from their rows.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from learning.models import FeedbackRollupProgress
from learning.services import rollup_sql
from learning.services.reading_plan import DAY, HOUR, floor
from organizations.scope import current_organization_id

SETTLED = timedelta(minutes=1)  # the trigger feedback_stored_late has the same
MOST_MARKS = 2000  # hours that are summed again in one transaction
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

START = """
INSERT INTO learning_feedbackrollupprogress (id, organization_id, created_at, updated_at)
SELECT gen_random_uuid(), %s, now(), now() ON CONFLICT DO NOTHING
"""
# now() is when this transaction began, before it took its number: every number that was taken by then is lower.
# The snapshot is that of a later statement than the one that took the number.
TICK = "SELECT pg_current_xact_id()::text::bigint, now()"
HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
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
    """Before when everything is stored that ever will be, apart from what marks tell of; None: nothing new is.

    While transactions are open the moment is noted down, for a call after they have ended. A noted number from the
    future comes from another server, whose data was restored here.
    """
    number, begun = _one(TICK)
    horizon = _one(HORIZON)[0]
    settled = begun - SETTLED
    if horizon >= number:
        progress.pending_until = progress.pending_transaction = None
        # A call that finds less than a minute would find the same again at once.
        return settled if progress.summed_until is None or settled > progress.summed_until else None
    noted, noted_number = progress.pending_until, progress.pending_transaction
    if noted is None or noted_number is None or noted_number > number or _reached(progress, noted):
        progress.pending_until, progress.pending_transaction = settled, number
        return None
    return noted if noted_number <= horizon else None


def _reached(progress: FeedbackRollupProgress, moment: datetime) -> bool:
    return progress.summed_until is not None and progress.summed_until >= moment


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
