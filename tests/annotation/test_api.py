"""The review queue over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.models import AnnotationDraft, ExpertAnnotation, Slot
from annotation.tasks import fill_queues
from learning.models import Agent, LearningExample, ReviewStatus
from tests import factories
from tests.annotation.conftest import let_lease_run_out
from tests.conftest import api_with

QUEUE = "/api/learning/annotations/queue"
NEXT = "/api/learning/annotations/queue/next"
ANNOTATIONS = "/api/learning/annotations"
SOME_ID = "01a1fc82-37da-7159-b74f-6823bb618808"


@pytest.fixture
def desk(sign_in: Any) -> Any:
    """A signed-in expert who speaks JSON."""
    return sign_in("expert")


def post(client: Any, path: str, body: Any = None) -> Any:
    return client.post(path, body or {}, content_type="application/json")


def claim(client: Any) -> dict[str, Any]:
    answer = post(client, NEXT)
    assert answer.status_code == 200, answer.content
    claimed: dict[str, Any] = answer.json()
    return claimed


def review(claimed: dict[str, Any], **values: Any) -> dict[str, Any]:
    lease = {"slot": claimed["item"]["slot"], "lease_token": claimed["lease_token"]}
    return lease | {"decision": "approve", "technical_accuracy": 0.9} | values


def fields(answer: Any) -> set[str]:
    return {error["field"] for error in answer.json()["errors"]}


def test_an_expert_claims_an_item_and_hands_in_a_review(agent: Agent, desk: Any) -> None:
    example = factories.make_example(agent, input_context={"conversation": [{"role": "user", "content": "Hi"}]})
    claimed = claim(desk)
    assert claimed["item"]["example_id"] == str(example.pk)
    assert claimed["item"]["agent_id"] == agent.external_id and claimed["item"]["claimed_by"] == desk.user.username
    assert claimed["proposed_output"] == "positive"
    assert claimed["conversation"] == [{"role": "user", "content": "Hi"}]
    answer = post(desk, ANNOTATIONS, review(claimed, corrected_output="very positive", notes="clear"))
    assert answer.status_code == 201
    body = answer.json()
    assert (body["decision"], body["expert"], body["example_status"]) == ("approve", desk.user.username, "approved")
    example.refresh_from_db()
    assert (example.review_status, example.expected_output) == (ReviewStatus.APPROVED, "very positive")
    assert post(desk, NEXT).status_code == 204


def test_the_queue_lists_what_waits_in_the_order_in_which_it_is_offered(agent: Agent, desk: Any) -> None:
    law = factories.make_agent(external_id="law", domain="law")
    made = [
        factories.make_example(agent, example_type="positive"),
        factories.make_example(law, domain="law"),
        factories.make_example(agent),
    ]
    fill_queues()
    answer = desk.get(QUEUE).json()
    ids = [item["example_id"] for item in answer["queue"]]
    assert ids == [str(made[1].pk), str(made[2].pk), str(made[0].pk)]
    assert (answer["total"], answer["more"], answer["next"]) == (3, False, None)
    by_agent = desk.get(QUEUE, {"agent": "law"}).json()
    by_domain = desk.get(QUEUE, {"domain": "law"}).json()
    assert by_agent == by_domain and by_agent["total"] == 1
    claim(desk)
    totals = {status: desk.get(QUEUE, {"status": status}).json()["total"] for status in ("pending", "open", "claimed")}
    assert totals == {"pending": 3, "open": 2, "claimed": 1}


def test_the_queue_is_read_page_by_page_without_gaps(agent: Agent, desk: Any) -> None:
    for number in range(7):
        factories.make_example(agent, example_type=["correction", "negative", "failure"][number % 3])
    fill_queues()
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = desk.get(QUEUE, {"limit": 3} | after).json()
        seen += [item["slot"] for item in page["queue"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == [item["slot"] for item in desk.get(QUEUE).json()["queue"]] and len(seen) == 7


def test_a_page_of_the_queue_takes_as_many_queries_for_many_items_as_for_few(
    agent: Agent, desk: Any, django_assert_num_queries: Any
) -> None:
    factories.make_example(agent)
    fill_queues()
    with CaptureQueriesContext(connection) as few:
        assert desk.get(QUEUE).json()["total"] == 1
    for _ in range(20):
        factories.make_example(agent)
    fill_queues()
    with django_assert_num_queries(len(few)):
        assert desk.get(QUEUE).json()["total"] == 21


@pytest.mark.parametrize(
    ("query", "field"),
    [({"limit": 0}, "limit"), ({"limit": 201}, "limit"), ({"status": "lost"}, "status"), ({"after": "x"}, "after")],
)
def test_a_bad_query_names_its_parameter(desk: Any, query: dict[str, Any], field: str) -> None:
    answer = desk.get(QUEUE, query)
    assert answer.status_code == 400 and fields(answer) == {field}


def test_what_is_not_there_is_not_found(desk: Any) -> None:
    assert desk.get(QUEUE, {"agent": "nobody"}).status_code == 404
    assert desk.get(QUEUE, {"queue": SOME_ID}).status_code == 404
    assert desk.get(QUEUE, {"after": SOME_ID}).status_code == 404
    assert post(desk, NEXT, {"queue": SOME_ID}).status_code == 404
    assert desk.get(f"{ANNOTATIONS}/{SOME_ID}").status_code == 404
    assert post(desk, f"{ANNOTATIONS}/{SOME_ID}/undo").status_code == 404
    body = {"slot": SOME_ID, "lease_token": str(uuid4()), "decision": "reject"}
    assert post(desk, ANNOTATIONS, body).status_code == 404
    for step in ("heartbeat", "release", "skip"):
        assert post(desk, f"{QUEUE}/{SOME_ID}/{step}", {"lease_token": str(uuid4())}).status_code == 404


def test_a_late_review_answers_409_and_its_text_is_kept(agent: Agent, sign_in: Any) -> None:
    example = factories.make_example(agent)
    slow, quick = sign_in("expert"), sign_in("expert")
    claimed = claim(slow)
    let_lease_run_out(Slot.objects.get())
    taken = claim(quick)
    late = post(slow, ANNOTATIONS, review(claimed, corrected_output="hours of work"))
    assert late.status_code == 409 and late["Content-Type"] == "application/problem+json"
    kept = ExpertAnnotation.objects.get()
    assert late.json()["annotation_id"] == str(kept.pk) and kept.extra and kept.corrected_output == "hours of work"
    assert AnnotationDraft.objects.get(expert=slow.user).content["corrected_output"] == "hours of work"
    assert post(quick, ANNOTATIONS, review(taken)).status_code == 201
    example.refresh_from_db()
    assert example.expected_output == "positive"


def test_another_experts_token_decides_nothing(agent: Agent, sign_in: Any) -> None:
    example = factories.make_example(agent)
    holder, thief = sign_in("expert"), sign_in("expert")
    claimed = claim(holder)
    stolen = post(thief, ANNOTATIONS, review(claimed, decision="reject"))
    assert stolen.status_code == 409
    heartbeat = f"{QUEUE}/{claimed['item']['slot']}/heartbeat"
    assert post(thief, heartbeat, {"lease_token": claimed["lease_token"]}).status_code == 409
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.PENDING
    assert post(holder, ANNOTATIONS, review(claimed)).status_code == 201


def test_a_review_sent_twice_is_answered_alike_and_stored_once(agent: Agent, desk: Any) -> None:
    factories.make_example(agent)
    body = review(claim(desk))
    first, second = post(desk, ANNOTATIONS, body), post(desk, ANNOTATIONS, body)
    assert (first.status_code, second.status_code) == (201, 201) and first.json() == second.json()
    assert ExpertAnnotation.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"decision": "maybe"}, "decision"),
        ({"clarity": 1.2}, "clarity"),
        ({"completeness": "much"}, "completeness"),
        ({"categories": {"tone": {"score": 11}}}, "categories.tone.score"),
        ({"categories": {"tone": {"score": 3, "mood": 1}}}, "categories.tone.mood"),
        ({"notes": ["x"]}, "notes"),
        ({"seconds_spent": -1}, "seconds_spent"),
        ({"lease_token": None}, "lease_token"),
        ({"example_id": SOME_ID}, "example_id"),
        ({"stage": "final"}, "stage"),
        ({"score": 1}, "score"),
        ({"expert": "somebody else"}, "expert"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_lost(agent: Agent, desk: Any, values: dict[str, Any], field: str) -> None:
    factories.make_example(agent)
    claimed = claim(desk)
    answer = post(desk, ANNOTATIONS, review(claimed) | values)
    assert answer.status_code == 400 and fields(answer) == {field}, answer.json()
    assert claim(desk)["lease_token"] == claimed["lease_token"]
    assert post(desk, ANNOTATIONS, review(claimed)).status_code == 201


def test_a_heartbeat_a_release_and_a_skip_take_the_token(agent: Agent, desk: Any) -> None:
    factories.make_example(agent), factories.make_example(agent)
    claimed = claim(desk)
    address, lease = f"{QUEUE}/{claimed['item']['slot']}", {"lease_token": claimed["lease_token"]}
    held = post(desk, f"{address}/heartbeat", lease)
    assert held.status_code == 200 and held.json()["lease_until"] > claimed["item"]["lease_until"]
    assert post(desk, f"{address}/release", lease).status_code == 204
    assert post(desk, f"{address}/heartbeat", lease).status_code == 409
    again = claim(desk)
    assert again["item"]["slot"] == claimed["item"]["slot"] and again["lease_token"] != claimed["lease_token"]
    assert post(desk, f"{address}/skip", {"lease_token": again["lease_token"]}).status_code == 204
    assert claim(desk)["item"]["slot"] != claimed["item"]["slot"]


def test_a_draft_is_kept_read_and_discarded_by_its_author(agent: Agent, sign_in: Any) -> None:
    example = factories.make_example(agent)
    author, other = sign_in("expert"), sign_in("expert")
    address = f"/api/learning/annotations/drafts/{example.pk}"
    assert author.get(address).status_code == 404
    for notes in ("half", "half a thought"):
        kept = author.put(address, {"content": {"notes": notes}}, content_type="application/json")
        assert kept.status_code == 200
    assert author.get(address).json()["content"] == {"notes": "half a thought"}
    assert claim(author)["draft"] == {"notes": "half a thought"}
    assert other.get(address).status_code == 404
    assert author.delete(address).status_code == 204 and not AnnotationDraft.objects.exists()


def test_a_review_can_be_taken_back_over_the_api(agent: Agent, desk: Any) -> None:
    factories.make_example(agent)
    done = post(desk, ANNOTATIONS, review(claim(desk), notes="hasty")).json()
    back = post(desk, f"{ANNOTATIONS}/{done['id']}/undo")
    assert back.status_code == 200 and back.json()["draft"]["notes"] == "hasty"
    assert post(desk, ANNOTATIONS, review(back.json(), decision="reject")).status_code == 201
    history = desk.get(ANNOTATIONS, {"example": done["example_id"], "current": "false"}).json()["results"]
    current = desk.get(ANNOTATIONS, {"example": done["example_id"]}).json()["results"]
    assert [row["decision"] for row in history] == ["reject", "approve"]
    assert [row["decision"] for row in current] == ["reject"]
    assert history[1]["superseded_by"] == history[0]["id"] and history[1]["withdrawn_at"]
    assert desk.get(f"{ANNOTATIONS}/{done['id']}").json()["notes"] == "hasty"


def test_an_application_acts_for_an_expert_whom_it_names(agent: Agent, api: Any, sign_in: Any) -> None:
    factories.make_example(agent)
    expert, member = sign_in("expert").user, sign_in("member").user
    for named in ({}, {"expert": "nobody"}, {"expert": member.username}):
        refused = api.post(NEXT, named, format="json")
        assert refused.status_code == 400 and fields(refused) == {"expert"}
    claimed = api.post(NEXT, {"expert": expert.username}, format="json").json()
    done = api.post(ANNOTATIONS, review(claimed, expert=expert.username), format="json")
    assert done.status_code == 201 and done.json()["expert"] == expert.username


def test_an_expert_of_another_organization_cannot_be_named(
    agent: Agent, api: Any, other_organization: Any, sign_in: Any
) -> None:
    stranger = sign_in("expert", inside=other_organization).user
    answer = api.post(NEXT, {"expert": stranger.username}, format="json")
    assert answer.status_code == 400 and fields(answer) == {"expert"}


def test_reviews_made_elsewhere_are_recorded_by_applications_and_managers_alone(
    agent: Agent, api: Any, sign_in: Any
) -> None:
    example = factories.make_example(agent)
    expert = sign_in("expert")
    body = {"example_id": str(example.pk), "decision": "reject"}
    assert post(expert, ANNOTATIONS, body).status_code == 403
    assert api.post(ANNOTATIONS, body | {"expert": expert.user.username}, format="json").status_code == 201
    example.refresh_from_db()
    assert example.review_status == ReviewStatus.REJECTED
    assert post(sign_in("manager"), ANNOTATIONS, body).status_code == 201
    assert ExpertAnnotation.objects.count() == 2


def test_members_may_not_review(agent: Agent, sign_in: Any) -> None:
    example = factories.make_example(agent)
    member = sign_in("member")
    assert member.get(QUEUE).status_code == 403 and post(member, NEXT).status_code == 403
    assert member.get(ANNOTATIONS).status_code == 403 and post(member, ANNOTATIONS, {}).status_code == 403
    draft = f"/api/learning/annotations/drafts/{example.pk}"
    assert member.get(draft).status_code == 403
    assert member.put(draft, {"content": {}}, content_type="application/json").status_code == 403
    assert not Slot.objects.exists()


def test_a_key_without_manage_reads_and_cannot_claim(agent: Agent, scope: Any) -> None:
    factories.make_example(agent)
    reader = api_with(factories.make_key(scope, scopes=["read"]))
    assert reader.get(QUEUE).status_code == 200
    assert reader.post(NEXT, {}, format="json").status_code == 403
    sender = api_with(factories.make_key(scope, scopes=["ingest"]))
    assert sender.get(QUEUE).status_code == 403


def test_strangers_are_told_to_send_a_key(anonymous_api: Any) -> None:
    assert anonymous_api.get(QUEUE).status_code == 401
    assert anonymous_api.post(NEXT, {}, format="json").status_code == 401


def test_another_organization_finds_nothing(agent: Agent, desk: Any, sign_in: Any, other_organization: Any) -> None:
    example = factories.make_example(agent)
    claimed = claim(desk)
    done_id = ExpertAnnotation.objects.create(example=example, expert=desk.user, decision="reject").pk
    stranger = sign_in("admin", inside=other_organization)
    slot = claimed["item"]["slot"]
    assert stranger.get(QUEUE).json()["queue"] == []
    assert post(stranger, NEXT).status_code == 204
    assert stranger.get(ANNOTATIONS).json()["results"] == []
    assert stranger.get(f"{ANNOTATIONS}/{done_id}").status_code == 404
    assert post(stranger, f"{ANNOTATIONS}/{done_id}/undo").status_code == 404
    assert post(stranger, ANNOTATIONS, review(claimed)).status_code == 404
    assert post(stranger, ANNOTATIONS, {"example_id": str(example.pk), "decision": "reject"}).status_code == 404
    assert post(stranger, f"{QUEUE}/{slot}/heartbeat", {"lease_token": claimed["lease_token"]}).status_code == 404
    draft = stranger.put(
        f"/api/learning/annotations/drafts/{example.pk}", {"content": {}}, content_type="application/json"
    )
    assert draft.status_code == 404
    assert LearningExample.objects.get().review_status == ReviewStatus.PENDING


def test_as_many_items_are_listed_as_the_settings_say(agent: Agent, desk: Any, settings: Any) -> None:
    settings.ANNOTATION_QUEUE_SIZE = 2
    for _ in range(3):
        factories.make_example(agent)
    fill_queues()
    answer = desk.get(QUEUE).json()
    assert len(answer["queue"]) == 2 and answer["total"] == 3


def test_the_default_size_is_documented() -> None:
    assert settings.ANNOTATION_QUEUE_SIZE == 100
