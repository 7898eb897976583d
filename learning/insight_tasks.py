"""What beat does for the human-feedback learner; its work itself is a job."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from learning.services.insight_schedule import follow_all_improvements, start_due_learning
from learning.waking import wake_for_job
from organizations.scope import organization_scope
from organizations.tasks import each_organization


@shared_task(name="learning.learn_from_feedback")
def learn_from_feedback() -> None:
    """Start learning where enough came in, and follow what was applied."""
    each_organization(_start_those_of)
    each_organization(_follow_those_of)


def _start_those_of(organization_id: UUID) -> None:
    with organization_scope(organization_id):
        for job in start_due_learning():
            wake_for_job(job)


def _follow_those_of(organization_id: UUID) -> None:
    with organization_scope(organization_id):
        follow_all_improvements()
