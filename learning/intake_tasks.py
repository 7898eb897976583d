"""What beat does for the intake: partitions made ahead, and feedback joined with executions that came with it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.db import connection

from learning.services.early_feedback import join_early_feedback
from organizations.scope import organization_scope
from organizations.tasks import each_organization

MONTHS_AHEAD = 3
MISSED_WITHIN = timedelta(
    days=1
)  # two requests miss each other within milliseconds; beat may have been away for a while


@shared_task(name="learning.keep_partitions")
def keep_partitions() -> int:
    """Make the monthly partitions of executions ahead of time; how many were made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ensure_partitions('learning_execution', %s)", [MONTHS_AHEAD])
        return int(cursor.fetchone()[0])


@shared_task(name="learning.join_early_feedback")
def join_missed_feedback() -> int:
    """Join what the intake could not see; how many pieces of feedback were joined."""
    return sum(each_organization(_join_those_of))


def _join_those_of(organization_id: UUID) -> int:
    with organization_scope(organization_id):
        return join_early_feedback(younger_than=MISSED_WITHIN)
