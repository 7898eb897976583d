"""What beat does about retention: what is too old is removed in small steps."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from learning.services.retention import apply_step
from organizations.tasks import each_organization

MOST_STEPS = 200  # of one organization in one go; the next beat goes on


@shared_task(name="learning.apply_retention")
def apply_retention() -> int:
    """Remove what is past its retention in every organization; how many rows."""
    return sum(each_organization(remove_old))


def remove_old(organization_id: UUID, most: int = MOST_STEPS) -> int:
    """Each step is a transaction of its own; how many rows were removed."""
    removed = 0
    for _ in range(most):
        step = apply_step(organization_id)
        if not step:
            break
        removed += step
    return removed
