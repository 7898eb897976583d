"""What an expert must not learn or decide, whichever way they ask: disputes, others' opinions, which items are gold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from annotation.models import AnnotationQueue, Slot, SlotKind
from annotation.services import claims
from annotation.services.claims import claim_next
from annotation.services.filling import fill_queue
from annotation.services.gold import add_gold
from annotation.services.leases import skip_item
from annotation.services.opinions import Opinion
from annotation.services.queues import change_queue
from annotation.services.submissions import submit_annotation
from learning.models import Agent, LearningExample
from tests import factories
from tests.annotation.test_api import ANNOTATIONS, QUEUE, claim, post, review
from tests.conftest import api_with

DESK = "/admin/learning/annotation/"


@pytest.fixture
def dispute(agent: Agent, queue: AnnotationQueue, scope: Any) -> Slot:
    """Two experts who disagree about an example of a blind queue."""
    queue = change_queue(queue=queue, reviews_per_item=2, max_reviews=2, disagreement_threshold=0)
    factories.make_example(agent)
    for decision in ("approve", "reject"):
        person = factories.make_user(scope, "expert")
        slot = claim_next(expert=person, queue=queue)
        assert slot is not None and slot.lease_token is not None
        opinion = Opinion(decision=decision, notes=f"my reasons to {decision}")
        submit_annotation(expert=person, slot_id=slot.pk, lease_token=slot.lease_token, opinion=opinion)
    return Slot.objects.get(kind=SlotKind.ADJUDICATION)


@pytest.fixture
def gold(agent: Agent, queue: AnnotationQueue) -> LearningExample:
    """A decided example of last week whose right answer is known."""
    change_queue(queue=queue, gold_share=0.5)
    example = factories.make_example(agent, review_status="approved", original_output="said", expected_output="right")
    LearningExample.objects.filter(pk=example.pk).update(created_at=timezone.now() - timedelta(days=7))
    add_gold(queue=queue, example=example, right_decision="reject", shown_output="wrong")
    return example


def claim_gold(desk: Any, example: LearningExample) -> dict[str, Any]:
    """Claim and give back until it is the gold item."""
    for _ in range(200):
        claimed = claim(desk)
        if claimed["item"]["example_id"] == str(example.pk):
            return claimed
        lease = {"lease_token": claimed["lease_token"]}
        assert post(desk, f"{QUEUE}/{claimed['item']['slot']}/release", lease).status_code == 204
    raise AssertionError("The gold item was never offered.")


def test_the_plan_gives_no_dispute_to_an_expert(dispute: Slot, sign_in: Any) -> None:
    expert, manager = sign_in("expert"), sign_in("manager")
    assert expert.post(f"{DESK}plan/", {"slot": dispute.pk}).status_code == 403
    assert post(expert, f"{QUEUE}/{dispute.pk}/claim").status_code == 403
    dispute.refresh_from_db()
    assert dispute.claimed_by is None
    assert manager.post(f"{DESK}plan/", {"slot": dispute.pk}).status_code == 302


def test_a_form_about_a_dispute_shows_an_expert_neither_opinions_nor_the_holders_token(
    dispute: Slot, sign_in: Any
) -> None:
    manager, expert = sign_in("manager"), sign_in("expert")
    held = post(manager, f"{QUEUE}/{dispute.pk}/claim").json()
    assert len(held["opinions"]) == 2
    page = expert.post(DESK, {"slot": dispute.pk, "lease_token": "none", "notes": "typed", "action": "approve"})
    text = page.content.decode()
    assert page.status_code == 422 and "typed" in text
    assert "my reasons" not in text and held["lease_token"] not in text


def test_experts_read_their_own_reviews_and_managers_and_applications_all(
    dispute: Slot, scope: Any, sign_in: Any
) -> None:
    application = api_with(factories.make_key(scope, scopes=["read"]))
    address = f"{ANNOTATIONS}?example={dispute.example_id}"
    for client in (sign_in("manager"), application):
        assert len(client.get(address).json()["results"]) == 2
    some = sign_in("manager").get(address).json()["results"][0]["id"]
    third = sign_in("expert")
    assert third.get(address).json()["results"] == []
    assert third.get(f"{ANNOTATIONS}/{some}").status_code == 404


@pytest.fixture
def desk(gold: LearningExample, agent: Agent, sign_in: Any) -> Iterator[Any]:
    factories.make_example(agent)
    yield sign_in("expert")


def test_a_gold_item_is_claimed_listed_and_proposed_like_any_other(gold: LearningExample, desk: Any) -> None:
    claimed = claim_gold(desk, gold)
    item = claimed["item"]
    assert (item["expected_output"], claimed["proposed_output"], item["review_status"]) == ("wrong", "wrong", "pending")
    again = post(desk, f"{QUEUE}/{item['slot']}/claim")
    assert again.status_code == 200 and again.json()["lease_token"] == claimed["lease_token"]
    for query in ({}, {"status": "claimed"}):
        listed = {one["slot"]: one for one in desk.get(QUEUE, query).json()["queue"]}
        assert listed[item["slot"]]["expected_output"] == "wrong"


def test_a_gold_item_is_listed_and_claimed_by_nobody_else(gold: LearningExample, desk: Any, sign_in: Any) -> None:
    slot = claim_gold(desk, gold)["item"]["slot"]
    for other in (sign_in("expert"), sign_in("manager")):
        assert slot not in {one["slot"] for one in other.get(QUEUE).json()["queue"]}
        assert post(other, f"{QUEUE}/{slot}/claim").status_code == 404


def test_the_time_in_a_gold_slots_key_is_that_of_its_example(gold: LearningExample, desk: Any) -> None:
    milliseconds = UUID(claim_gold(desk, gold)["item"]["slot"]).int >> 80
    assert milliseconds / 1000 < timezone.now().timestamp() - 6 * 86_400


def test_a_skipped_gold_item_does_not_come_back(gold: LearningExample, queue: AnnotationQueue, expert: Any) -> None:
    queue.refresh_from_db()
    offered = 0
    for _ in range(40):
        slot = claim_next(expert=expert, queue=queue)
        if slot is not None:
            assert slot.lease_token is not None
            skip_item(expert=expert, slot_id=slot.pk, lease_token=slot.lease_token)
            offered += 1
    assert offered == 1


def test_a_review_with_a_lost_lease_keeps_its_text_but_shows_nothing_of_others(
    agent: Agent, sign_in: Any, queue: AnnotationQueue
) -> None:
    change_queue(queue=queue, reviews_per_item=2, blind=False)
    factories.make_example(agent)
    first, second, stranger = sign_in("expert"), sign_in("expert"), sign_in("expert")
    assert post(first, ANNOTATIONS, review(claim(first), notes="what I think")).status_code == 201
    held = claim(second)
    assert [one["notes"] for one in held["opinions"]] == ["what I think"]
    page = stranger.post(DESK, {"slot": held["item"]["slot"], "notes": "typed", "action": "approve"}).content.decode()
    assert "typed" in page and "what I think" not in page


def test_a_gold_item_that_is_given_back_comes_back_as_any_other_does(
    agent: Agent, gold: LearningExample, sign_in: Any
) -> None:
    factories.make_example(agent)
    desk = sign_in("expert")
    claimed = claim_gold(desk, gold)
    lease = {"lease_token": claimed["lease_token"]}
    assert post(desk, f"{QUEUE}/{claimed['item']['slot']}/release", lease).status_code == 204
    assert claim(desk)["item"]["example_id"] == str(gold.pk)


def test_an_opinion_without_a_claim_is_for_those_who_work_at_the_queue(
    agent: Agent, queue: AnnotationQueue, sign_in: Any
) -> None:
    named, other = sign_in("expert"), sign_in("expert")
    factories.make_example(agent)
    claimed = claim(named)
    change_queue(queue=queue, experts=[named.user.pk])
    assert post(other, ANNOTATIONS, review(claimed)).status_code == 403
    assert post(named, ANNOTATIONS, review(claimed)).status_code == 201


def test_nobody_settles_two_stages_alone(agent: Agent, queue: AnnotationQueue, sign_in: Any) -> None:
    change_queue(queue=queue, stages=["quality_check", "final_approval"])
    example = factories.make_example(agent)
    manager, other = sign_in("manager"), sign_in("manager")
    said = {"example_id": str(example.pk), "decision": "approve"}
    assert post(manager, ANNOTATIONS, said | {"stage": "quality_check"}).status_code == 201
    refused = post(manager, ANNOTATIONS, said | {"stage": "final_approval"})
    assert refused.status_code == 409
    assert "reviewed the example already, at the stage quality_check" in refused.json()["detail"]
    assert post(other, ANNOTATIONS, said | {"stage": "final_approval"}).status_code == 201
    example.refresh_from_db()
    assert example.review_status == "approved"


def test_true_is_no_score_and_a_category_has_a_name(agent: Agent, sign_in: Any) -> None:
    factories.make_example(agent)
    desk = sign_in("expert")
    claimed = claim(desk)
    for wrong in (
        {"technical_accuracy": True},
        {"categories": {"tone": {"score": True}}},
        {"categories": {" ": {"score": 1}}},
    ):
        assert post(desk, ANNOTATIONS, review(claimed) | wrong).status_code == 400


def test_what_somebody_else_has_just_filled_in_is_offered(
    agent: Agent, queue: AnnotationQueue, expert: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.make_example(agent)

    def filled_by_another(*, queue: AnnotationQueue) -> int:
        fill_queue(queue=queue)
        return 0

    monkeypatch.setattr(claims, "fill_when_due", lambda queue: None)
    monkeypatch.setattr(claims, "fill_queue", filled_by_another)
    assert claim_next(expert=expert, queue=queue) is not None
