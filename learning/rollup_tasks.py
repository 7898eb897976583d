"""What beat does for the statistics: feedback is summed up behind the intake."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from learning.services.rollups import sum_up_feedback
from organizations.scope import organization_scope
from organizations.tasks import each_organization

MOST_STEPS = 100  # days of one organization in one go; the next beat goes on


@shared_task(name="learning.sum_up_feedback")
def sum_up_all_feedback() -> int:
    """Bring the sums of every organization up to a minute ago; in how many steps."""
    return sum(each_organization(catch_up))


def catch_up(organization_id: UUID, most: int = MOST_STEPS) -> int:
    """Each step is a transaction of its own, so that nobody waits long and nothing done is lost; how many it took."""
    for step in range(1, most + 1):
        with organization_scope(organization_id):
            if not sum_up_feedback():
                return step
    return most
