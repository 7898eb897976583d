"""Rounds, thresholds, order, automatic approval: what a queue's rules do to its items."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from annotation.models import AnnotationQueue, Slot, SlotKind, SlotStatus
from annotation.ordering import Urgency, tiebreak_of, uncertainty_of, urgency_of, with_disagreement
from annotation.services.claims import claim_next
from annotation.services.filling import fill_queue
from annotation.services.opinions import Opinion
from annotation.services.queues import change_queue, create_queue
from annotation.services.submissions import submit_annotation
from learning.models import Agent, AgentFeedback, LearningExample, ReviewStatus
from organizations.models import AuditEvent
from tests import factories


def decide(queue: AnnotationQueue, decision: str, **values: Any) -> Slot:
    person = factories.make_user(queue.organization, "expert")
    slot = claim_next(expert=person, queue=queue)
    assert slot is not None and slot.lease_token is not None
    submit_annotation(
        expert=person, slot_id=slot.pk, lease_token=slot.lease_token, opinion=Opinion(decision=decision, **values)
    )
    return slot


def test_disagreement_beyond_the_threshold_adds_reviewers_and_then_asks_an_adjudicator(
    agent: Agent, queue: AnnotationQueue
) -> None:
    queue = change_queue(queue=queue, reviews_per_item=3, max_reviews=4, disagreement_threshold=0.3)
    example = factories.make_example(agent)
    for decision in ("approve", "approve", "reject"):
        decide(queue, decision)
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.IN_REVIEW  # a third disagrees: more than 0.3
    added = Slot.objects.get(status=SlotStatus.OPEN)
    assert added.number == 4 and urgency_of(added.tiebreak).disagreement == pytest.approx(1 / 3, abs=0.001)
    decide(queue, "reject")
    assert Slot.objects.get(status=SlotStatus.OPEN).kind == SlotKind.ADJUDICATION
    assert claim_next(expert=factories.make_user(queue.organization, "expert"), queue=queue) is None
    assert AuditEvent.objects.filter(action="learningexample.disputed").count() == 1


def test_a_rejected_example_goes_back_for_revision_where_the_queue_says_so_and_comes_round_again(
    agent: Agent, queue: AnnotationQueue, expert: Any
) -> None:
    queue = change_queue(queue=queue, on_reject="revision")
    example = factories.make_example(agent)
    decide(queue, "reject")
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.NEEDS_REVISION
    revisions = create_queue(name="Revisions", statuses=["needs_revision"])
    slot = claim_next(expert=expert, queue=revisions)
    assert slot is not None and (slot.example, slot.round) == (example, 2)
    assert slot.lease_token is not None
    done = submit_annotation(
        expert=expert, slot_id=slot.pk, lease_token=slot.lease_token,
        opinion=Opinion(decision="approve", corrected_output="better"),
    )  # fmt: skip
    example.refresh_from_db()
    assert done.conflict == "" and done.annotation.round == 2
    assert (example.review_status, example.expected_output) == (ReviewStatus.APPROVED, "better")


def test_severe_complaints_come_first_then_what_the_predictor_cannot_tell(agent: Agent, queue: AnnotationQueue) -> None:
    made = {}
    for name, issues, predicted in (
        ("sure", [], 0.95), ("unsure", [], 0.5), ("tone", ["tone"], 0.95), ("unsafe", ["tone", "unsafe"], 0.95)
    ):  # fmt: skip
        said = AgentFeedback.objects.create(agent=agent, feedback_type="report_issue", issue_categories=issues)
        made[name] = factories.make_example(agent, source_feedback=said, predicted_quality=predicted)
    order = []
    for _ in made:
        slot = claim_next(expert=factories.make_user(queue.organization, "expert"), queue=queue)
        assert slot is not None
        order.append(next(name for name, example in made.items() if example == slot.example))
    assert order == ["unsafe", "tone", "unsure", "sure"]


def test_urgency_survives_its_number() -> None:
    urgency = Urgency(3, 0.4, 0.25)
    assert urgency_of(tiebreak_of(urgency)) == pytest.approx(urgency, abs=0.001)
    assert tiebreak_of(Urgency(2, 0, 0)) < tiebreak_of(Urgency(1, 1, 1)) < tiebreak_of(Urgency(1, 0, 1))
    assert urgency_of(with_disagreement(tiebreak_of(urgency), 1)).disagreement == 1
    assert (uncertainty_of(None), uncertainty_of(0.5), uncertainty_of(1)) == (1, 1, 0)


def test_what_is_surely_good_is_approved_only_where_the_queue_allows_it(agent: Agent, queue: AnnotationQueue) -> None:
    sure, doubtful = (factories.make_example(agent, predicted_quality=quality) for quality in (0.97, 0.9))
    fill_queue(queue=queue)
    assert set(LearningExample.objects.values_list("review_status", flat=True)) == {ReviewStatus.PENDING}
    known = Slot.objects.get(example=sure)
    known.pk, known.kind = uuid4(), SlotKind.GOLD
    known.save(force_insert=True)
    queue = change_queue(queue=queue, auto_approve=True, audit_share=0)
    fill_queue(queue=queue)
    sure.refresh_from_db()
    doubtful.refresh_from_db()
    assert (sure.review_status, doubtful.review_status) == (ReviewStatus.APPROVED, ReviewStatus.PENDING)
    assert sure.quality_score is None
    event = AuditEvent.objects.get(action="example.auto_approved")
    assert event.after["predicted_quality"] == 0.97 and event.target_id == str(sure.pk)
    assert Slot.objects.get(example=sure, kind=SlotKind.REVIEW).status == SlotStatus.CANCELLED
    known.refresh_from_db()
    assert known.status == SlotStatus.OPEN  # an answer that is known tells of the expert, not of the example


def test_a_share_of_what_is_surely_good_still_goes_to_people(agent: Agent, queue: AnnotationQueue) -> None:
    for _ in range(150):
        factories.make_example(agent, predicted_quality=0.99)
    queue = change_queue(queue=queue, auto_approve=True, audit_share=0.3)
    for _ in range(3):
        fill_queue(queue=queue)
    left = LearningExample.objects.filter(review_status=ReviewStatus.PENDING).count()
    assert 20 <= left <= 75
    assert Slot.objects.filter(status=SlotStatus.OPEN).count() == left


def test_an_item_that_a_person_holds_is_not_approved_behind_their_back(
    agent: Agent, queue: AnnotationQueue, expert: Any
) -> None:
    example = factories.make_example(agent)
    assert claim_next(expert=expert, queue=queue) is not None
    LearningExample.objects.update(predicted_quality=1)
    fill_queue(queue=change_queue(queue=queue, auto_approve=True, audit_share=0))
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.PENDING
