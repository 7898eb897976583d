"""What beat does for rules: feedback and executions become examples behind the intake."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from learning.services.rule_application import learn_by_rules
from organizations.scope import organization_scope
from organizations.tasks import each_organization

MOST_BATCHES = 100  # of one organization in one go; the next beat goes on


@shared_task(name="learning.learn_by_rules")
def learn_by_all_rules() -> None:
    """Apply the rules of every organization to what has come in."""
    each_organization(catch_up)


def catch_up(organization_id: UUID, most: int = MOST_BATCHES) -> int:
    """Each batch is a transaction of its own; how many it took."""
    for batch in range(1, most + 1):
        with organization_scope(organization_id):
            if not learn_by_rules():
                return batch
    return most
