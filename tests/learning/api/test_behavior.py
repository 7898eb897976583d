from __future__ import annotations

from typing import Any

import pytest

from learning.models import ActionCorrection, Agent, Demonstration
from tests import factories
from tests.conftest import api_with

pytestmark = pytest.mark.django_db
BASE = "/api/learning"
CHAT = [
    {"role": "user", "content": "Where is order 7?"},
    {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "find", "arguments": '{"order": 7}'}}]},
    {"role": "tool", "tool_call_id": "c", "content": "lost"},
    {"role": "assistant", "content": "It is lost."},
]


def test_a_demonstration_is_given_step_by_step_and_shown_again(api: Any, agent: Agent) -> None:
    steps = [{"observation": "hi", "action": {"name": "greet", "arguments": {"loud": True}}, "outcome": "Error: no"}]
    body = {"agent_id": "critic", "steps": steps, "reward": 1, "case": "t1", "external_id": "d1"}
    made = api.post(f"{BASE}/demonstrations", body, format="json")

    assert made.status_code == 201, made.content
    assert made.json()["expected_output"] == "1. greet(loud=true)\n   -> Error: no"
    shown = api.get(f"{BASE}/demonstrations/{made.json()['id']}/steps").json()
    assert shown["steps"][0] | {"failed": True, "action": "greet"} == shown["steps"][0]
    assert (shown["agent_id"], shown["reward"], shown["case"]) == ("critic", 1.0, "t1")
    again = api.post(f"{BASE}/demonstrations", body, format="json")
    assert again.status_code == 409


def test_a_demonstration_may_be_a_chat_or_still_a_text(api: Any, agent: Agent) -> None:
    chat = api.post(f"{BASE}/demonstrations", {"agent_id": "critic", "messages": CHAT}, format="json")
    assert chat.json()["input_text"] == "Where is order 7?"
    text = {"agent_id": "critic", "input_text": "q", "expected_output": "a"}
    assert api.post(f"{BASE}/demonstrations", text, format="json").status_code == 201
    assert Demonstration.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "input_text"),
        ({"steps": []}, "steps"),
        ({"steps": [{"observation": "x"}]}, "steps"),
        ({"steps": [{"observation": "x", "action": {"name": ""}}]}, "steps"),
        ({"messages": [{"role": "user", "content": "x"}]}, "messages"),
        ({"messages": CHAT, "reward": 2}, "reward"),
        ({"messages": CHAT, "steps": [{"observation": "x", "action": {"name": "a"}}]}, "messages"),
    ],
)
def test_a_bad_demonstration_is_refused_naming_the_field(api: Any, agent: Agent, body: dict, field: str) -> None:
    answer = api.post(f"{BASE}/demonstrations", {"agent_id": "critic", **body}, format="json")
    assert answer.status_code == 400, answer.content
    assert any(one["field"].startswith(field) for one in answer.json()["errors"]), answer.json()


def test_chats_are_imported_together(api: Any, agent: Agent) -> None:
    body = {
        "agent_id": "critic",
        "chats": [{"id": "a", "messages": CHAT, "reward": 0.5}, {"id": "b", "messages": CHAT}],
    }
    first = api.post(f"{BASE}/demonstrations/import", body, format="json")
    assert (first.status_code, first.json()["stored"]) == (201, 2), first.content
    assert api.post(f"{BASE}/demonstrations/import", body, format="json").json()["left_out"] == 2


def test_an_action_is_put_right_and_counted(api: Any, agent: Agent) -> None:
    body = {
        "agent_id": "critic",
        "original_action": {"name": "refund", "arguments": {"order": "7"}},
        "corrected_action": {"name": "look_up", "arguments": {"order": "7"}},
        "explanation": "look first",
        "context": {"observation": "my money back", "past": ["respond"]},
    }
    made = api.post(f"{BASE}/action-corrections", body, format="json")
    assert made.status_code == 201, made.content
    assert made.json()["kind"] == "wrong_action"
    assert api.get(f"{BASE}/action-corrections").json()["results"][0]["id"] == made.json()["id"]
    trends = api.get(f"{BASE}/agents/critic/correction-trends").json()
    assert (trends[0]["kind"], trends[0]["name"], trends[0]["counts"]) == ("wrong_action", "Another action", [1])
    same = api.post(f"{BASE}/action-corrections", body | {"corrected_action": body["original_action"]}, format="json")
    assert same.status_code == 400 and same.json()["errors"][0]["field"] == "corrected_action"


def test_a_correction_of_another_agents_config_is_refused(api: Any, agent: Agent) -> None:
    config = factories.make_config(factories.make_agent())
    body = {"agent_id": "critic", "corrected_action": {"name": "a"}, "context": {"observation": "x"}}
    answer = api.post(f"{BASE}/action-corrections", body | {"config_id": str(config.pk)}, format="json")
    assert answer.status_code == 400 and not ActionCorrection.objects.exists()


def test_a_policy_update_says_what_is_missing(api: Any, agent: Agent) -> None:
    answer = api.post(f"{BASE}/policy-updates", {"agent_id": "critic", "strategy": "imitation"}, format="json")
    assert answer.status_code == 400
    assert "dataset version" in answer.json()["errors"][0]["message"]


def test_a_key_that_may_only_send_puts_nothing_right(organization: Any, agent: Agent) -> None:
    api = api_with(factories.make_key(organization, scopes=["ingest"]))
    body = {"agent_id": "critic", "corrected_action": {"name": "a"}, "context": {"observation": "x"}}
    assert api.post(f"{BASE}/action-corrections", body, format="json").status_code == 403
    assert (
        api.post(f"{BASE}/demonstrations", {"agent_id": "critic", "messages": CHAT}, format="json").status_code == 403
    )


def test_demonstrations_of_recorded_executions_are_made_by_a_job(api: Any, agent: Agent) -> None:
    recorded = f"{BASE}/demonstrations/from-executions"
    nothing = api.post(recorded, {"agent_id": "critic"}, format="json")
    assert nothing.status_code == 400 and "No execution of this agent" in str(nothing.json())
    factories.make_execution(agent)
    started = api.post(recorded, {"agent_id": "critic", "feedback": "none"}, format="json")
    assert started.status_code == 202, started.content
    told = api.get(started.json()["url"]).json()
    assert (told["kind"], told["status"], told["title"]) == (
        "demonstrations",
        "pending",
        f"Demonstrations of {agent.name}",
    )
    for wrong, field in (
        ({"feedback": "loud"}, "feedback"),
        ({"until": "2001-01-01T00:00Z", "since": "2002-01-01T00:00Z"}, "until"),
    ):
        refused = api.post(recorded, {"agent_id": "critic"} | wrong, format="json")
        assert refused.status_code == 400 and field in str(refused.json()), field


def test_trends_of_one_config_are_asked_for_by_its_id(api: Any, agent: Agent) -> None:
    address, config = f"{BASE}/agents/critic/correction-trends", agent.configs.get()
    body = {"agent_id": "critic", "original_action": {"name": "a"}, "corrected_action": {"name": "b"},
            "context": {"observation": "hi"}}  # fmt: skip
    for more in ({}, {"config_id": str(config.pk)}):
        assert api.post(f"{BASE}/action-corrections", body | more, format="json").status_code == 201
    assert [one["counts"] for one in api.get(address).json()] == [[2]]
    assert [one["counts"] for one in api.get(f"{address}?config_id={config.pk}").json()] == [[1]]
    stranger = factories.make_config(factories.make_agent())
    assert "belongs to another agent" in str(api.get(f"{address}?config_id={stranger.pk}").json())
    assert api.get(f"{address}?config_id=x").status_code == 400
