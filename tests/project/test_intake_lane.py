"""The quick lane answers what it takes as the views would, and hands on the rest."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import resolve

from learning.models import Agent, AgentFeedback, Execution, LearningExample
from organizations.models import KeyKind, Organization
from organizations.scope import organization_scope
from organizations.tokens import mint_feedback_token
from project.gate import Gate
from project.intake_lane import DOORS
from tests import factories
from tests.conftest import api_with

FEEDBACK, EXECUTIONS = "/api/learning/feedback", "/api/learning/executions"
LONG_WAY = {"Accept": "application/json, text/plain"}  # what the lane does not know, REST framework sorts out
THUMB = {"agent_id": "a", "feedback_type": "thumbs_up"}
BODIES = [
    (FEEDBACK, THUMB | {"id": "k"}),
    (FEEDBACK, THUMB | {"rating": 9, "unknown": 1}),
    (FEEDBACK, THUMB | {"feedback_type": "star_rating"}),
    (FEEDBACK, {"feedback_type": "thumbs_up", "execution_id": "unknown"}),
    (FEEDBACK, []),
    (FEEDBACK, THUMB | {"feedback_text": "a\x00b"}),
    (EXECUTIONS, {"agent_id": "a", "execution_id": "e"}),
    (EXECUTIONS, {"agent_id": "", "decisions": [{}]}),
    (f"{FEEDBACK}/batch", {"items": [THUMB | {"id": "b"}, {"feedback_type": "x"}, "text"]}),
    (f"{FEEDBACK}/batch", {"items": []}),
    (f"{EXECUTIONS}/batch", {"items": [{"agent_id": "a", "execution_id": "f"}, {}]}),
    (f"{EXECUTIONS}/batch", {"items": [{"agent_id": "a", "decisions": [{}] * 5001}] * 2}),
]


@pytest.fixture
def layers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that came through the layers of the pages."""
    seen: list[str] = []
    inner = "organizations.middleware.find_actor"
    from organizations.middleware import find_actor

    def noted(request: Any) -> Any:
        seen.append(request.path_info)
        return find_actor(request)

    monkeypatch.setattr(inner, noted)
    return seen


