"""What people sent goes when it is past its retention, in small steps; what experts made of it and the sums stay.

What an example refers to keeps its row without its texts: the row says in which split the example belongs. Feedback is
removed hour by hour, the oldest first, each hour after it was summed up for good (`rows_since`); what is stored later
with a time before that is added to the sums as it is removed. What a language model answered may repeat what it was
shown, so it is remembered as long and no longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from learning.models import AgentFeedback, Execution, FeedbackRollupProgress, LlmResponse
from learning.services import rollups
from learning.services.reading_plan import HOUR, floor
from organizations import audit
from organizations.models import Organization
from organizations.scope import current_organization_id, organization_scope, transaction_setting

BATCH = 500  # executions, or remembered answers, in one transaction

OLDEST_HOUR = """
SELECT min(f.created_at) FROM learning_agent a CROSS JOIN LATERAL (
  SELECT created_at FROM learning_agentfeedback x WHERE x.organization_id = %(organization)s AND x.agent_id = a.id
    AND x.created_at < %(until)s AND x.removed_at IS NULL ORDER BY x.created_at LIMIT 1) f
WHERE a.organization_id = %(organization)s
"""
OF_HOUR = """organization_id = %(organization)s AND removed_at IS NULL
  AND created_at >= %(hour)s AND created_at < %(end)s
  AND agent_id IN (SELECT a.id FROM learning_agent a WHERE a.organization_id = %(organization)s)"""
TAUGHT = """EXISTS (SELECT 1 FROM learning_learningexample e
  WHERE e.organization_id = {table}.organization_id AND e.{source} = {table}.id)"""
BLANK_FEEDBACK = f"""
UPDATE learning_agentfeedback SET feedback_text = '', digest = '', idempotency_key = NULL, removed_at = now(),
  correction_text = CASE WHEN feedback_type = 'correction' THEN '[removed]' ELSE '' END
WHERE {OF_HOUR} AND {TAUGHT.format(table="learning_agentfeedback", source="source_feedback_id")}
"""  # noqa: S608  our own names
DELETE_FEEDBACK = f"DELETE FROM learning_agentfeedback WHERE {OF_HOUR}"  # noqa: S608  our own names
# A session is a name for what belongs together, and datasets may be split by it.
BLANK_EXECUTIONS = f"""
UPDATE learning_execution SET input = '', output = '', removed_at = now(),
  context = CASE WHEN context ? 'session_id' THEN jsonb_build_object('session_id', context->'session_id')
    ELSE '{{}}' END,
  metadata = CASE WHEN metadata ? 'session_id' THEN jsonb_build_object('session_id', metadata->'session_id')
    ELSE '{{}}' END
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
  AND {TAUGHT.format(table="learning_execution", source="source_execution_id")}
