"""Examples, demonstrations and preferences, given directly; and agents."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from learning.models import Agent
from organizations.models import AuditEvent, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.conftest import api_with
from tests.learning.api.test_executions import RUN, errors

ROOT = "/api/learning"
GIVEN = {"agent_id": "cook", "input_text": "How long does an egg take?", "expected_output": "Eight minutes."}


@pytest.fixture
def cook(organization: Organization) -> Agent:
    with organization_scope(organization.id):
        return factories.make_agent(external_id="cook", domain="kitchen")


@pytest.mark.parametrize(
    ("path", "more", "stored"),
    [
        ("examples", {"example_type": "edge_case", "tags": ["eggs"], "complexity": 2}, ("edge_case", "import")),
        ("examples", {"example_type": "correction", "source_type": "benchmark"}, ("correction", "benchmark")),
        ("demonstrations", {"task_type": "timing"}, ("demonstration", "demonstration")),
        ("preferences", {"rejected_output": "An hour."}, ("preference", "import")),
        (
            "preferences",
            {"rejected_output": "An hour.", "source_type": "expert_review"},
            ("preference", "expert_review"),
        ),
    ],
)
def test_an_example_is_given_and_waits_for_review(
    api: Any, cook: Agent, organization: Organization, path: str, more: dict[str, Any], stored: tuple[str, str]
) -> None:
    answer = api.post(f"{ROOT}/{path}", GIVEN | more, format="json")
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["example_type"], shown["source_type"]) == stored
    assert (shown["review_status"], shown["domain"]) == ("pending", "kitchen")
    assert (GIVEN | more).items() <= shown.items()
    assert api.get(f"{ROOT}/examples/{shown['id']}").json() == shown
    assert api.get(f"{ROOT}/{path}").json()["results"] == [shown]
    with organization_scope(organization.id):
        assert AuditEvent.objects.filter(action="example.created", target_id=shown["id"]).exists()


def test_an_example_may_name_its_execution(api: Any, cook: Agent) -> None:
    run = api.post(f"{ROOT}/executions", RUN | {"agent_id": "cook"}, format="json").json()
    body = GIVEN | {"execution_id": "exec-123"}
    shown = api.post(f"{ROOT}/demonstrations", body, format="json").json()
    assert shown["source_execution_id"] == run["id"]
    assert list(errors(api.post(f"{ROOT}/demonstrations", body | {"execution_id": "no"}, format="json"))) == [
        "execution_id"
    ]


@pytest.mark.parametrize(
    ("path", "change", "field"),
    [
        ("examples", {"example_type": "joke"}, "example_type"),
        ("examples", {"example_type": "positive", "source_type": "user_feedback"}, "source_type"),
        ("examples", {"example_type": "correction", "expected_output": " "}, "expected_output"),
        ("examples", {"example_type": "preference"}, "rejected_output"),
        ("examples", {"example_type": "positive", "complexity": 6}, "complexity"),
        ("examples", {"example_type": "positive", "quality_score": 1.1}, "quality_score"),
        ("examples", {"example_type": "positive", "tags": ["x" * 51]}, "tags.0"),
        ("examples", {"example_type": "positive", "review_status": "approved"}, "review_status"),
        ("demonstrations", {"expected_output": ""}, "expected_output"),
        ("demonstrations", {"input_text": None}, "input_text"),
        ("preferences", {}, "rejected_output"),
        ("preferences", {"rejected_output": "x" * 100_001}, "rejected_output"),
    ],
)
def test_a_bad_example_is_refused_by_the_name_of_the_field(
    api: Any, cook: Agent, path: str, change: dict[str, Any], field: str
) -> None:
    answer = api.post(f"{ROOT}/{path}", GIVEN | change, format="json")
    assert answer.status_code == 400
    assert list(errors(answer)) == [field]


def test_an_example_of_an_unknown_agent_is_not_found(api: Any) -> None:
    assert api.post(f"{ROOT}/demonstrations", GIVEN, format="json").status_code == 404


def test_giving_examples_takes_the_scope_manage_or_the_role_manager(
    cook: Agent, organization: Organization, sign_in: Any
) -> None:
    limited = api_with(factories.make_key(organization, scopes=["ingest", "read"]))
    for path, body in (
        ("examples", GIVEN | {"example_type": "positive"}),
        ("demonstrations", GIVEN),
        ("preferences", GIVEN | {"rejected_output": "An hour."}),
        ("agents", {"agent_id": "waiter"}),
    ):
        assert limited.post(f"{ROOT}/{path}", body, format="json").status_code == 403
        expert, manager = sign_in("expert"), sign_in("manager")
        assert expert.post(f"{ROOT}/{path}", body, content_type="application/json").status_code == 403
        assert manager.post(f"{ROOT}/{path}", body, content_type="application/json").status_code == 201
        # Experts could look up the answers of gold items, so examples are for managers.
        assert expert.get(f"{ROOT}/{path}").status_code == (200 if path == "agents" else 403)
        assert manager.get(f"{ROOT}/{path}").status_code == 200


def test_examples_are_filtered(api: Any, cook: Agent, organization: Organization) -> None:
    with organization_scope(organization.id):
        approved = factories.make_example(cook, review_status="approved")
        factories.make_example(factories.make_agent(), example_type="negative")
    shown = api.get(f"{ROOT}/examples", {"agent_id": "cook", "review_status": "approved"}).json()["results"]
    assert [row["id"] for row in shown] == [str(approved.pk)]
    assert len(api.get(f"{ROOT}/examples", {"example_type": "negative"}).json()["results"]) == 1
    assert list(errors(api.get(f"{ROOT}/examples", {"review_status": "x"}))) == ["review_status"]


def test_another_organizations_examples_and_agents_do_not_exist(
    other_api: Any, cook: Agent, organization: Organization
) -> None:
    with organization_scope(organization.id):
        example = factories.make_example(cook)
    assert other_api.get(f"{ROOT}/examples/{example.pk}").status_code == 404
    assert other_api.get(f"{ROOT}/agents/cook").status_code == 404
    assert other_api.get(f"{ROOT}/agents/{cook.pk}").status_code == 404
    assert other_api.patch(f"{ROOT}/agents/cook", {"name": "x"}, format="json").status_code == 404
    assert other_api.get(f"{ROOT}/examples").json()["results"] == []


class TestAgents:
    def test_an_agent_is_registered_shown_and_changed(self, api: Any, organization: Organization) -> None:
        made = api.post(f"{ROOT}/agents", {"agent_id": "cook", "domain": "kitchen"}, format="json")
        assert made.status_code == 201
        assert (made.json()["agent_id"], made.json()["name"]) == ("cook", "cook")
        changed = api.patch(f"{ROOT}/agents/cook", {"name": "The cook", "task_types": ["timing"]}, format="json")
        assert changed.json() == made.json() | {"name": "The cook", "task_types": ["timing"]}
        assert api.get(f"{ROOT}/agents/{made.json()['id']}").json() == changed.json()
        assert api.get(f"{ROOT}/agents").json()["results"] == [changed.json()]
        with organization_scope(organization.id):
            event = AuditEvent.objects.get(action="agent.updated")
            assert (event.before["name"], event.after["name"]) == ("cook", "The cook")

    @pytest.mark.parametrize(
        "name", ["second bot ü", "a?b#c", "50%", "a%2Fb", "back\\slash", "...", "v1.2", "a;b&c=d+e"]
    )
    def test_every_name_that_is_taken_is_found_at_its_address(self, api: Any, name: str) -> None:
        assert api.post(f"{ROOT}/agents", {"agent_id": name}, format="json").status_code == 201
        assert api.get(f"{ROOT}/agents/{quote(name, safe='')}").json()["agent_id"] == name
        assert api.get(f"{ROOT}/agents/{quote(name, safe='')}/configs").status_code == 200

    def test_a_name_is_taken_once(self, api: Any, other_api: Any, cook: Agent) -> None:
        answer = api.post(f"{ROOT}/agents", {"agent_id": "cook"}, format="json")
        assert answer.status_code == 409
        assert list(errors(answer)) == ["agent_id"]
        assert other_api.post(f"{ROOT}/agents", {"agent_id": "cook"}, format="json").status_code == 201

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "agent_id"),
            ({"agent_id": "a", "name": ""}, "name"),
            ({"agent_id": "a", "serving_config": "x"}, "serving_config"),
            *(({"agent_id": name}, "agent_id") for name in ("second bot/ü", "/", ".", "..", "two\nlines")),
        ],
    )
    def test_a_bad_agent_is_refused(self, api: Any, body: dict[str, Any], field: str) -> None:
        assert list(errors(api.post(f"{ROOT}/agents", body, format="json"))) == [field]


def test_the_list_is_narrowed_by_every_filter_it_names(api: Any, cook: Agent) -> None:
    shown = [api.post(f"{ROOT}/demonstrations", GIVEN | more, format="json").json() for more in (
        {"tags": ["eggs"], "quality_score": 0.9}, {"domain": "bakery"})]  # fmt: skip
    ids = [one["id"] for one in shown]
    for asked, found in (
        ({"tag": "eggs"}, [0]), ({"domain": "bakery"}, [1]), ({"quality_from": "0.5"}, [0]),
        ({"agent_id": "cook"}, [1, 0]),
        ({"flag": "none"}, [1, 0]), ({"flag": "unsafe"}, []), ({"review_status": "pending", "tag": "eggs"}, [0]),
    ):  # fmt: skip
        answer = api.get(f"{ROOT}/examples", asked)
        assert [one["id"] for one in answer.json()["results"]] == [ids[place] for place in found], asked
    for asked, field in (({"flag": "x"}, "flag"), ({"quality": "1"}, "quality"), ({"since": "soon"}, "since")):
        assert list(errors(api.get(f"{ROOT}/examples", asked))) == [field]
    assert api.get(f"{ROOT}/examples", {"agent_id": "nobody"}).status_code == 404


def test_one_action_on_many_examples_is_a_job_that_can_be_undone(api: Any, cook: Agent) -> None:
    kept = api.post(f"{ROOT}/demonstrations", GIVEN, format="json").json()["id"]
    body = {"filter": {"agent_id": "cook"}, "except": [kept], "action": {"name": "tag", "tags": ["egg"]}}
    answer = api.post(f"{ROOT}/examples/bulk", body, format="json")
    assert answer.status_code == 202
    job = api.get(answer.json()["url"]).json()
    assert (job["kind"], job["title"], job["status"]) == ("bulk_action", "Tag examples: egg", "pending")
    undone = api.post(f"{answer.json()['url']}/undo")
    assert undone.status_code == 409 and "Cancel it first" in undone.json()["detail"]
    for change, field in (
        ({"action": {"name": "burn"}}, "action.name"), ({"action": {"name": "tag"}}, "action.tags"),
        ({"filter": {"colour": "red"}}, "filter.colour"), ({"except": ["x"]}, "except.0"),
    ):  # fmt: skip
        assert list(errors(api.post(f"{ROOT}/examples/bulk", body | change, format="json"))) == [field]
