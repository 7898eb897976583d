"""Looking for a dataset version on the form of a training run: list, note, button and filter go together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from learning.models import Agent
from organizations.models import Organization, Role, User
from organizations.scope import organization_scope
from tests import factories
from tests.browser.test_training_pages import picture

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "/admin/learning/training/new/"
FIND = "Find a dataset or an agent"


@pytest.fixture
def aster(live_server: Any) -> Organization:
    organization = factories.make_organization("Aster")
    with organization_scope(organization.id):
        for name, examples in (("Critic", 120), ("Support", 120), ("Tiny", 20)):
            agent = factories.make_agent(name=name)
            factories.make_config(agent)
            factories.make_published_version(agent, examples=examples)
    return organization


@pytest.fixture
def admin(signed_in: Callable[[User], Page], aster: Organization) -> Page:
    return signed_in(factories.make_user(aster, Role.ADMIN))


def test_a_search_takes_note_and_button_along(admin: Page, live_server: Any) -> None:
    admin.goto(f"{live_server.url}{NEW}")
    find, start = admin.get_by_label(FIND), admin.get_by_role("button", name="Start the run")
    admin.get_by_label("Name optional").fill("Tuesday")
    find.fill("nobody")
    expect(admin.get_by_test_id("no-version")).to_contain_text("No dataset and no agent with such a name")
    expect(start).to_be_disabled()
    picture(admin, "run-new-nothing")
    find.fill("tiny")
    expect(admin.get_by_test_id("too-small")).to_contain_text("None of these versions is large enough")
    expect(admin.get_by_test_id("no-version")).to_have_count(0)
    expect(start).to_be_disabled()
    picture(admin, "run-new-too-small")
    find.fill("support")
    expect(admin.get_by_test_id("too-small")).to_have_count(0)
    expect(admin.get_by_test_id("estimate")).to_contain_text("of Support")
    expect(admin.get_by_role("link", name="All", exact=True)).to_be_visible()
    expect(admin.get_by_label("Name optional")).to_have_value("Tuesday")
    expect(start).to_be_enabled()
    start.click()
    expect(admin.get_by_role("heading", name="Tuesday")).to_be_visible()


def test_a_search_stays_with_the_agent_that_the_page_is_about(
    admin: Page, live_server: Any, aster: Organization
) -> None:
    with organization_scope(aster.pk):
        critic = Agent.objects.get(name="Critic")
    admin.goto(f"{live_server.url}{NEW}?agent={critic.pk}")
    versions = admin.get_by_label("Dataset version")
    admin.get_by_label(FIND).fill("support")
    expect(admin.get_by_test_id("no-version")).to_contain_text("No dataset of Critic with such a name")
    expect(versions.locator("option")).to_have_count(0)
    admin.get_by_label(FIND).fill("dataset")
    expect(versions.locator("option")).to_have_count(1)
    expect(admin.get_by_role("heading", name="Optimize the prompt of Critic")).to_be_visible()
    expect(admin.get_by_test_id("estimate")).to_contain_text("of Critic")
