"""A new agent on one page: registered, told what it does today, and served to applications at once."""

from __future__ import annotations

from typing import Any

from experiments.models import Deployment
from learning.models import Agent, AgentConfig
from organizations.models import Organization
from tests import factories

PAGE = "/admin/learning/agents/new/"
ANSWERS = {
    "external_id": "support-bot", "name": "", "system_prompt": "Be brief.", "input_template": "{input}",
    "model": "m", "max_tokens": "60", "temperature": "0.2",
}  # fmt: skip


def test_an_introduced_agent_serves_what_was_told(sign_in: Any, api: Any) -> None:
    assert sign_in("admin").post(PAGE, ANSWERS).status_code == 302
    config = api.get("/api/learning/agents/support-bot/config?user_id=u1").json()
    assert config["content"]["system_prompt"] == "Be brief."
    assert config["content"]["parameters"]["max_tokens"] == 60


def test_a_config_travels_only_when_it_changed(scope: Organization, sign_in: Any, api: Any) -> None:
    sign_in("admin").post(PAGE, ANSWERS)
    asked = "/api/learning/agents/support-bot/config?user_id=u1"
    tag = api.get(asked)["ETag"]
    known = api.get(asked, headers={"If-None-Match": tag})
    assert (known.status_code, known.content, known["ETag"]) == (304, b"", tag)
    config = factories.make_config(Agent.objects.get(), content={"system_prompt": "Be long.", "model": "m"})
    Agent.objects.update(serving_config=config)
    changed = api.get(asked, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["config_number"]) == (200, config.number)


def test_an_agent_that_only_sent_executions_is_taken_as_it_is(scope: Organization, sign_in: Any) -> None:
    agent = factories.make_agent(external_id="support-bot")
    sign_in("admin").post(PAGE, ANSWERS)
    assert Agent.objects.get().pk == agent.pk and Deployment.objects.get().agent_id == agent.pk


def test_a_known_agent_with_a_config_is_left_alone(scope: Organization, sign_in: Any) -> None:
    factories.make_config(factories.make_agent(external_id="support-bot"))
    answer = sign_in("admin").post(PAGE, ANSWERS)
    assert "has a config already" in answer.content.decode()
    assert AgentConfig.objects.count() == 1 and not Deployment.objects.exists()


def test_what_cannot_be_asked_with_leaves_no_agent_behind(scope: Organization, sign_in: Any) -> None:
    answer = sign_in("admin").post(PAGE, ANSWERS | {"input_template": "no place"})
    assert answer.status_code == 200 and "{input}" in answer.content.decode()
    assert not Agent.objects.exists()


def test_only_administrators_introduce_agents(sign_in: Any) -> None:
    assert sign_in("manager").post(PAGE, ANSWERS).status_code == 403


def test_a_name_that_fits_no_address_is_refused_beside_its_field(scope: Organization, sign_in: Any) -> None:
    form = sign_in("admin").post(PAGE, ANSWERS | {"external_id": "second bot/ü"}).context["form"]
    assert "no slash" in str(form.errors["external_id"]) and not Agent.objects.exists()
