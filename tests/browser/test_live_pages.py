"""The frame and the widget inside the running product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from learning.models import AgentFeedback, LearningExample
from learning.services.executions import log_execution
from organizations.models import KeyKind, Organization, Role, User
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[User], Page]


@pytest.fixture
def aster(live_server: Any) -> Organization:
    return factories.make_organization("Aster")


def test_signing_in_and_out(signing_in: SignIn, aster: Organization) -> None:
    user = factories.make_user(aster, Role.MEMBER)
    page = signing_in(user)
    menu = page.locator(".menu:not(.nav-narrow) summary")
    expect(menu).to_contain_text("Aster")
    expect(page.locator(".nav-wide").get_by_role("link", name="Review")).to_have_count(0)  # members do not review
    menu.click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_wrong_password_is_told_on_the_form(page: Page, live_server: Any, aster: Organization) -> None:
    user = factories.make_user(aster)
    page.goto(f"{live_server.url}/login/")
    page.get_by_label("User name").fill(user.get_username())
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("correct username and password")
    expect(page.get_by_label("User name")).to_have_value(user.get_username())


def test_what_is_not_there_has_a_page_that_leads_back(page: Page, live_server: Any, complaints: list[str]) -> None:
    page.goto(f"{live_server.url}/nowhere/")
    expect(page.get_by_role("link", name="Go to the dashboard")).to_be_visible()
    complaints.clear()  # the console notes the 404 itself


def test_a_correction_on_the_demo_page_becomes_a_learning_example(
    signed_in: SignIn, live_server: Any, aster: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = factories.make_key(aster, kind=KeyKind.PUBLISHABLE, allowed_origins=[live_server.url])
    monkeypatch.setattr("project.demo.sign_ins.publishable_key", lambda: key)
    with organization_scope(aster.id):
        item = {"agent_id": "support", "execution_id": "exec-1", "input": "When?", "output": "<b>Never</b>"}
        log_execution(item=item, may_register=True)
    page = signed_in(factories.make_user(aster))
    page.goto(f"{live_server.url}/demo/")
    widget = page.get_by_test_id("feedback-widget").first
    widget.get_by_role("button", name="Bad answer").click()
    expect(widget.get_by_role("status").first).to_have_text("Thank you.")
    widget.get_by_role("button", name="Correct it").click()
    widget.get_by_label("A better answer").fill("Today")
    widget.get_by_role("button", name="Send correction").click()
    expect(widget.get_by_role("status").first).to_contain_text("correction was sent")
    with organization_scope(aster.id):
        assert sorted(AgentFeedback.objects.values_list("feedback_type", flat=True)) == ["correction", "thumbs_down"]
        example = LearningExample.objects.get()
        assert (example.original_output, example.expected_output) == ("<b>Never</b>", "Today")
