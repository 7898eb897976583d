"""The demo page: every attribute to play with, live, with what the page hears."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from learning.models import AgentFeedback
from learning.services.executions import log_execution
from organizations.models import KeyKind, Organization, Role, User
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def aster(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Organization:
    organization = factories.make_organization("Aster")
    publishable = factories.make_key(organization, kind=KeyKind.PUBLISHABLE, allowed_origins=[live_server.url])
    secret = factories.make_key(organization)
    monkeypatch.setattr("project.demo.sign_ins.publishable_key", lambda: publishable)
    monkeypatch.setattr("project.demo.sign_ins.secret_key", lambda: secret)
    with organization_scope(organization.id):
        for number in (1, 2):
            item = {"agent_id": "support", "execution_id": f"exec-{number}", "input": "When?", "output": "Never."}
            log_execution(item=item, may_register=True)
    return organization


@pytest.fixture
def demo(signed_in: Callable[[User], Page], live_server: Any, aster: Organization) -> Page:
    page = signed_in(factories.make_user(aster, Role.MEMBER))
    page.goto(f"{live_server.url}/demo/")
    return page


def test_the_form_sets_attributes_and_shows_their_markup(demo: Page) -> None:
    widget = demo.locator("#try").get_by_test_id("feedback-widget")
    demo.get_by_label("correction").uncheck()
    expect(widget.get_by_role("button", name="Correct it")).to_have_count(0)
    demo.get_by_label("Language").select_option("de")
    expect(widget.get_by_role("button", name="Gute Antwort")).to_be_visible()
    demo.get_by_label("Accent").select_option("#0f766e")
    demo.get_by_label("Answer", exact=True).fill("<b>Soon</b>")
    expect(demo.locator("#try .text")).to_have_text("<b>Soon</b>")
    markup = demo.locator("#try-markup")
    expect(markup).to_contain_text('show="thumbs stars dimensions issues comment" lang="de"', use_inner_text=False)
    expect(markup).to_contain_text("--agent-feedback-accent: #0f766e;")
    expect(markup).to_contain_text('key="pk_..."')


@pytest.mark.parametrize("way", ["the publishable key", "a token for this output", "your own session"])
def test_it_sends_in_each_way_and_shows_what_the_page_hears(demo: Page, aster: Organization, way: str) -> None:
    demo.get_by_label("Sent with").select_option(label=way)
    demo.locator("#try").get_by_role("button", name="Good answer").click()
    log = demo.locator("#try-log li")
    expect(log).to_have_count(2)
    expect(log.nth(0)).to_contain_text("feedback-send ")
    expect(log.nth(1)).to_contain_text("feedback-sent ")
    with organization_scope(aster.id):
        assert AgentFeedback.objects.get().feedback_type == "thumbs_up"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_no_wider_than_the_window_and_axe_finds_nothing(
    demo: Page, axe: Callable[..., None], width: int, scheme: str
) -> None:
    demo.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    demo.set_viewport_size({"width": width, "height": 900})
    widget = demo.locator("#try").get_by_test_id("feedback-widget")
    widget.get_by_role("button", name="Say more").click()
    widget.locator("summary").click()
    assert demo.evaluate("document.documentElement.scrollWidth") <= width
    axe(demo, within="main")
