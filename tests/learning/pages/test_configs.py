"""Writing a config by hand: the form is filled in with what serves, and says at which field something is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from learning.models import Agent, AgentConfig
from learning.services.agents import set_serving_config
from organizations.models import Organization
from tests import factories

FORM = {"system_prompt": "Be brief.", "input_template": "{input}", "model": "m", "max_tokens": 8, "temperature": 0}
EXAMPLES = [{"input": "Where is it?", "output": "late"}, {"input": "How much?", "output": "estimate"}]


@pytest.fixture
def agent(scope: Organization) -> Agent:
    agent = factories.make_agent(name="Critic")
    content = {"system_prompt": "One word.", "examples": EXAMPLES, "input_template": "Mail: {input}", "retries": 2}
    set_serving_config(agent=agent, config=factories.make_config(agent, content=content))
    return agent


def new(agent: Agent) -> str:
    return f"/admin/learning/agents/{agent.pk}/configs/new/"


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def newest(agent: Agent) -> AgentConfig:
    return agent.configs.order_by("-number")[0]


def test_the_form_is_filled_in_with_what_serves_and_shows_its_examples(sign_in: Any, agent: Agent) -> None:
    page = text(sign_in("admin").get(new(agent)))
    for expected in ("One word.</textarea>", 'value="Mail: {input}"', "Where is it?", "How much?", "which serves now"):
        assert expected in page, expected


def test_what_the_form_does_not_ask_for_is_taken_over(sign_in: Any, agent: Agent) -> None:
    sign_in("admin").post(new(agent), FORM | {"keep_examples": "on"})
    content = newest(agent).content
    assert content["examples"] == EXAMPLES
    assert (content["system_prompt"], content["retries"], content["parameters"]["seed"]) == ("Be brief.", 2, 1)


def test_examples_are_left_out_when_a_person_says_so(sign_in: Any, agent: Agent) -> None:
    sign_in("admin").post(new(agent), FORM)
    assert newest(agent).content["examples"] == []


def test_examples_that_are_chosen_for_each_question_are_told_kept_and_left_out_with_their_number(
    sign_in: Any, scope: Organization
) -> None:
    agent = factories.make_agent()
    content = {"examples": EXAMPLES * 4, "nearest_examples": 3}
    set_serving_config(agent=agent, config=factories.make_config(agent, content=content))
    client = sign_in("admin")
    assert "8 examples; with each question the 3 most like it are shown" in text(client.get(new(agent)))
    assert ">3 of 8</td>" in text(client.get(f"/admin/learning/agents/{agent.pk}/"))
    client.post(new(agent), FORM | {"keep_examples": "on"})
    assert (newest(agent).content["nearest_examples"], len(newest(agent).content["examples"])) == (3, 8)
    client.post(new(agent), FORM)
    assert "nearest_examples" not in newest(agent).content
    agent.configs.update(content={"examples": EXAMPLES, "nearest_examples": 30})
    assert ">2</td>" in text(client.get(f"/admin/learning/agents/{agent.pk}/"))


def test_a_template_without_a_place_for_the_input_is_said_at_its_field(sign_in: Any, agent: Agent) -> None:
    page = text(sign_in("admin").post(new(agent), FORM | {"input_template": "Mail:"}))
    at = page.index('id="id_input_template_error"')
    assert page[at:].startswith('id="id_input_template_error">The input template must contain {input}')
    assert agent.configs.count() == 1


def test_a_draft_is_compared_with_an_approved_config_before_anything_serves(sign_in: Any, scope: Organization) -> None:
    agent = factories.make_agent()
    first = factories.make_config(agent)
    sign_in("admin").post(new(agent), FORM)
    assert newest(agent).parent == first


def test_the_deploy_button_carries_the_config_and_is_gone_when_it_serves(sign_in: Any, agent: Agent) -> None:
    client = sign_in("admin")
    address = f"/admin/learning/agents/{agent.pk}/"
    assert "deploy-config" not in text(client.get(address))
    waiting = factories.make_config(agent)
    link = f"/admin/learning/deployments/new/?config={waiting.pk}"
    assert f'href="{link}"' in text(client.get(address))
    assert f'value="{waiting.pk}" selected' in text(client.get(link))
