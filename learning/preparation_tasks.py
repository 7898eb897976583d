"""What beat does for examples: what came in is prepared, so that it is redacted before anybody reviews it."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from learning.services.preparation import BATCH, prepare_waiting
from learning.services.redaction_rules import mark_outdated
from organizations.scope import organization_scope
from organizations.tasks import each_organization

MOST_BATCHES = 100  # of one organization in one go; the next beat goes on


@shared_task(name="learning.prepare_examples")
def prepare_all_examples() -> int:
    """Prepare what waits in every organization; how many examples were prepared."""
    return sum(each_organization(catch_up))


def catch_up(organization_id: UUID, most: int = MOST_BATCHES) -> int:
    """Each batch is a transaction of its own, so that nobody waits long and nothing done is lost."""
    prepared = 0
    for _ in range(most):
        with organization_scope(organization_id):
            if not mark_outdated():  # the rules of redaction may have changed
                break
    for _ in range(most):
        with organization_scope(organization_id):
            batch = prepare_waiting()
        prepared += batch
        if batch < BATCH:
            break
    return prepared
