"""What the review desk does without being asked."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from annotation.models import AnnotationQueue, QueueSeat, Slot
from annotation.services.claims import claim_next
from annotation.services.opinions import Opinion
from annotation.services.queues import create_queue, default_queue
from annotation.services.submissions import submit_annotation
from annotation.tasks import estimate_all, fill_queues
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories


@pytest.mark.django_db(transaction=True)
def test_new_examples_get_their_slots_and_experts_their_estimates_in_every_organization() -> None:
    organizations: list[Any] = [factories.make_organization(), factories.make_organization()]
    for organization in organizations:
        with organization_scope(organization.id):
            default_queue()
            factories.make_example(factories.make_agent())
    fill_queues()
    for organization in organizations:
        assert review_one(organization)
    estimate_all()
    for organization in organizations:
        with organization_scope(organization.id):
            seat = QueueSeat.objects.get()
            assert seat.reliability is not None and seat.estimated_at is not None


def review_one(organization: Organization) -> bool:
    person = factories.make_user(organization, "expert")
    with organization_scope(organization.id):
        assert Slot.objects.count() == 1
        slot = claim_next(expert=person)
        assert slot is not None and slot.lease_token is not None
        return not submit_annotation(
            expert=person, slot_id=slot.pk, lease_token=slot.lease_token, opinion=Opinion(decision="approve")
        ).conflict


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("task", "step"), [(fill_queues, "reorder_queue"), (fill_queues, "fill_queue"), (estimate_all, "keep_estimate")]
)
def test_a_queue_that_fails_is_named_in_the_log_and_the_next_has_its_turn(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, task: Any, step: str
) -> None:
    organization = factories.make_organization()
    with organization_scope(organization.id):
        first = default_queue()
        second = create_queue(name="The next one")
    assert first is not None
    visited = []

    def trouble(*, queue: AnnotationQueue, **_: Any) -> int:
        visited.append(queue.pk)
        if queue.pk == first.pk:
            raise RuntimeError("trouble")
        return 0

    monkeypatch.setattr(f"annotation.tasks.{step}", trouble)
    task()
    assert visited == [first.pk, second.pk]
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert f"organization {organization.pk}, queue {first.pk}" in record.getMessage() and record.exc_info


def test_they_are_in_the_schedule() -> None:
    planned = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {"annotation.fill_queues", "annotation.estimate_reliability"} <= planned
