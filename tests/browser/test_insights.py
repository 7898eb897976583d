"""The page of what was learned from feedback, on a desk and on a phone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from organizations.models import Role, User
from organizations.scope import organization_scope
from tests import factories
from tests.browser.test_every_page import DESK, PHONE, faults
from tests.learning.services.test_insight import learn, some_feedback
from tests.learning.services.test_insight_choices import some_corrections

pytestmark = pytest.mark.django_db(transaction=True)
WIDER = "cells => cells.filter(cell => cell.scrollWidth > cell.clientWidth + 1).map(cell => cell.innerText)"
SCREENSHOTS = os.environ.get("SCREENSHOTS")  # a folder to look at the pages


def test_what_was_learned_fits_every_screen(live_server: Any, signed_in: Callable[[User], Page]) -> None:
    organization = factories.make_organization("Aster")
    with organization_scope(organization.id):
        agent = factories.make_agent(name="Support")
        agent.serving_config = factories.make_config(agent)
        agent.save()
        some_feedback(agent)
        some_corrections(agent)
        learn(agent)
    page = signed_in(factories.make_user(organization, Role.ADMIN))
    address = f"{live_server.url}/admin/learning/agents/{agent.pk}/insights/"
    choices = page.goto(address) and page.get_by_test_id("preferred").get_by_role("link").first.get_attribute("href")
    assert faults(page, address) + faults(page, f"{live_server.url}{choices}") == []
    for name, size in (("desk", DESK), ("phone", PHONE)):
        page.set_viewport_size(size)
        page.goto(address)
        expect(page.get_by_test_id("improvement").first).to_be_visible()
        assert page.get_by_test_id("improvement").locator("td").evaluate_all(WIDER) == []
        if SCREENSHOTS:
            page.screenshot(path=Path(SCREENSHOTS) / f"insights-{name}.png", full_page=True)
            page.emulate_media(color_scheme="dark")
            page.screenshot(path=Path(SCREENSHOTS) / f"insights-{name}-dark.png", full_page=True)
            page.emulate_media(color_scheme="light")
    page.set_viewport_size(DESK)
    page.get_by_test_id("correlation").first.get_by_role("link").click()
    expect(page.get_by_test_id("rows-found")).to_contain_text("of the newest 104")
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / "insight-rows.png")
