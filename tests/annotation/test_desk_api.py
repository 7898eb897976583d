"""What managers keep and experts ask over HTTP: queues, rubrics, gold items, flags, disputes, plans, statistics."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from annotation.models import AnnotationQueue, ExpertAnnotation, QueueSeat, Slot, SlotKind, SlotStatus
from annotation.tasks import fill_queues
from learning.models import Agent, ReviewStatus
from tests import factories
from tests.annotation.test_api import ANNOTATIONS, NEXT, QUEUE, claim, fields, post, review

QUESTIONS = [
    {"key": "tone", "label": "Which tone?", "kind": "choice", "options": ["formal", "plain"], "required": True},
    {"key": "grade", "label": "How good?", "kind": "scale", "lowest": 1, "highest": 5},
    {"key": "safe", "label": "Is it safe?", "kind": "yes_no"},
]


def patch(client: Any, path: str, body: Any) -> Any:
    return client.patch(path, body, content_type="application/json")


@pytest.fixture
def manager(sign_in: Any) -> Any:
    return sign_in("manager")


def asking(manager: Any, queue: AnnotationQueue) -> dict[str, Any]:
    """A rubric that the queue asks."""
    made = post(manager, f"{ANNOTATIONS}/rubrics", {"name": "Tone", "questions": QUESTIONS})
    assert made.status_code == 201, made.json()
    rubric: dict[str, Any] = made.json()
    assert patch(manager, f"{ANNOTATIONS}/queues/{queue.pk}", {"rubric": rubric["id"]}).status_code == 200
    return rubric


def test_a_manager_makes_a_queue_and_changes_its_rules(agent: Agent, manager: Any, sign_in: Any) -> None:
    expert = sign_in("expert")
    body = {"name": "Law", "domain": "law", "reviews_per_item": 2, "experts": [expert.user.username], "blind": False}
    made = post(manager, f"{ANNOTATIONS}/queues", body)
    assert made.status_code == 201 and made.json()["experts"] == [expert.user.username]
    address = f"{ANNOTATIONS}/queues/{made.json()['id']}"
    assert patch(manager, address, {"max_reviews": 4}).json()["max_reviews"] == 4
    assert patch(manager, address, {"max_reviews": None}).json()["max_reviews"] is None
    assert manager.get(address).json()["name"] == "Law"
    assert post(expert, f"{ANNOTATIONS}/queues", body | {"name": "Art"}).status_code == 403
    assert patch(expert, address, {"active": False}).status_code == 403


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"gold_share": 0.6}, "gold_share"),
        ({"experts": ["nobody"]}, "experts"),
        ({"stages": []}, "stages"),
        ({"stages": ["a", "a"]}, "stages"),
        ({"statuses": []}, "statuses"),
        ({"max_reviews": 1, "reviews_per_item": 2}, "max_reviews"),
        ({"skip_policy": "sometimes"}, "skip_policy"),
        ({"speed": 1}, "speed"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_named(manager: Any, rules: dict[str, Any], field: str) -> None:
    answer = post(manager, f"{ANNOTATIONS}/queues", {"name": "New"} | rules)
    assert answer.status_code == 400 and fields(answer) == {field}, answer.json()


def test_others_are_kept_out_of_a_queue_with_named_experts(
    agent: Agent, manager: Any, sign_in: Any, queue: AnnotationQueue
) -> None:
    factories.make_example(agent)
    inside, outside = sign_in("expert"), sign_in("expert")
    patch(manager, f"{ANNOTATIONS}/queues/{queue.pk}", {"experts": [inside.user.username]})
    assert post(outside, NEXT, {"queue": str(queue.pk)}).status_code == 403
    assert post(outside, NEXT).status_code == 204
    assert post(inside, NEXT).status_code == 200


def test_the_rubric_is_asked_and_its_answers_are_kept(
    agent: Agent, manager: Any, sign_in: Any, queue: AnnotationQueue
) -> None:
    factories.make_example(agent)
    rubric, desk = asking(manager, queue), sign_in("expert")
    claimed = claim(desk)
    assert [question["key"] for question in claimed["rubric"]["questions"]] == ["tone", "grade", "safe"]
    done = post(desk, ANNOTATIONS, review(claimed, answers={"tone": "plain", "grade": 4, "safe": True}))
    assert done.status_code == 201
    assert done.json()["answers"] == {"tone": "plain", "grade": 4, "safe": True}
    assert done.json()["rubric"] == rubric["id"]


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"tone": "loud"}, "answers.tone"),
        ({"tone": "plain", "grade": 6}, "answers.grade"),
        ({"tone": "plain", "grade": True}, "answers.grade"),
        ({"tone": "plain", "safe": "yes"}, "answers.safe"),
        ({"tone": "plain", "mood": "good"}, "answers.mood"),
        ({"grade": 3}, "answers.tone"),
    ],
)
def test_an_answer_that_does_not_fit_is_named_and_the_item_stays_held(
    agent: Agent, manager: Any, sign_in: Any, queue: AnnotationQueue, answers: dict[str, Any], field: str
) -> None:
    factories.make_example(agent)
    asking(manager, queue)
    desk = sign_in("expert")
    claimed = claim(desk)
    refused = post(desk, ANNOTATIONS, review(claimed, answers=answers))
    assert refused.status_code == 400 and fields(refused) == {field}, refused.json()
    assert claim(desk)["lease_token"] == claimed["lease_token"] and not ExpertAnnotation.objects.exists()


def test_a_rubric_changes_in_place_until_it_is_used_and_then_gets_a_new_version(
    agent: Agent, manager: Any, sign_in: Any, queue: AnnotationQueue
) -> None:
    factories.make_example(agent)
    rubric, desk = asking(manager, queue), sign_in("expert")
    address = f"{ANNOTATIONS}/rubrics/{rubric['id']}"
    fewer = {"questions": QUESTIONS[:2]}
    assert patch(manager, address, fewer).json()["version"] == 1
    post(desk, ANNOTATIONS, review(claim(desk), answers={"tone": "plain"}))
    revised = patch(manager, address, {"questions": QUESTIONS}).json()
    assert revised["version"] == 2 and len(manager.get(address).json()["questions"]) == 2
    queue.refresh_from_db()
    assert str(queue.rubric_id) == revised["id"]
    assert [one["version"] for one in manager.get(f"{ANNOTATIONS}/rubrics").json()] == [2]


def test_html_in_notes_is_kept_as_text_and_never_shown_as_markup(agent: Agent, sign_in: Any) -> None:
    factories.make_example(agent)
    desk, markup = sign_in("expert"), "<script>alert(1)</script><b>bold</b>"
    done = post(desk, ANNOTATIONS, review(claim(desk), notes=markup, corrected_output=markup))
    assert done.status_code == 201 and done.json()["notes"] == markup
    post(desk, f"{ANNOTATIONS}/{done.json()['id']}/undo")
    page = desk.get("/admin/learning/annotation/").content.decode()
    assert "&lt;script&gt;alert(1)" in page and "<script>alert(1)" not in page and "<b>bold" not in page


def test_a_flagged_item_waits_for_a_manager_who_puts_it_back(agent: Agent, manager: Any, sign_in: Any) -> None:
    factories.make_example(agent)
    desk, other = sign_in("expert"), sign_in("expert")
    claimed = claim(desk)
    address = f"{QUEUE}/{claimed['item']['slot']}/flag"
    lease = {"lease_token": claimed["lease_token"]}
    assert fields(post(desk, address, lease | {"reason": "dull"})) == {"reason"}
    assert post(other, address, lease | {"reason": "unsafe"}).status_code == 409
    flagged = post(desk, address, lease | {"reason": "unsafe", "note": "see the last line"})
    assert flagged.status_code == 201
    assert post(other, NEXT).status_code == 204
    assert desk.get(f"{ANNOTATIONS}/flags").status_code == 403
    (flag,) = manager.get(f"{ANNOTATIONS}/flags").json()["flags"]
    assert (flag["note"], flag["expert"]) == ("see the last line", desk.user.username)
    resolve = f"{ANNOTATIONS}/flags/{flag['id']}/resolve"
    assert post(manager, resolve, {"outcome": "dismissed"}).json()["status"] == "dismissed"
    assert post(manager, resolve, {"outcome": "removed"}).status_code == 409
    assert post(desk, NEXT).status_code == 204 and post(other, NEXT).status_code == 200


def test_a_flagged_example_can_be_rejected(agent: Agent, manager: Any, sign_in: Any) -> None:
    example = factories.make_example(agent)
    desk = sign_in("expert")
    claimed = claim(desk)
    body = {"lease_token": claimed["lease_token"], "reason": "personal_data"}
    flag = post(desk, f"{QUEUE}/{claimed['item']['slot']}/flag", body).json()["id"]
    assert post(manager, f"{ANNOTATIONS}/flags/{flag}/resolve", {"outcome": "removed"}).status_code == 200
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.REJECTED
    assert Slot.objects.get().status == SlotStatus.CANCELLED


def test_a_manager_decides_what_reviewers_dispute_and_sees_all_opinions(
    agent: Agent, manager: Any, sign_in: Any, queue: AnnotationQueue
) -> None:
    patch(manager, f"{ANNOTATIONS}/queues/{queue.pk}", {"reviews_per_item": 2, "max_reviews": 2})
    example = factories.make_example(agent)
    for decision in ("approve", "reject"):
        desk = sign_in("expert")
        assert claim(desk)["opinions"] == []  # blind
        assert post(desk, ANNOTATIONS, review(claim(desk), decision=decision, notes=decision)).status_code == 201
    late = sign_in("expert")
    assert post(late, NEXT).status_code == 204
    slot = Slot.objects.get(kind=SlotKind.ADJUDICATION)
    assert post(late, f"{QUEUE}/{slot.pk}/claim").status_code == 403
    assert post(late, f"{QUEUE}/next-dispute").status_code == 403
    claimed = post(manager, f"{QUEUE}/next-dispute").json()
    assert [opinion["notes"] for opinion in claimed["opinions"]] == ["approve", "reject"]
    assert post(manager, ANNOTATIONS, review(claimed, decision="reject")).status_code == 201
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.REJECTED


def test_in_an_open_queue_reviewers_see_what_others_said(
    agent: Agent, manager: Any, sign_in: Any, queue: AnnotationQueue
) -> None:
    patch(manager, f"{ANNOTATIONS}/queues/{queue.pk}", {"reviews_per_item": 2, "blind": False})
    factories.make_example(agent)
    first, second = sign_in("expert"), sign_in("expert")
    post(first, ANNOTATIONS, review(claim(first), notes="mine"))
    assert [opinion["notes"] for opinion in claim(second)["opinions"]] == ["mine"]


def test_a_comparison_is_shown_without_saying_which_output_is_expected(agent: Agent, sign_in: Any) -> None:
    example = factories.make_example(
        agent, example_type="preference", original_output="", expected_output="good", rejected_output="bad"
    )
    desk = sign_in("expert")
    claimed = claim(desk)
    assert {claimed["pair"]["left"], claimed["pair"]["right"]} == {"good", "bad"}
    assert claimed["item"]["expected_output"] == ""
    assert fields(post(desk, ANNOTATIONS, review(claimed))) == {"better"}
    side = "left" if claimed["pair"]["left"] == "bad" else "right"
    done = post(desk, ANNOTATIONS, review(claimed, better=side, strength=2))
    assert done.status_code == 201 and done.json()["preferred"] == "rejected"
    example.refresh_from_db()
    assert (example.expected_output, example.rejected_output, example.review_status) == ("bad", "good", "approved")
    post(desk, f"{ANNOTATIONS}/{done.json()['id']}/undo")
    example.refresh_from_db()
    assert (example.expected_output, example.rejected_output) == ("good", "bad")


def test_the_side_of_an_output_is_drawn_for_each_item(agent: Agent, sign_in: Any) -> None:
    desk, lefts = sign_in("expert"), set()
    for _ in range(12):
        factories.make_example(
            agent, example_type="preference", original_output="", expected_output="good", rejected_output="bad"
        )
        claimed = claim(desk)
        assert claim(desk)["pair"] == claimed["pair"]
        lefts.add(claimed["pair"]["left"])
        post(desk, ANNOTATIONS, review(claimed, better="equal"))
    assert lefts == {"good", "bad"}


def test_a_plan_fits_the_minutes_and_its_items_can_be_claimed(agent: Agent, sign_in: Any) -> None:
    for number in range(6):
        factories.make_example(agent, cluster_key="alike" if number < 5 else "")
    desk = sign_in("expert")
    fill_queues()
    plan = desk.get(f"{ANNOTATIONS}/plan", {"minutes": 2}).json()
    assert 0 < plan["seconds"] <= 120 and plan["considered"] == 6
    slot = plan["picks"][-1]["item"]["slot"]
    held = claim(desk)["item"]["slot"]
    claimed = post(desk, f"{QUEUE}/{slot}/claim")
    assert claimed.status_code == 200 and claimed.json()["item"]["slot"] == slot
    assert claim(desk)["item"]["slot"] == slot
    assert slot == held or Slot.objects.get(pk=held).status == SlotStatus.OPEN
    assert post(sign_in("expert"), f"{QUEUE}/{slot}/claim").status_code == 409
    assert fields(desk.get(f"{ANNOTATIONS}/plan", {"minutes": 0})) == {"minutes"}


def test_agreement_and_experts_are_for_managers(
    agent: Agent, manager: Any, sign_in: Any, queue: AnnotationQueue
) -> None:
    patch(manager, f"{ANNOTATIONS}/queues/{queue.pk}", {"reviews_per_item": 2})
    one, other = sign_in("expert"), sign_in("expert")
    for number in range(6):
        factories.make_example(agent)
        for desk in (one, other):
            decision = "reject" if number % 2 else "approve"
            categories = {"tone": {"score": number, "issues": []}}
            done = post(desk, ANNOTATIONS, review(claim(desk), decision=decision, categories=categories))
            assert done.status_code == 201
    found = manager.get(f"{ANNOTATIONS}/agreement").json()
    subjects = {subject["subject"]: subject for subject in found["subjects"]}
    assert subjects["decision"]["alpha"]["value"] == pytest.approx(1)
    assert subjects["category: tone"]["items"] == 6
    (pair,) = found["pairs"]
    assert pair["kappa"] == pytest.approx(1) and pair["items"] == 6
    experts = manager.get(f"{ANNOTATIONS}/experts").json()["experts"]
    assert [row["reviews"] for row in experts] == [6, 6]
    assert experts[0]["approval"]["value"] == 0.5 and experts[0]["gold"]["value"] is None
    for path in ("agreement", "experts"):
        assert one.get(f"{ANNOTATIONS}/{path}").status_code == 403


def test_a_gold_item_measures_without_being_told_apart(
    agent: Agent, manager: Any, sign_in: Any, queue: AnnotationQueue
) -> None:
    known = factories.make_example(agent, review_status="approved", original_output="known wrong")
    waiting = factories.make_example(agent)
    body = {"queue": str(queue.pk), "example_id": str(known.pk), "right_decision": "reject"}
    assert fields(post(manager, f"{ANNOTATIONS}/gold", body)) == {"shown_output"}, "a correction proposes another text"
    body["shown_output"] = "known wrong"
    pending = post(manager, f"{ANNOTATIONS}/gold", body | {"example_id": str(waiting.pk)})
    assert fields(pending) == {"example_id"}
    item = post(manager, f"{ANNOTATIONS}/gold", body | {"explanation": "It is wrong."}).json()
    assert post(manager, f"{ANNOTATIONS}/gold", body).status_code == 409
    AnnotationQueue.objects.update(gold_share=0.5)
    desk = sign_in("expert")
    for _ in range(200):
        claimed = claim(desk)
        if claimed["item"]["example_id"] == str(known.pk):
            break
        lease = {"lease_token": claimed["lease_token"]}
        assert post(desk, f"{QUEUE}/{claimed['item']['slot']}/release", lease).status_code == 204
    assert claimed["proposed_output"] == "known wrong" and claimed["item"]["review_status"] == "pending"
    assert "kind" not in claimed["item"]
    done = post(desk, ANNOTATIONS, review(claimed, decision="approve")).json()
    assert done["gold"] == {
        "right": False, "right_decision": "reject", "explanation": "It is wrong.", "paused_because": "",
    }  # fmt: skip
    assert post(desk, f"{ANNOTATIONS}/{done['id']}/undo").status_code == 409
    known.refresh_from_db()
    assert known.review_status == ReviewStatus.APPROVED
    assert claim(desk)["item"]["example_id"] == str(waiting.pk)
    assert manager.delete(f"{ANNOTATIONS}/gold/{item['id']}").status_code == 204


def test_a_paused_expert_is_told_why_and_a_manager_lets_them_go_on(
    agent: Agent, manager: Any, sign_in: Any, queue: AnnotationQueue
) -> None:
    factories.make_example(agent)
    desk = sign_in("expert")
    claim(desk)
    QueueSeat.objects.update(paused_at="2026-01-01T00:00Z", paused_because="Two of nine were right.")
    paused = post(desk, NEXT)
    assert paused.status_code == 409 and "Two of nine" in paused.json()["detail"]
    assert desk.get("/admin/learning/annotation/").status_code == 200
    (row,) = manager.get(f"{ANNOTATIONS}/experts").json()["experts"]
    assert row["paused_because"] == "Two of nine were right."
    assert post(desk, f"{ANNOTATIONS}/experts/{row['seat']}/resume").status_code == 403
    assert post(manager, f"{ANNOTATIONS}/experts/{row['seat']}/resume").json()["paused_at"] is None
    assert post(desk, NEXT).status_code == 200


def test_a_skip_follows_the_queues_policy(agent: Agent, sign_in: Any, queue: AnnotationQueue) -> None:
    factories.make_example(agent), factories.make_example(agent)
    desk = sign_in("expert")
    claimed = claim(desk)
    address, lease = f"{QUEUE}/{claimed['item']['slot']}/skip", {"lease_token": claimed["lease_token"]}
    AnnotationQueue.objects.update(skip_policy="never")
    assert post(desk, address, lease).status_code == 400
    AnnotationQueue.objects.update(skip_policy="reason")
    assert fields(post(desk, address, lease)) == {"reason"}
    assert post(desk, address, lease | {"reason": "I know this customer"}).status_code == 204


def test_a_review_of_a_stage_that_the_queue_does_not_have_is_refused(agent: Agent, manager: Any) -> None:
    example = factories.make_example(agent)
    body = {"example_id": str(example.pk), "decision": "approve", "stage": "made_up"}
    answer = post(manager, ANNOTATIONS, body)
    assert answer.status_code == 400 and fields(answer) == {"stage"}
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.PENDING


def test_progress_says_what_became_of_ones_reviews(agent: Agent, sign_in: Any) -> None:
    factories.make_example(agent)
    desk = sign_in("expert")
    post(desk, ANNOTATIONS, review(claim(desk), seconds_spent=40))
    found = desk.get(f"{ANNOTATIONS}/progress").json()
    assert (found["today"], found["seconds"], found["reviews"]) == (1, 40, 1)
    assert found["dataset_versions"] == []


def test_what_is_not_there_is_not_found(manager: Any) -> None:
    nothing = uuid4()
    for path in (f"queues/{nothing}", f"rubrics/{nothing}"):
        assert manager.get(f"{ANNOTATIONS}/{path}").status_code == 404
    for path in (f"flags/{nothing}/resolve", f"experts/{nothing}/resume", f"queue/{nothing}/claim"):
        assert (
            post(manager, f"{ANNOTATIONS}/{path}", {"outcome": "dismissed"} if "flags" in path else {}).status_code
            == 404
        )
    assert manager.delete(f"{ANNOTATIONS}/gold/{nothing}").status_code == 404
