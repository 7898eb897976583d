"""The pages around the desk: queues, rubrics, disputes, flags, agreement, plans, one's own reviews."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from annotation.intervals import share_of
from annotation.models import AnnotationQueue, ExpertAnnotation, GoldItem, QueueSeat, Rubric, Slot, SlotKind
from annotation.services.claims import claim_next
from annotation.services.flags import flag_item
from annotation.services.gold import pause_expert
from annotation.services.opinions import Opinion
from annotation.services.queues import change_queue
from annotation.services.seats import take_seat
from annotation.services.submissions import submit_annotation
from learning.models import Agent, LearningExample, ReviewStatus
from tests import factories

BASE = "/admin/learning/annotation/"
RULES: dict[str, Any] = {
    "name": "Law", "domain": "law", "statuses": ["pending"], "reviews_per_item": "2", "disagreement_threshold": "0.4",
    "stages": "quality_check\r\n\r\nfinal_approval", "on_reject": "out", "skip_policy": "reason", "gold_share": "0.1",
    "gold_bar": "0.8", "gold_minimum": "5", "audit_share": "0.1", "active": "on", "blind": "on",
}  # fmt: skip
QUESTION = {
    "form-0-label": "Is it polite?", "form-0-kind": "yes_no", "form-0-required": "on",
    "form-1-label": "Tone", "form-1-kind": "choice", "form-1-options": "warm; cold",
    "form-2-label": "Risk", "form-2-kind": "scale", "form-2-options": "1-7",
    "form-TOTAL_FORMS": "3", "form-INITIAL_FORMS": "0",
}  # fmt: skip
REVIEW = {"action": "approve", "corrected_output": "settled", "is_training_data": "on"}


@pytest.fixture
def dispute(agent: Agent, queue: AnnotationQueue, scope: Any) -> Slot:
    """Two experts who disagree about an example, where no third is asked."""
    queue = change_queue(queue=queue, reviews_per_item=2, max_reviews=2, disagreement_threshold=0.2)
    factories.make_example(agent, original_output="old text", expected_output="new text")
    for decision, notes in (("approve", "I like it"), ("reject", "<b>never</b>")):
        person = factories.make_user(scope, "expert")
        slot = claim_next(expert=person, queue=queue)
        assert slot is not None and slot.lease_token is not None
        opinion = Opinion(decision=decision, notes=notes, clarity=0.25)
        submit_annotation(expert=person, slot_id=slot.pk, lease_token=slot.lease_token, opinion=opinion)
    return Slot.objects.get(kind=SlotKind.ADJUDICATION)


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return answer.content.decode()


def test_a_manager_makes_a_queue_and_changes_its_rules(scope: Any, sign_in: Callable[..., Any]) -> None:
    manager = sign_in("manager")
    assert manager.post(f"{BASE}queues/new/", RULES)["Location"] == f"{BASE}queues/"
    queue = AnnotationQueue.objects.get(name="Law")
    assert (queue.stages, queue.reviews_per_item, queue.gold_share) == (["quality_check", "final_approval"], 2, 0.1)
    assert (queue.skip_policy, queue.blind, queue.statuses, queue.max_reviews) == ("reason", True, ["pending"], None)
    page = text_of(manager.get(f"{BASE}queues/{queue.pk}/"))
    assert 'value="Law"' in page and "final_approval" in page
    changed = RULES | {"experts": [str(manager.user.pk)], "blind": "", "max_reviews": "3", "auto_approve": "on"}
    assert manager.post(f"{BASE}queues/{queue.pk}/", changed).status_code == 302
    queue.refresh_from_db()
    assert (queue.experts, queue.blind, queue.max_reviews, queue.auto_approve) == ([manager.user.pk], False, 3, True)
    assert "Law" in text_of(manager.get(f"{BASE}queues/"))


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("reviews_per_item", "0", "greater than or equal to 1"),
        ("disagreement_threshold", "1.5", "less than or equal to 1"),
        ("gold_share", "0.9", "less than or equal to 0.5"),
        ("stages", " ", "required"),
        ("stages", "one\none", "each once"),
        ("max_reviews", "1", "cannot be fewer"),
        ("experts", "01a1fc82-37da-7159-b74f-6823bb618808", "not one of the available choices"),
    ],
)
def test_an_impossible_rule_is_told_beside_what_was_typed(
    scope: Any, sign_in: Callable[..., Any], field: str, value: str, told: str
) -> None:
    page = text_of(sign_in("manager").post(f"{BASE}queues/new/", RULES | {field: value}))
    assert told in page and "Nothing was changed" in page and 'value="Law"' in page
    assert not AnnotationQueue.objects.filter(name="Law").exists()


def test_a_rubric_is_changed_in_place_until_a_review_has_answered_it(
    agent: Agent, queue: AnnotationQueue, expert: Any, sign_in: Callable[..., Any]
) -> None:
    manager = sign_in("manager")
    assert manager.post(f"{BASE}rubrics/new/", QUESTION | {"name": "Letters"}).status_code == 302
    rubric = Rubric.objects.get()
    assert [(q["key"], q["kind"]) for q in rubric.questions] == [
        ("is_it_polite", "yes_no"), ("tone", "choice"), ("risk", "scale"),
    ]  # fmt: skip
    assert rubric.questions[1]["options"] == ["warm", "cold"] and rubric.questions[2]["highest"] == 7
    page = f"{BASE}rubrics/{rubric.pk}/"
    assert "can still be changed" in text_of(manager.get(page))
    again = QUESTION | {"form-0-key": "is_it_polite", "form-0-ORDER": "9", "form-1-ORDER": "2", "form-2-DELETE": "on"}
    manager.post(page, again)
    rubric.refresh_from_db()
    assert [q["key"] for q in rubric.questions] == ["tone", "is_it_polite"] and rubric.version == 1
    change_queue(queue=queue, rubric=rubric)
    factories.make_example(agent)
    slot = claim_next(expert=expert, queue=queue)
    assert slot is not None and slot.lease_token is not None
    said = Opinion(decision="approve", answers={"is_it_polite": True})
    submit_annotation(expert=expert, slot_id=slot.pk, lease_token=slot.lease_token, opinion=said)
    assert "saving makes version 2" in text_of(manager.get(page))
    manager.post(page, QUESTION)
    queue.refresh_from_db()
    assert queue.rubric is not None and queue.rubric.version == 2
    assert [q["key"] for q in Rubric.objects.get(version=1).questions] == ["tone", "is_it_polite"]


def test_an_impossible_question_is_told(scope: Any, sign_in: Callable[..., Any]) -> None:
    manager = sign_in("manager")
    given = QUESTION | {"name": "Letters", "form-1-options": "alone"}
    assert "2 to 30 options" in text_of(manager.post(f"{BASE}rubrics/new/", given))
    assert "ends of the scale" in text_of(manager.post(f"{BASE}rubrics/new/", given | {"form-2-options": "high"}))
    assert not Rubric.objects.exists()


def test_a_dispute_shows_all_opinions_and_one_decision_ends_it(dispute: Slot, sign_in: Callable[..., Any]) -> None:
    manager = sign_in("manager")
    assert str(dispute.pk) in text_of(manager.get(f"{BASE}adjudication/"))
    address = f"{BASE}adjudication/{dispute.pk}/"
    page = text_of(manager.get(address))
    assert page.count('data-testid="opinion"') == 2
    for said in (
        "I like it",
        "&lt;b&gt;never&lt;/b&gt;",
        "Approved",
        "Rejected",
        "0.25",
        "<del>old</del><ins>new</ins>",
    ):
        assert said in page, said
    dispute.refresh_from_db()
    held = {"slot": str(dispute.pk), "lease_token": str(dispute.lease_token)}
    assert manager.post(address, REVIEW | held | {"clarity": "3"}).status_code == 422
    assert manager.post(address, REVIEW | held)["Location"] == f"{BASE}adjudication/"
    example = LearningExample.objects.get()
    assert (example.review_status, example.expected_output) == (ReviewStatus.APPROVED, "settled")
    page = text_of(manager.get(f"{BASE}adjudication/"))
    assert "Nothing to decide" in page and 'data-testid="annotation-submitted"' in page


def test_a_dispute_that_somebody_holds_is_not_given_to_a_second_manager(
    dispute: Slot, sign_in: Callable[..., Any]
) -> None:
    address = f"{BASE}adjudication/{dispute.pk}/"
    sign_in("manager").get(address)
    assert sign_in("manager").get(address)["Location"] == f"{BASE}adjudication/"


def test_a_flag_is_put_back_or_ends_the_example(agent: Agent, expert: Any, sign_in: Callable[..., Any]) -> None:
    manager = sign_in("manager")
    for outcome, status in (("dismissed", ReviewStatus.PENDING), ("removed", ReviewStatus.REJECTED)):
        example = factories.make_example(agent)
        slot = claim_next(expert=expert)
        assert slot is not None and slot.lease_token is not None
        flag = flag_item(
            expert=expert, slot_id=slot.pk, lease_token=slot.lease_token, reason="unsafe", note="<i>hm</i>"
        )
        page = text_of(manager.get(f"{BASE}flags/"))
        assert "&lt;i&gt;hm&lt;/i&gt;" in page and example.input_text in page
        assert manager.post(f"{BASE}flags/{flag.pk}/", {"outcome": outcome}).status_code == 302
        example.refresh_from_db()
        assert example.review_status == status
        LearningExample.objects.filter(pk=example.pk).update(review_status=ReviewStatus.REJECTED)
    assert "Nothing is flagged" in text_of(manager.get(f"{BASE}flags/"))


def test_a_known_answer_is_added_and_retired(agent: Agent, queue: AnnotationQueue, sign_in: Callable[..., Any]) -> None:
    manager = sign_in("manager")
    decided = factories.make_example(agent, review_status=ReviewStatus.REJECTED)
    waiting = factories.make_example(agent)
    add = f"{BASE}queues/{queue.pk}/gold/"
    manager.post(add, {"example": str(waiting.pk), "right_decision": "reject"})
    assert not GoldItem.objects.exists()
    assert "Only an example that is decided" in text_of(manager.get(f"{BASE}queues/{queue.pk}/"))
    known = {"right_decision": "reject", "explanation": "It is wrong.", "shown_output": "negative"}
    manager.post(add, known | {"example": str(decided.pk)})
    item = GoldItem.objects.get()
    assert (item.shown_output, item.explanation, item.active) == ("negative", "It is wrong.", True)
    manager.post(f"{BASE}gold/{item.pk}/retire/")
    item.refresh_from_db()
    assert not item.active


def test_an_example_with_a_known_answer_is_found_by_its_words(
    agent: Agent, queue: AnnotationQueue, sign_in: Callable[..., Any]
) -> None:
    manager, add = sign_in("manager"), f"{BASE}queues/{queue.pk}/gold/"
    for text in ("The red kettle leaks", "The red lamp is dim"):
        factories.make_example(agent, input_text=text, review_status=ReviewStatus.REJECTED)
    factories.make_example(agent, input_text="The red kettle leaks and waits")
    known = {"right_decision": "reject", "shown_output": "fine"}
    for words, told in (("the red", "Several decided examples"), ("blue", "No example has that id")):
        manager.post(add, known | {"example": words})
        assert not GoldItem.objects.exists()
        assert told in text_of(manager.get(f"{BASE}queues/{queue.pk}/"))
    manager.post(add, known | {"example": "RED KETTLE"})
    assert GoldItem.objects.get().example.input_text == "The red kettle leaks"


def test_a_paused_expert_is_told_and_a_manager_lets_them_go_on(
    agent: Agent, queue: AnnotationQueue, sign_in: Callable[..., Any]
) -> None:
    factories.make_example(agent)
    expert, manager = sign_in("expert"), sign_in("manager")
    seat = take_seat(queue=queue, expert=expert.user)
    pause_expert(seat=seat, accuracy=share_of(1, 10), bar=0.7)
    page = text_of(expert.get(BASE))
    assert "Your work at this queue is paused" in page and "1 of your last 10" in page
    assert expert.user.username in text_of(manager.get(f"{BASE}queues/"))
    manager.post(f"{BASE}seats/{seat.pk}/resume/")
    assert QueueSeat.objects.get(pk=seat.pk).paused_at is None
    assert 'data-testid="approve-button"' in text_of(expert.get(BASE))


def test_agreement_is_shown_with_what_cannot_be_computed_as_a_dash(dispute: Slot, sign_in: Callable[..., Any]) -> None:
    page = text_of(sign_in("manager").get(f"{BASE}agreement/"))
    assert 'data-testid="agreement"' in page and 'data-testid="experts"' in page
    assert "nan" not in page and "–" in page


def test_a_plan_lists_items_and_gives_the_chosen_one(agent: Agent, sign_in: Callable[..., Any]) -> None:
    first, second = factories.make_example(agent), factories.make_example(agent)
    expert = sign_in("expert")
    expert.get(BASE)
    page = text_of(sign_in("expert").get(f"{BASE}plan/"))
    assert second.input_text in page and first.input_text not in page  # somebody holds the first
    planner = sign_in("expert")
    slot = Slot.objects.get(example=second)
    desk = planner.post(f"{BASE}plan/", {"slot": str(slot.pk)})["Location"]
    assert second.input_text in text_of(planner.get(desk))
    assert "more than 0" in text_of(planner.get(f"{BASE}plan/", {"minutes": "-3"}))
    assert "as a number" in text_of(planner.get(f"{BASE}plan/", {"minutes": "nan"}))


def test_ones_own_reviews_show_what_they_changed(agent: Agent, sign_in: Callable[..., Any]) -> None:
    expert = sign_in("expert")
    factories.make_example(agent, review_status=ReviewStatus.PENDING)
    slot = claim_next(expert=expert.user)
    assert slot is not None and slot.lease_token is not None
    said = Opinion(decision="reject")
    submit_annotation(expert=expert.user, slot_id=slot.pk, lease_token=slot.lease_token, opinion=said)
    page = text_of(expert.get(f"{BASE}mine/"))
    assert "Nothing yet" in page and 'data-label="Reviewed today">1<' in page
    version = factories.make_published_version(agent)
    example = version.items.first().example
    ExpertAnnotation.objects.create(example=example, expert=expert.user, decision="approve", seconds_spent=95)
    page = text_of(expert.get(f"{BASE}mine/"))
    assert version.dataset.name in page and "1 min 35 s" in page


@pytest.mark.parametrize("path", ["adjudication/", "flags/", "queues/", "queues/new/", "rubrics/", "agreement/"])
def test_pages_of_managers_are_closed_to_experts(scope: Any, sign_in: Callable[..., Any], path: str) -> None:
    assert sign_in("expert").get(BASE + path).status_code == 403
    assert sign_in("manager").get(BASE + path).status_code == 200


def test_the_desk_leads_managers_further_than_experts(scope: Any, sign_in: Callable[..., Any]) -> None:
    assert "/queues/" not in text_of(sign_in("expert").get(BASE))
    assert f'href="{BASE}queues/"' in text_of(sign_in("manager").get(BASE))
