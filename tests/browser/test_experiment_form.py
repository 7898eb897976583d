"""The form of an experiment while it is filled in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from experiments.services.deployments import deploy_config
from organizations.models import Role, User
from organizations.scope import organization_scope
from tests import factories


@pytest.mark.django_db(transaction=True)
def test_the_form_asks_for_what_its_kind_needs_and_the_plan_follows(
    live_server: Any, signed_in: Callable[[User], Page]
) -> None:
    organization = factories.make_organization()
    with organization_scope(organization.id):
        agent = factories.make_agent(name="Support bot")
        deploy_config(agent=agent, config=factories.make_config(agent))
        candidate = factories.make_config(agent)
        page = signed_in(factories.make_user(organization, Role.ADMIN))
    page.goto(f"{live_server.url}/admin/learning/experiments/new/?config={candidate.pk}")
    plan = page.get_by_test_id("planner")
    expect(plan).to_contain_text("Planned for 1,000 users")
    page.get_by_label("Planned units").fill("40000")
    page.get_by_label("Unit", exact=True).select_option("session")
    expect(plan).to_contain_text("Planned for 40,000 sessions")
    margin = page.get_by_label("How much worse of latency")
    expect(margin).to_be_hidden()
    page.get_by_label("Role of latency").select_option("guardrail")
    expect(margin).to_be_visible()
    expect(page.get_by_label("Agent", exact=True)).to_be_hidden()
    page.get_by_label("Kind").select_option("aa")
    expect(page.get_by_label("Candidate", exact=True)).to_be_hidden()
    page.get_by_label("Agent", exact=True).select_option(label="Support bot")
    expect(plan).to_contain_text("An A/A has no difference to show")
