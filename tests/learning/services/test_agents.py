"""Configs: numbered, checked, immutable, and served only when approved."""

from __future__ import annotations

import pytest

from learning.models import Agent
from learning.services import agents
from organizations.errors import Conflict, Refused
from organizations.models import AuditEvent, Organization
from tests import factories


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent()


def test_the_first_config_is_approved_and_the_next_is_a_draft(agent: Agent) -> None:
    first = agents.create_first_config(agent=agent, content=factories.CONTENT)
    draft = agents.create_draft_config(agent=agent, content=factories.CONTENT | {"system_prompt": "x"}, parent=first)
    assert (first.number, first.status) == (1, "approved")
    assert (draft.number, draft.status, draft.parent) == (2, "draft", first)
    assert AuditEvent.objects.filter(action="agentconfig.created").count() == 2


def test_a_second_first_config_is_refused(agent: Agent) -> None:
    agents.create_first_config(agent=agent, content=factories.CONTENT)
    with pytest.raises(Conflict, match="goes through the gate"):
        agents.create_first_config(agent=agent, content=factories.CONTENT)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"system_prompt": 3}, "system_prompt"),
        ({"input_template": "no place"}, "input_template"),
        ({"examples": "none"}, "examples"),
        ({"parameters": []}, "parameters"),
    ],
)
def test_a_content_that_cannot_be_asked_with_is_refused(agent: Agent, content: dict[str, object], named: str) -> None:
    with pytest.raises(Refused, match=named):
        agents.create_first_config(agent=agent, content=content)


def test_equal_contents_have_equal_hashes(agent: Agent) -> None:
    one = agents.create_draft_config(agent=agent, content=factories.CONTENT)
    two = agents.create_draft_config(agent=agent, content=dict(reversed(factories.CONTENT.items())))
    assert one.content_hash == two.content_hash


def test_a_config_that_was_not_approved_cannot_serve(agent: Agent) -> None:
    draft = agents.create_draft_config(agent=agent, content=factories.CONTENT)
    with pytest.raises(Refused, match="only an approved config"):
        agents.set_serving_config(agent=agent, config=draft)


def test_another_agents_config_cannot_serve(agent: Agent) -> None:
    with pytest.raises(Refused, match="another agent"):
        agents.set_serving_config(agent=agent, config=factories.make_config(factories.make_agent()))


def test_what_is_written_first_is_approved_and_what_follows_goes_through_the_gate(agent: Agent) -> None:
    first, none = agents.write_config(agent=agent, content=factories.CONTENT)
    draft, report = agents.write_config(agent=agent, content=factories.CONTENT | {"system_prompt": "x"})
    assert (first.status, none) == ("approved", None)
    assert report is not None
    assert (draft.status, report.config, report.status) == ("draft", draft, "pending")