def test_a_page_of_another_origin_takes_the_lane_behind_the_layer_that_lets_it_in(
    organization: Organization, layers: list[str]
) -> None:
    key = factories.make_key(organization, ["feedback"], kind=KeyKind.PUBLISHABLE)
    answer = api_with(key).post(FEEDBACK, THUMB, format="json", headers={"Origin": "https://shop.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert layers == []


def test_one_request_takes_one_place_whichever_way_it_goes(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[int] = []
    monkeypatch.setattr(Gate, "enter", lambda self: not entered.append(1))
    monkeypatch.setattr(Gate, "leave", lambda self: None)
    for headers in ({}, LONG_WAY, {"Origin": "https://shop.example"}):
        del entered[:]
        api.post(FEEDBACK, THUMB, format="json", headers=headers)
        assert entered == [1], headers


@pytest.mark.parametrize("path", DOORS)
def test_a_door_needs_what_its_view_needs(path: str) -> None:
    view = resolve(path).func.cls  # type: ignore[attr-defined]
    assert view.permissions["POST"] == DOORS[path].needed


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_both_ways_give_the_same_answer(api: Any, layers: list[str], path: str, body: Any) -> None:
    api.post(EXECUTIONS, {"agent_id": "a", "execution_id": "known"}, format="json", headers=LONG_WAY)
    del layers[:]
    quick = api.post(path, body, format="json")
    assert layers == []
    long = api.post(path, body, format="json", headers=LONG_WAY)
    assert layers == [path]
    assert (quick.status_code, quick.json()) == (long.status_code, long.json())
    assert int(quick["Content-Length"]) == len(quick.content)
    for header in ("Content-Type", "X-Content-Type-Options", "Referrer-Policy", "Retry-After"):
        assert quick.get(header) == long.get(header), header


def test_both_ways_refuse_the_same_keys(organization: Organization, layers: list[str]) -> None:
    keys = [
        factories.make_key(organization, scopes=["read"]),
        factories.make_key(organization, kind=KeyKind.PUBLISHABLE, allowed_origins=["https://shop.example"]),
    ]
    for path in DOORS:
        for key in keys:
            quick = api_with(key).post(path, THUMB, format="json")
            long = api_with(key).post(path, THUMB, format="json", headers=LONG_WAY)
            assert (quick.status_code, quick.json()) == (403, long.json())
    assert len(layers) == len(DOORS) * len(keys), "half of the requests"


TOKEN_BODIES = [
    {"feedback_type": "thumbs_up"},
    {"feedback_type": "thumbs_up", "agent_id": "another"},
    {"feedback_type": "thumbs_up", "execution_id": "another"},
    {"feedback_type": "thumbs_up", "feedback_text": "another piece of this type"},
    {"feedback_type": "star_rating"},
    {"feedback_type": "report_issue", "issue_categories": ["unheard of"]},
    {"feedback_type": "correction", "correction_text": "Not allowed."},
    [],
]


@pytest.mark.parametrize("body", TOKEN_BODIES)
def test_both_ways_give_the_same_answer_to_a_token(organization: Organization, layers: list[str], body: Any) -> None:
    types = ["thumbs_up", "star_rating", "report_issue"]
    token = mint_feedback_token(factories.make_key(organization), agent_id="a", execution_id="e", types=types)
    page = api_with(token)
    assert page.post(FEEDBACK, {"feedback_type": "thumbs_up"}, format="json").status_code == 201
    quick = page.post(FEEDBACK, body, format="json")
    assert layers == []
    long = page.post(FEEDBACK, body, format="json", headers=LONG_WAY)
    assert layers == [FEEDBACK]
    assert (quick.status_code, quick.json()) == (long.status_code, long.json())


def test_both_ways_store_the_same_by_token(organization: Organization) -> None:
    secret = factories.make_key(organization)
    item = {"feedback_type": "correction", "correction_text": "Rather this.", "feedback_text": "Wrong."}
    for headers in ({}, LONG_WAY):
        token = mint_feedback_token(secret, agent_id="a", execution_id="e", user_id="u")
        assert api_with(token).post(FEEDBACK, item, format="json", headers=headers).status_code == 201
    own = {"id", "created_at", "updated_at", "idempotency_key"}
    with organization_scope(organization.id):
        rows = [{name: row[name] for name in row.keys() - own} for row in AgentFeedback.objects.values()]
        assert LearningExample.objects.count() == 2
    assert len(rows) == 2
    assert rows[0] == rows[1]


def test_both_ways_refuse_a_token_at_the_other_doors(organization: Organization, layers: list[str]) -> None:
    token = mint_feedback_token(factories.make_key(organization), agent_id="a", execution_id="e")
    for path in set(DOORS) - {FEEDBACK}:
        quick = api_with(token).post(path, {}, format="json")
        assert layers == []
        long = api_with(token).post(path, {}, format="json", headers=LONG_WAY)
        assert (quick.status_code, quick.json()) == (403, long.json())
        layers.clear()


@pytest.mark.parametrize("credentials", ["Bearer sk_unknown", "Bearer ft_unknown", "Basic x", "", "Bearer "])
def test_a_key_that_is_not_known_is_handed_on(anonymous_api: Any, layers: list[str], credentials: str) -> None:
    answer = anonymous_api.post(FEEDBACK, THUMB, format="json", headers={"Authorization": credentials})
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert layers == [FEEDBACK]


def test_other_methods_other_types_and_people_are_handed_on(api: Any, sign_in: Any, layers: list[str]) -> None:
    assert api.get(FEEDBACK).status_code == 405
    assert api.post(FEEDBACK, "x", content_type="text/csv").status_code == 415
    assert sign_in("member").post(FEEDBACK, THUMB, content_type="application/json").status_code == 400
    assert layers == [FEEDBACK] * 3


def test_an_earlier_spelling_and_a_slash_reach_the_lane(api: Any, layers: list[str]) -> None:
    for path in (f"{FEEDBACK}/", "/api/v2/learning/feedback"):
        assert api.post(path, THUMB, format="json").status_code == 201
    assert layers == []


def test_a_page_of_another_origin_may_read_the_answer(organization: Organization, layers: list[str]) -> None:
    page = api_with(factories.make_key(organization, kind=KeyKind.PUBLISHABLE))
    answer = page.post(FEEDBACK, THUMB, format="json", headers={"Origin": "https://shop.example"})
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (400, "*")
    assert layers == []


def test_a_refused_request_leaves_nothing(api: Any, organization: Organization) -> None:
    api.post(f"{FEEDBACK}", THUMB | {"agent_id": "new", "feedback_type": "star_rating"}, format="json")
    api.post(EXECUTIONS, {"agent_id": "new", "config_id": "01990000-0000-7000-8000-000000000000"}, format="json")
    with organization_scope(organization.id):
        assert AgentFeedback.objects.count() == Execution.objects.count() == 0
        assert Agent.objects.count() == 0
