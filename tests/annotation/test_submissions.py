"""What a review does to its example, and what never gets lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotation.models import AnnotationDraft, AnnotationQueue, ExpertAnnotation, Slot, SlotStatus
from annotation.services import stages
from annotation.services.claims import claim_next
from annotation.services.drafts import find_draft, save_draft
from annotation.services.filling import fill_queue
from annotation.services.flags import flag_item
from annotation.services.lineage import annotations_of, history_of
from annotation.services.opinions import Opinion
from annotation.services.overview import annotated_today, expert_throughput, pending_annotations
from annotation.services.records import record_annotation
from annotation.services.submissions import (
    Submission,
    last_undoable,
    submit_annotation,
    undo_submission,
)
from annotation.services.waiting import count_for
from learning.models import Agent, LearningExample, ReviewStatus
from organizations.errors import Conflict, Missing, Refused
from organizations.models import AuditEvent
from tests import factories
from tests.annotation.conftest import let_lease_run_out


def claim(expert: Any) -> Slot:
    slot = claim_next(expert=expert)
    assert slot is not None
    return slot


def submit(expert: Any, slot: Slot, opinion: Opinion) -> Submission:
    assert slot.lease_token is not None
    return submit_annotation(expert=expert, slot_id=slot.pk, lease_token=slot.lease_token, opinion=opinion)


def test_an_approval_approves_the_example_with_its_quality(agent: Agent, expert: Any, approval: Any) -> None:
    example = factories.make_example(agent)
    done = submit(expert, claim(expert), approval(seconds_spent=42))
    assert done.conflict == "" and done.annotation.seconds_spent == 42
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.APPROVED
    assert example.quality_score == pytest.approx(0.85)  # the mean of 0.9, 0.8, 1.0 and 0.7
    assert example.expected_output == "positive"
    assert Slot.objects.get().status == SlotStatus.DONE
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"annotation.submitted", "learningexample.approved"} <= actions


def test_the_experts_correction_becomes_the_expected_output(agent: Agent, expert: Any, approval: Any) -> None:
    example = factories.make_example(agent)
    done = submit(expert, claim(expert), approval(corrected_output="very positive"))
    example.refresh_from_db()
    assert example.expected_output == "very positive" and example.original_output == "neutral"
    assert done.annotation.annotation_type == "correction"


def test_approving_an_answer_that_nobody_corrected_says_that_it_was_right(
    agent: Agent, expert: Any, approval: Any
) -> None:
    example = factories.make_example(agent, example_type="positive", expected_output="")
    submit(expert, claim(expert), approval())
    example.refresh_from_db()
    assert example.expected_output == "neutral"


def test_an_approval_without_any_right_output_is_refused_and_the_item_stays_claimed(
    agent: Agent, expert: Any, approval: Any
) -> None:
    factories.make_example(agent, original_output="", expected_output="")
    slot = claim(expert)
    with pytest.raises(Refused) as refused:
        submit(expert, slot, approval())
    assert refused.value.field == "corrected_output"
    assert ExpertAnnotation.objects.count() == 0 and claim(expert).lease_token == slot.lease_token
    assert submit(expert, slot, approval(corrected_output="right")).conflict == ""


@pytest.mark.parametrize(
    ("decision", "status"), [("reject", ReviewStatus.REJECTED), ("request_changes", ReviewStatus.NEEDS_REVISION)]
)
def test_the_other_verdicts_reach_the_example_too(agent: Agent, expert: Any, decision: str, status: str) -> None:
    example = factories.make_example(agent)
    submit(expert, claim(expert), Opinion(decision=decision, notes="why"))
    example.refresh_from_db()
    assert example.review_status == status and example.quality_score is None


def test_the_annotation_and_the_verdict_are_one_transaction(agent: Agent, expert: Any, approval: Any) -> None:
    example = factories.make_example(agent)
    slot = claim(expert)
    with (
        patch.object(stages.examples, "approve_example", side_effect=RuntimeError("planted")),
        pytest.raises(RuntimeError),
    ):
        submit(expert, slot, approval())
    example.refresh_from_db()
    slot.refresh_from_db()
    assert ExpertAnnotation.objects.count() == 0
    assert (example.review_status, slot.status) == (ReviewStatus.PENDING, SlotStatus.CLAIMED)


def test_a_review_that_comes_after_the_item_went_to_somebody_else_is_kept_and_does_not_decide(
    agent: Agent, expert: Any, second_expert: Any, approval: Any
) -> None:
    example = factories.make_example(agent)
    slot = claim(expert)
    let_lease_run_out(slot)
    taken = claim(second_expert)
    late = submit(expert, slot, approval(corrected_output="my long text"))
    assert "somebody else" in late.conflict and late.annotation.extra
    assert ExpertAnnotation.objects.get().corrected_output == "my long text"
    draft = find_draft(expert=expert, example_id=example.pk)
    assert draft is not None and draft.content["corrected_output"] == "my long text"
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.PENDING
    assert submit(second_expert, taken, Opinion(decision="reject")).conflict == ""
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.REJECTED


def test_a_lease_that_ran_out_does_no_harm_while_nobody_took_the_item(agent: Agent, expert: Any, approval: Any) -> None:
    example = factories.make_example(agent)
    slot = claim(expert)
    let_lease_run_out(slot)
    assert submit(expert, slot, approval()).conflict == ""
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.APPROVED


def test_an_item_that_comes_back_after_a_late_review_can_be_reviewed_and_replaces_the_extra_opinion(
    agent: Agent, expert: Any, second_expert: Any, approval: Any
) -> None:
    factories.make_example(agent)
    slot = claim(expert)
    let_lease_run_out(slot)
    taken = claim(second_expert)
    late = submit(expert, slot, approval(notes="first"))
    let_lease_run_out(taken)
    again = submit(expert, claim(expert), approval(notes="second"))
    late.annotation.refresh_from_db()
    assert not again.annotation.extra and late.annotation.superseded_by == again.annotation
    assert late.annotation.notes == "first"


def test_a_review_of_an_example_that_was_decided_elsewhere_is_kept(agent: Agent, expert: Any, approval: Any) -> None:
    example = factories.make_example(agent)
    slot = claim(expert)
    LearningExample.objects.filter(pk=example.pk).update(review_status=ReviewStatus.REJECTED)
    done = submit(expert, slot, approval())
    assert "decided elsewhere" in done.conflict and done.annotation.extra
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.REJECTED


def test_the_same_review_handed_in_again_is_one_review(agent: Agent, expert: Any, approval: Any) -> None:
    factories.make_example(agent)
    slot = claim(expert)
    first, second = submit(expert, slot, approval()), submit(expert, slot, approval())
    assert first.annotation == second.annotation and second.conflict == ""
    assert ExpertAnnotation.objects.count() == 1


def test_another_text_for_a_finished_item_is_kept_beside_the_first(agent: Agent, expert: Any, approval: Any) -> None:
    factories.make_example(agent)
    slot = claim(expert)
    submit(expert, slot, approval())
    second = submit(expert, slot, approval(notes="from my other tab"))
    assert second.conflict and ExpertAnnotation.objects.filter(extra=True).get().notes == "from my other tab"


def test_an_unknown_slot_is_missing(scope: Any, expert: Any, approval: Any) -> None:
    with pytest.raises(Missing):
        submit_annotation(expert=expert, slot_id=uuid4(), lease_token=uuid4(), opinion=approval())


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"decision": "maybe"}, "decision"),
        ({"clarity": 1.01}, "clarity"),
        ({"technical_accuracy": -0.1}, "technical_accuracy"),
        ({"completeness": float("nan")}, "completeness"),
        ({"confidence": 2}, "confidence"),
        ({"notes": "x" * 100_001}, "notes"),
        ({"seconds_spent": -1}, "seconds_spent"),
        ({"annotation_type": "rumour"}, "annotation_type"),
        ({"categories": {"tone": {"score": 11}}}, "categories.tone"),
        ({"categories": {"tone": {"score": 5, "issues": "dull"}}}, "categories.tone"),
        ({"categories": {"tone": 5}}, "categories.tone"),
    ],
)
def test_an_impossible_opinion_is_refused_with_its_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        Opinion(**{"decision": "approve"} | values)
    assert refused.value.field == field


def test_the_database_refuses_a_second_deciding_review_by_the_same_person(
    agent: Agent, expert: Any, approval: Any
) -> None:
    example = factories.make_example(agent)
    submit(expert, claim(expert), approval())
    with pytest.raises(IntegrityError), transaction.atomic():
        ExpertAnnotation.objects.create(example=example, expert=expert, decision="reject")


def test_a_draft_survives_a_lost_lease_and_goes_with_the_submission(
    agent: Agent, expert: Any, second_expert: Any, approval: Any
) -> None:
    example = factories.make_example(agent)
    slot = claim(expert)
    save_draft(expert=expert, example_id=example.pk, content={"notes": "half a thought"})
    let_lease_run_out(slot)
    taken = claim(second_expert)
    draft = find_draft(expert=expert, example_id=example.pk)
    assert draft is not None and draft.content == {"notes": "half a thought"}
    assert find_draft(expert=second_expert, example_id=example.pk) is None
    let_lease_run_out(taken)
    submit(expert, claim(expert), approval())
    assert AnnotationDraft.objects.count() == 0


def test_the_majority_of_several_reviews_decides(agent: Agent, queue: AnnotationQueue, approval: Any) -> None:
    AnnotationQueue.objects.filter(pk=queue.pk).update(reviews_per_item=3)
    example = factories.make_example(agent)
    for decision in ("approve", "reject", "approve"):
        example.refresh_from_db()
        assert example.review_status in (ReviewStatus.PENDING, ReviewStatus.IN_REVIEW)
        person = factories.make_user(queue.organization, "expert")
        submit(person, claim(person), approval(decision=decision))
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.APPROVED


@pytest.mark.parametrize(
    ("wanted", "decisions", "status"),
    [
        (2, ["approve", "reject", "reject"], ReviewStatus.REJECTED),
        (2, ["approve", "reject", "request_changes", "approve"], ReviewStatus.APPROVED),
    ],
)
def test_a_tie_calls_for_up_to_two_more_reviewers(
    agent: Agent, queue: AnnotationQueue, approval: Any, wanted: int, decisions: list[str], status: str
) -> None:
    AnnotationQueue.objects.filter(pk=queue.pk).update(reviews_per_item=wanted)
    example = factories.make_example(agent)
    for decision in decisions:
        person = factories.make_user(queue.organization, "expert")
        submit(person, claim(person), approval(decision=decision))
    example.refresh_from_db()
    assert example.review_status == status
    assert claim_next(expert=factories.make_user(queue.organization, "expert")) is None


def test_the_next_stage_opens_when_the_one_before_approved_and_sees_its_correction(
    agent: Agent, queue: AnnotationQueue, expert: Any, second_expert: Any, approval: Any
) -> None:
    AnnotationQueue.objects.filter(pk=queue.pk).update(stages=["quality_check", "final_approval"])
    example = factories.make_example(agent)
    submit(expert, claim(expert), approval(corrected_output="better"))
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.IN_REVIEW
    assert claim_next(expert=expert) is None
    last = claim(second_expert)
    assert last.stage == "final_approval"
    assert stages.proposed_output(last.example, before_stage=last.stage) == "better"
    submit(second_expert, last, approval())
    example.refresh_from_db()
    assert (example.review_status, example.expected_output) == (ReviewStatus.APPROVED, "better")


def test_a_rejection_ends_the_way_through_the_stages(
    agent: Agent, queue: AnnotationQueue, expert: Any, approval: Any
) -> None:
    AnnotationQueue.objects.filter(pk=queue.pk).update(stages=["quality_check", "final_approval"])
    example = factories.make_example(agent)
    submit(expert, claim(expert), approval(decision="reject"))
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.REJECTED
    assert not Slot.objects.exclude(status=SlotStatus.DONE).exists()


def test_a_review_taken_back_stays_in_the_history_and_comes_back_as_a_draft(
    agent: Agent, expert: Any, approval: Any
) -> None:
    example = factories.make_example(agent)
    first = submit(expert, claim(expert), approval(corrected_output="hasty")).annotation
    assert last_undoable(expert=expert) == first
    slot = undo_submission(expert=expert, annotation_id=first.pk)
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.IN_REVIEW and slot.pk == claim(expert).pk
    draft = find_draft(expert=expert, example_id=example.pk)
    assert draft is not None and draft.content["corrected_output"] == "hasty"
    second = submit(expert, claim(expert), Opinion(decision="reject")).annotation
    example.refresh_from_db()
    first.refresh_from_db()
    assert example.review_status == ReviewStatus.REJECTED
    assert first.superseded_by == second and first.corrected_output == "hasty" and first.decision == "approve"
    assert [row.pk for row in history_of(example.pk)] == [first.pk, second.pk]
    assert annotations_of([example.pk]) == {example.pk: [second]}


def test_taking_back_gives_up_the_item_that_followed(agent: Agent, expert: Any, approval: Any) -> None:
    factories.make_example(agent), factories.make_example(agent)
    first = submit(expert, claim(expert), approval()).annotation
    following = claim(expert)
    undo_submission(expert=expert, annotation_id=first.pk)
    following.refresh_from_db()
    assert following.status == SlotStatus.OPEN and claim(expert).example_id == first.example_id


def test_a_review_can_be_taken_back_for_ten_minutes_and_by_its_author_alone(
    agent: Agent, expert: Any, second_expert: Any, approval: Any
) -> None:
    factories.make_example(agent)
    done = submit(expert, claim(expert), approval()).annotation
    with pytest.raises(Missing):
        undo_submission(expert=second_expert, annotation_id=done.pk)
    ExpertAnnotation.objects.update(created_at=timezone.now() - timedelta(minutes=11))
    with pytest.raises(Conflict, match="10 minutes"):
        undo_submission(expert=expert, annotation_id=done.pk)
    assert last_undoable(expert=expert) is None


def test_a_review_that_others_have_built_on_cannot_be_taken_back(
    agent: Agent, queue: AnnotationQueue, expert: Any, second_expert: Any, approval: Any
) -> None:
    AnnotationQueue.objects.filter(pk=queue.pk).update(stages=["quality_check", "final_approval"])
    factories.make_example(agent)
    done = submit(expert, claim(expert), approval()).annotation
    claim(second_expert)
    with pytest.raises(Conflict, match="gone on"):
        undo_submission(expert=expert, annotation_id=done.pk)


def test_reviews_made_elsewhere_are_recorded_and_their_majority_decides(
    agent: Agent, queue: AnnotationQueue, approval: Any
) -> None:
    example = factories.make_example(agent)
    statuses = []
    for decision in ("approve", "reject", "reject"):
        person = factories.make_user(queue.organization, "expert")
        record_annotation(expert=person, example=example, opinion=Opinion(decision=decision))
        example.refresh_from_db()
        statuses.append(example.review_status)
    assert statuses == [ReviewStatus.APPROVED, ReviewStatus.IN_REVIEW, ReviewStatus.REJECTED]


@pytest.mark.parametrize("seen_by_the_queue", [False, True])
def test_two_reviewers_who_disagree_elsewhere_leave_the_verdict_to_a_third_at_the_desk(
    agent: Agent, queue: AnnotationQueue, expert: Any, approval: Any, seen_by_the_queue: bool
) -> None:
    example = factories.make_example(agent)
    if seen_by_the_queue:
        fill_queue(queue=queue)
    for decision in ("approve", "reject"):
        person = factories.make_user(queue.organization, "expert")
        record_annotation(expert=person, example=example, opinion=Opinion(decision=decision))
    assert pending_annotations() == count_for(expert=expert, queue=queue) == 1
    submit(expert, claim(expert), approval())
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.APPROVED
    assert pending_annotations() == count_for(expert=expert, queue=queue) == 0


def test_what_is_set_aside_does_not_wait_for_a_reviewer(agent: Agent, queue: AnnotationQueue, expert: Any) -> None:
    for _ in range(2):
        factories.make_example(agent)
    slot = claim(expert)
    assert pending_annotations() == 2
    flag_item(expert=expert, slot_id=slot.pk, lease_token=slot.lease_token, reason="unclear")
    assert pending_annotations() == count_for(expert=expert, queue=queue) == 1


def test_recording_a_review_ends_the_claims_on_its_example_and_keeps_their_text(
    agent: Agent, expert: Any, second_expert: Any, approval: Any
) -> None:
    example = factories.make_example(agent)
    slot = claim(expert)
    record_annotation(expert=second_expert, example=example, opinion=approval())
    done = submit(expert, slot, approval(notes="mine"))
    assert done.conflict and ExpertAnnotation.objects.get(extra=True).notes == "mine"


def test_recording_again_for_the_same_expert_makes_a_new_version(agent: Agent, expert: Any, approval: Any) -> None:
    example = factories.make_example(agent)
    first = record_annotation(expert=expert, example=example, opinion=approval())
    second = record_annotation(expert=expert, example=example, opinion=Opinion(decision="reject"))
    first.refresh_from_db()
    example.refresh_from_db()
    assert first.superseded_by == second and example.review_status == ReviewStatus.REJECTED


def test_the_dashboard_counts_what_waits_and_who_did_how_much(
    agent: Agent, expert: Any, second_expert: Any, approval: Any
) -> None:
    for _ in range(4):
        factories.make_example(agent)
    for decision in ("approve", "reject"):
        submit(expert, claim(expert), approval(decision=decision, seconds_spent=30))
    submit(second_expert, claim(second_expert), approval())
    assert pending_annotations() == 1
    assert (annotated_today(), annotated_today(expert=expert)) == (3, 2)
    busiest, other = expert_throughput()
    assert (busiest.username, busiest.reviews, busiest.approval_rate) == (expert.username, 2, 0.5)
    assert busiest.seconds == 30 and other.seconds is None
