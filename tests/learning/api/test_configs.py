"""Configs over HTTP and on the page: an application can begin without anybody's help."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from learning.models import Agent, AgentConfig
from organizations.models import Organization
from tests import factories

CONTENT = {"system_prompt": "Answer briefly.", "model": "m", "parameters": {"temperature": 0}}


def test_the_first_config_is_written_deployed_and_served(api: APIClient) -> None:
    api.post("/api/learning/agents", {"agent_id": "shop"}, format="json")
    written = api.post("/api/learning/agents/shop/configs", {"content": CONTENT}, format="json")
    assert (written.status_code, written.json()["status"]) == (201, "approved")
    body = {"agent_id": "shop", "config_id": written.json()["id"]}
    assert api.post("/api/learning/deployments", body, format="json").status_code == 201
    served = api.get("/api/learning/agents/shop/config?user_id=u1").json()
    assert served["content"]["system_prompt"] == "Answer briefly."
    assert [one["number"] for one in api.get("/api/learning/agents/shop/configs").json()] == [1]


def test_a_config_may_choose_its_examples_for_each_question(api: APIClient) -> None:
    api.post("/api/learning/agents", {"agent_id": "shop"}, format="json")
    content = CONTENT | {"examples": [{"input": f"q{n}", "output": "a"} for n in range(9)], "nearest_examples": 4}
    written = api.post("/api/learning/agents/shop/configs", {"content": content}, format="json").json()
    assert written["content"]["nearest_examples"] == 4
    assert len(written["content"]["examples"]) == 9


def test_a_later_config_waits_for_the_gate(api: APIClient) -> None:
    api.post("/api/learning/agents", {"agent_id": "shop"}, format="json")
    for status in ("approved", "draft"):
        answer = api.post("/api/learning/agents/shop/configs", {"content": CONTENT}, format="json").json()
        assert answer["status"] == status
    assert answer["gate_report_id"]
    body = {"agent_id": "shop", "config_id": answer["id"]}
    assert api.post("/api/learning/deployments", body, format="json").status_code == 409


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"input_template": "no place"}, "content"),
        ({"surprise": 1}, "content.surprise"),
        ({"examples": [{"input": "x"}]}, "content.examples.0.output"),
        ({"parameters": []}, "content.parameters"),
        ({"nearest_examples": 101}, "content.nearest_examples"),
        ({"nearest_examples": "four"}, "content.nearest_examples"),
    ],
)
def test_a_bad_content_names_its_field(api: APIClient, content: dict[str, Any], field: str) -> None:
    api.post("/api/learning/agents", {"agent_id": "shop"}, format="json")
    answer = api.post("/api/learning/agents/shop/configs", {"content": content}, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_a_key_without_manage_cannot_write_a_config(api: APIClient, organization: Organization) -> None:
    from tests.conftest import api_with

    api.post("/api/learning/agents", {"agent_id": "shop"}, format="json")
    reader = api_with(factories.make_key(organization, scopes=["read", "ingest"]))
    assert reader.post("/api/learning/agents/shop/configs", {"content": CONTENT}, format="json").status_code == 403


def test_an_administrator_tells_what_the_agent_does_today(sign_in: Any, scope: Organization) -> None:
    agent = factories.make_agent(name="Shop")
    form = {"system_prompt": "Hello", "input_template": "{input}", "model": "m", "max_tokens": 9, "temperature": 0}
    page = sign_in("admin").post(f"/admin/learning/agents/{agent.pk}/configs/new/", form, follow=True)
    assert b"Config 1 is written" in page.content
    assert AgentConfig.objects.get().content["parameters"] == {"temperature": 0.0, "max_tokens": 9}
    assert Agent.objects.get().serving_config is None


def test_a_template_without_a_place_for_the_input_is_explained(sign_in: Any, scope: Organization) -> None:
    agent = factories.make_agent()
    form = {"system_prompt": "Hello", "input_template": "nothing", "model": "m", "max_tokens": 9, "temperature": 0}
    page = sign_in("admin").post(f"/admin/learning/agents/{agent.pk}/configs/new/", form)
    assert b"must contain {input}" in page.content
