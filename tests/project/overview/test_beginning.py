"""The dashboard of an organization that begins leads through the first steps."""

from __future__ import annotations

import re
from typing import Any

import pytest

from experiments.services.introduction import introduce_agent
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.conftest import api_with

DASHBOARD = "/admin/learning/"
STEPS = ["Introduce your agent", "Make an API key", "Send an execution", "Leave feedback", "Review a correction"]
LINKS = [
    "/admin/learning/agents/new/", "/admin/learning/keys/", "/admin/learning/executions/", "/demo/",
    "/admin/learning/annotation/",
]  # fmt: skip


def shown(client: Any) -> str:
    """The card of the first steps; empty when it is not there."""
    page = client.get(DASHBOARD).content.decode()
    return str(page.partition('data-testid="beginning"')[2].partition("</section>")[0])


def states(card: str) -> list[str]:
    return re.findall(r'<li class="step" data-state="(\w*)"', card)


def links(card: str) -> list[str]:
    return re.findall(r'href="([^"]+)"', card)


def test_an_administrator_is_led_from_the_agent_to_the_first_review(sign_in: Any) -> None:
    client = sign_in("admin")
    card = shown(client)
    assert re.findall(r"<a [^>]+>(.*?)</a>", card) == STEPS and links(card) == LINKS
    assert states(card) == ["now", "", "", "", ""]
    assert all(client.get(link).status_code == 200 for link in links(card))


def test_each_step_is_ticked_off_as_it_is_done_and_after_the_last_the_card_is_gone(
    sign_in: Any, organization: Organization
) -> None:
    client = sign_in("admin")
    with organization_scope(organization.id):
        introduce_agent(external_id="shop", content=factories.CONTENT)
    assert states(shown(client)) == ["done", "now", "", "", ""]
    api = api_with(factories.make_key(organization))
    assert states(shown(client)) == ["done", "done", "now", "", ""]
    run = {"agent_id": "shop", "execution_id": "e1", "input": "Where is it?", "output": "On its way."}
    assert api.post("/api/learning/executions", run, format="json").status_code == 201
    assert states(shown(client)) == ["done", "done", "done", "now", ""]
    said = {"execution_id": "e1", "feedback_type": "correction", "correction_text": "In Lyon."}
    assert api.post("/api/learning/feedback", said, format="json").status_code == 201
    card = shown(client)
    assert states(card) == ["done", "done", "done", "done", "now"] and links(card) == LINKS[4:]
    with organization_scope(organization.id):
        example = factories.make_example(factories.make_agent())
    review = {"example_id": str(example.pk), "decision": "approve", "expert": client.user.username}
    assert api.post("/api/learning/annotations", review, format="json").status_code == 201
    assert shown(client) == ""


@pytest.mark.parametrize(("role", "open_to_them"), [("member", [3]), ("expert", [3, 4]), ("manager", [2, 3, 4])])
def test_a_step_leads_only_those_who_may_take_it_and_names_who_may(
    sign_in: Any, role: str, open_to_them: list[int]
) -> None:
    card = shown(sign_in(role))
    assert links(card) == [LINKS[number] for number in open_to_them]
    assert "Introduce your agent (administrator)" in card and "Make an API key (administrator)" in card


def test_an_organization_that_publishes_datasets_has_begun(sign_in: Any, organization: Organization) -> None:
    with organization_scope(organization.id):
        factories.make_published_version(factories.make_agent())
    assert shown(sign_in("admin")) == ""


def test_while_the_demo_plays_it_takes_the_steps(sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    playing = {"step": 1, "steps": 15, "text": "Importing", "done": 0, "total": 1, "finished": False}
    monkeypatch.setattr("project.overview.pages.read_progress", lambda: playing)
    assert shown(sign_in("admin")) == ""
