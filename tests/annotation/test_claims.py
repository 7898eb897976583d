"""Who gets which item, in which order, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.models import AnnotationQueue, QueueSeat, Slot, SlotStatus
from annotation.services import claims
from annotation.services.claims import claim_next, claim_next_at, recall_skipped
from annotation.services.filling import fill_queue
from annotation.services.leases import extend_lease, release_item, skip_item
from annotation.services.opinions import Opinion
from annotation.services.queues import create_queue, default_queue
from annotation.services.seats import Paused
from annotation.services.submissions import submit_annotation
from learning.models import Agent, LearningExample, ReviewStatus
from organizations.errors import Conflict, Missing, Refused
from tests import factories
from tests.annotation.conftest import let_lease_run_out


def submit(expert: Any, slot: Slot, opinion: Opinion) -> Any:
    return submit_annotation(expert=expert, slot_id=slot.pk, lease_token=slot.lease_token, opinion=opinion)


def test_a_pending_example_is_claimed_with_a_lease_of_ten_minutes(agent: Agent, expert: Any) -> None:
    example = factories.make_example(agent)
    slot = claim_next(expert=expert)
    assert slot is not None and slot.example == example and slot.status == SlotStatus.CLAIMED
    assert slot.claimed_by == expert and slot.lease_token is not None and slot.lease_until is not None
    assert timedelta(minutes=9) < slot.lease_until - timezone.now() < timedelta(minutes=11)


def test_nothing_waits_in_an_empty_organization(scope: Any, expert: Any) -> None:
    assert claim_next(expert=expert) is None


def test_examples_that_are_decided_are_not_offered(agent: Agent, expert: Any) -> None:
    for status in (ReviewStatus.APPROVED, ReviewStatus.REJECTED, ReviewStatus.NEEDS_REVISION):
        factories.make_example(agent, review_status=status)
    assert claim_next(expert=expert) is None


def test_an_example_decided_elsewhere_after_its_slot_was_made_is_passed_over(
    agent: Agent, expert: Any, queue: AnnotationQueue
) -> None:
    decided, waiting = factories.make_example(agent), factories.make_example(agent)
    assert fill_queue(queue=queue) == 2
    LearningExample.objects.filter(pk=decided.pk).update(review_status=ReviewStatus.APPROVED)
    slot = claim_next(expert=expert)
    assert slot is not None and slot.example == waiting
    assert Slot.objects.get(example=decided).status == SlotStatus.CANCELLED


def test_the_configured_types_come_first_and_then_the_oldest(agent: Agent, queue: AnnotationQueue) -> None:
    kinds = ["demonstration", "positive", "negative", "edge_case", "correction", "correction"]
    made = [factories.make_example(agent, example_type=kind) for kind in kinds]
    order = []
    for _ in made:
        slot = claim_next(expert=factories.make_user(queue.organization, "expert"))
        assert slot is not None
        order.append(slot.example)
    assert order == [made[4], made[5], made[2], made[3], made[1], made[0]]


def test_two_experts_get_different_items(agent: Agent, expert: Any, second_expert: Any) -> None:
    factories.make_example(agent), factories.make_example(agent)
    one, two = claim_next(expert=expert), claim_next(expert=second_expert)
    assert one is not None and two is not None and one.pk != two.pk


def test_asking_again_gives_the_item_that_one_holds(agent: Agent, expert: Any) -> None:
    factories.make_example(agent), factories.make_example(agent)
    one, again = claim_next(expert=expert), claim_next(expert=expert)
    assert one is not None and again is not None
    assert (one.pk, one.lease_token) == (again.pk, again.lease_token)


def test_a_lease_that_ran_out_lets_another_expert_claim(agent: Agent, expert: Any, second_expert: Any) -> None:
    factories.make_example(agent)
    slot = claim_next(expert=expert)
    assert slot is not None and claim_next(expert=second_expert) is None
    let_lease_run_out(slot)
    taken = claim_next(expert=second_expert)
    assert taken is not None and taken.pk == slot.pk and taken.lease_token != slot.lease_token
    with pytest.raises(Conflict):
        extend_lease(expert=expert, slot_id=slot.pk, lease_token=slot.lease_token)


def test_a_heartbeat_holds_the_item_even_after_the_lease_ran_out_while_nobody_took_it(
    agent: Agent, expert: Any, second_expert: Any
) -> None:
    factories.make_example(agent)
    slot = claim_next(expert=expert)
    assert slot is not None
    let_lease_run_out(slot)
    assert extend_lease(expert=expert, slot_id=slot.pk, lease_token=slot.lease_token) > timezone.now()
    assert claim_next(expert=second_expert) is None


def test_another_persons_token_holds_nothing(agent: Agent, expert: Any, second_expert: Any) -> None:
    factories.make_example(agent)
    slot = claim_next(expert=expert)
    assert slot is not None
    for token, person in ((slot.lease_token, second_expert), (uuid4(), expert)):
        with pytest.raises(Conflict):
            extend_lease(expert=person, slot_id=slot.pk, lease_token=token)
        with pytest.raises(Conflict):
            release_item(expert=person, slot_id=slot.pk, lease_token=token)


def test_a_released_item_goes_to_the_next_who_asks(agent: Agent, expert: Any, second_expert: Any) -> None:
    factories.make_example(agent)
    slot = claim_next(expert=expert)
    assert slot is not None
    release_item(expert=expert, slot_id=slot.pk, lease_token=slot.lease_token)
    taken = claim_next(expert=second_expert)
    assert taken is not None and taken.pk == slot.pk


def test_a_skipped_item_is_offered_to_others_and_to_oneself_only_on_request(
    agent: Agent, expert: Any, second_expert: Any, queue: AnnotationQueue
) -> None:
    factories.make_example(agent)
    slot = claim_next(expert=expert)
    assert slot is not None
    skip_item(expert=expert, slot_id=slot.pk, lease_token=slot.lease_token)
    assert claim_next(expert=expert) is None
    other = claim_next(expert=second_expert)
    assert other is not None and other.pk == slot.pk
    release_item(expert=second_expert, slot_id=other.pk, lease_token=other.lease_token)
    assert recall_skipped(expert=expert, queue=queue) == 1
    assert claim_next(expert=expert) is not None


def test_what_one_has_reviewed_is_never_offered_again(
    agent: Agent, expert: Any, second_expert: Any, queue: AnnotationQueue, approval: Any
) -> None:
    AnnotationQueue.objects.filter(pk=queue.pk).update(reviews_per_item=2)
    example = factories.make_example(agent)
    slot = claim_next(expert=expert)
    assert slot is not None
    submit(expert, slot, approval())
    assert Slot.objects.filter(example=example, status=SlotStatus.OPEN).count() == 1
    assert claim_next(expert=expert) is None
    assert claim_next(expert=second_expert) is not None


def test_a_queue_holds_what_its_filters_let_in(agent: Agent, expert: Any) -> None:
    other = factories.make_agent(domain="law")
    for kind in ("correction", "positive"):
        factories.make_example(agent, domain="reviews", example_type=kind)
    wanted = factories.make_example(other, domain="law")
    by_agent = create_queue(name="law", agent=other)
    by_domain = create_queue(name="by domain", domain="law")
    by_type = create_queue(name="by type", example_types=["positive"])
    assert [fill_queue(queue=queue) for queue in (by_agent, by_domain, by_type)] == [1, 0, 1]  # an item is in one queue
    slot = claim_next(expert=expert, queue=by_agent)
    assert slot is not None and slot.example == wanted


def test_an_example_goes_to_the_active_queue_with_the_most_filters(agent: Agent, queue: AnnotationQueue) -> None:
    law = create_queue(name="law", domain="law")
    create_queue(name="hard law", domain="law", example_types=["edge_case"])
    for domain, kind in (("law", "correction"), ("law", "edge_case"), ("art", "edge_case")):
        factories.make_example(agent, domain=domain, example_type=kind)
    assert fill_queue(queue=queue) == 1
    assert fill_queue(queue=law) == 1
    AnnotationQueue.objects.exclude(pk=queue.pk).update(active=False)
    assert fill_queue(queue=queue) == 1  # the edge case of law: its queue is paused


def test_filling_looks_only_at_what_is_new_unless_told_otherwise(agent: Agent, queue: AnnotationQueue) -> None:
    old = factories.make_example(agent)
    LearningExample.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=1))
    AnnotationQueue.objects.filter(pk=queue.pk).update(filled_to=timezone.now())
    queue.refresh_from_db()
    assert fill_queue(queue=queue) == 0
    assert fill_queue(queue=queue, whole=True) == 1
    factories.make_example(agent)
    assert fill_queue(queue=queue) == 1
    assert fill_queue(queue=queue) == 0


def test_claiming_takes_the_same_number_of_queries_however_much_waits(
    agent: Agent, expert: Any, second_expert: Any
) -> None:
    def queries(person: Any) -> int:
        with CaptureQueriesContext(connection) as counted:
            assert claim_next(expert=person) is not None
        return len(counted)

    for _ in range(3):
        factories.make_example(agent)
    default_queue()
    claim_next(expert=factories.make_user(agent.organization, "expert"))
    few = queries(expert)
    for _ in range(30):
        factories.make_example(agent)
    assert queries(second_expert) == few


def test_a_queue_is_refused_what_it_cannot_do(scope: Any) -> None:
    with pytest.raises(Refused, match="example type"):
        create_queue(name="a", example_types=["rumour"])
    with pytest.raises(Refused, match="stage"):
        create_queue(name="a", stages=["check", "check"])
    with pytest.raises(Refused, match="1 to 20"):
        create_queue(name="a", reviews_per_item=0)
    create_queue(name="a")
    with pytest.raises(Conflict, match="already"):
        create_queue(name="a")


def test_an_item_of_a_queue_known_by_its_id_is_claimed_in_few_statements(
    agent: Agent, expert: Any, queue: AnnotationQueue
) -> None:
    for _ in range(2):
        factories.make_example(agent)
    fill_queue(queue=queue)
    first = claim_next_at(expert=expert, queue_id=queue.pk)  # takes a seat
    assert first is not None
    release_item(expert=expert, slot_id=first.pk, lease_token=first.lease_token)
    with CaptureQueriesContext(connection) as captured:
        again = claim_next_at(expert=expert, queue_id=queue.pk)
    assert again is not None and again.queue == queue
    assert len(captured) == 2, "the seat with its queue, and the claim"


def test_a_queue_that_is_not_there_and_one_of_others_are_refused(scope: Any, expert: Any) -> None:
    with pytest.raises(Missing):
        claim_next_at(expert=expert, queue_id=uuid4())
    others = create_queue(name="Others'", experts=[str(uuid4())])
    for _ in range(2):  # without a seat and with one
        with pytest.raises(PermissionDenied):
            claim_next_at(expert=expert, queue_id=others.pk)
        QueueSeat.objects.get_or_create(queue=others, expert=expert)


def test_whether_somebody_may_work_at_a_queue_is_asked_once_and_before_anything_else(
    scope: Any, expert: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = create_queue(name="Others'", experts=[str(uuid4())])
    asked: list[Any] = []
    real = claims.may_work_at

    def counted(queue: AnnotationQueue, person: Any) -> bool:
        asked.append(person)
        return real(queue, person)

    monkeypatch.setattr(claims, "may_work_at", counted)
    with pytest.raises(PermissionDenied):
        claim_next(expert=expert, queue=others)
    assert not QueueSeat.objects.exists(), "who may not work there takes no seat"
    QueueSeat.objects.create(queue=others, expert=expert, paused_at=timezone.now(), paused_because="Look again.")
    for claim in (
        lambda: claim_next(expert=expert, queue=others), lambda: claim_next_at(expert=expert, queue_id=others.pk),
    ):  # fmt: skip
        with pytest.raises(PermissionDenied):
            claim()
    AnnotationQueue.objects.filter(pk=others.pk).update(experts=[])
    others.refresh_from_db()
    asked.clear()
    with pytest.raises(Paused, match="Look again"):
        claim_next_at(expert=expert, queue_id=others.pk)
    with pytest.raises(Paused, match="Look again"):
        claim_next(expert=expert, queue=others)
    assert len(asked) == 2