RETURNING id
"""  # noqa: S608  our own names
OF_EXECUTIONS = ("learning_decision", "learning_retrievalevent", "learning_telemetryspan")
DELETE = "DELETE FROM {table} WHERE organization_id = %(organization)s AND {column} = ANY(%({ids})s)"
DETACH = """
UPDATE learning_agentfeedback SET execution_id = NULL
WHERE organization_id = %(organization)s AND execution_id = ANY(%(gone)s)
"""


def own_days() -> int | None:
    """How many days the organization itself keeps what was sent; None: as the installation does."""
    return Organization.objects.values_list("retention_days", flat=True).get(pk=current_organization_id())


def kept_days() -> int:
    """The shorter of the organization's and the installation's retention; 0 is for ever."""
    return min((days for days in (settings.FEEDBACK_RETENTION_DAYS, own_days()) if days), default=0)


def set_own_days(*, days: int | None) -> None:
    """Another retention for the organization; None: as the installation keeps it."""
    organization = Organization.objects.select_for_update().get(pk=current_organization_id())
    before, organization.retention_days = organization.retention_days, days
    organization.save(update_fields=["retention_days", "updated_at"])
    audit.record(action="retention.changed", target=organization, before={"days": before}, after={"days": days})


def removed_before() -> datetime | None:
    """What is older goes: a whole hour (UTC). None: nothing does."""
    days = kept_days()
    return floor(timezone.now() - timedelta(days=days), HOUR) if days else None


def preview_retention() -> dict[str, int]:
    """How many rows would be removed now; their texts alone where examples refer to them."""
    until = removed_before()
    if until is None:
        return {"feedback": 0, "executions": 0, "remembered answers": 0}
    return {
        "feedback": AgentFeedback.objects.filter(created_at__lt=until, removed_at=None).count(),
        "executions": Execution.objects.filter(pk__lt=key_of(until), removed_at=None).count(),
        "remembered answers": LlmResponse.objects.filter(pk__lt=key_of(until)).count(),
    }


def key_of(moment: datetime) -> UUID:
    """The least key that a row of this moment can have (UUIDv7: milliseconds since 1970 first)."""
    return UUID(hex=f"{int(moment.timestamp() * 1000):012x}" + "0" * 20)


def apply_step(organization_id: UUID) -> int:
    """Remove the oldest hour of feedback, or else a batch of executions or of answers, in one transaction.

    How many rows; 0: nothing is left to remove, or what is left is not summed up yet or is being summed up.
    """
    try:
        with _one_snapshot(organization_id):
            removed = _remove_hour()
    except OperationalError:  # the sums moved since the snapshot was taken; the next beat tries again
        removed = 0
    if removed:
        return removed
    with organization_scope(organization_id):
        return _remove_executions() or _remove_answers()


@contextmanager
def _one_snapshot(organization_id: UUID) -> Iterator[None]:
    """Every statement sees the same rows, so that just what was summed up is removed."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with organization_scope(organization_id):
            yield


def _remove_hour() -> int:
    until = removed_before()
    progress = FeedbackRollupProgress.objects.select_for_update(skip_locked=True).first()
    if until is None or progress is None or progress.summed_until is None:
        return 0
    given: dict[str, Any] = {"organization": current_organization_id(), "until": until}
    with connection.cursor() as cursor:
        cursor.execute(OLDEST_HOUR, given)
        oldest = cursor.fetchone()[0]
        if oldest is None or floor(oldest, HOUR) + HOUR > progress.summed_until:
            return 0
        hour = floor(oldest, HOUR)
        rollups.close_hour(progress=progress, hour=hour)
        given |= {"hour": hour, "end": hour + HOUR}
        with transaction_setting("app.retaining", "on"):
            cursor.execute(BLANK_FEEDBACK, given)
            removed = cursor.rowcount
            cursor.execute(DELETE_FEEDBACK, given)
            return int(removed + cursor.rowcount)


def _remove_executions() -> int:
    until = removed_before()
    if until is None:
        return 0
    old = Execution.objects.filter(pk__lt=key_of(until), removed_at=None).order_by("pk")
    ids = list(old.values_list("pk", flat=True)[:BATCH])
    if not ids:
        return 0
    given: dict[str, Any] = {"organization": current_organization_id(), "ids": ids}
    with connection.cursor() as cursor:
        for table in OF_EXECUTIONS:
            cursor.execute(DELETE.format(table=table, column="execution_id", ids="ids"), given)
        cursor.execute(BLANK_EXECUTIONS, given)
        kept = {row[0] for row in cursor.fetchall()}
        given["gone"] = [pk for pk in ids if pk not in kept]
        cursor.execute(DETACH, given)
        for table in ("learning_executionkey", "learning_execution"):
            cursor.execute(DELETE.format(table=table, column="id", ids="gone"), given)
    return len(ids)


def _remove_answers() -> int:
    until = removed_before()
    old = LlmResponse.objects.filter(pk__lt=key_of(until)).order_by("pk") if until else LlmResponse.objects.none()
    ids = list(old.values_list("pk", flat=True)[:BATCH])
    return LlmResponse.objects.filter(pk__in=ids).delete()[0]
