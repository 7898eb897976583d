"""Nothing that an expert types is lost: not by a closed tab, a dead connection, a lost lease or a lost answer."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotation.models import AnnotationDraft, ExpertAnnotation, Slot, SlotStatus
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.annotation.conftest import let_lease_run_out
from tests.browser.review_fixtures import DESK, desk, expect_item, letters, settle, signed_in_page

__all__ = ["desk", "letters", "signed_in_page"]  # fixtures
pytestmark = pytest.mark.django_db(transaction=True)
KEPT = "Object.keys(localStorage).filter((name) => name.startsWith('review-draft:'))"


def state(page: Page, text: str) -> None:
    expect(page.get_by_test_id("draft-state")).to_have_text(text)


def forgive(complaints: list[str], *parts: str) -> None:
    """The console notes failed requests itself; those that the test provoked are no fault of the page."""
    provoked = [line for line in complaints if any(part in line for part in parts)]
    assert provoked
    complaints[:] = [line for line in complaints if line not in provoked]


def test_a_draft_comes_back_whole_after_the_tab_was_closed(desk: Page, live_server: Any) -> None:
    settle(desk)
    desk.get_by_test_id("corrected-output").fill("Half a thought")
    desk.get_by_test_id("completeness-slider").fill("0.3")
    desk.keyboard.press("Escape")
    desk.keyboard.press("c")
    desk.keyboard.type("Tone")
    desk.keyboard.press("Tab")
    desk.keyboard.type("7.5")
    desk.get_by_label("Issues").fill("too cold; too long")
    desk.get_by_label("Use it for training").uncheck()
    state(desk, "Saved")
    assert desk.evaluate(KEPT) == []  # the server has it: nothing stays on a shared computer
    desk.goto("about:blank")
    desk.goto(live_server.url + DESK)
    expect(desk.get_by_test_id("corrected-output")).to_have_value("Half a thought")
    expect(desk.get_by_test_id("completeness-slider")).to_have_value("0.3")
    expect(desk.locator("#id_clarity")).to_have_value("")
    expect(desk.get_by_label("Category", exact=True).first).to_have_value("Tone")
    expect(desk.get_by_label("Score, 0 to 10").first).to_have_value("7.5")
    expect(desk.get_by_label("Issues").first).to_have_value("too cold; too long")
    expect(desk.get_by_label("Use it for training")).not_to_be_checked()
    expect(desk.get_by_test_id("output-diff").locator("ins").first).to_contain_text("Half a thought")


def test_what_was_typed_offline_survives_the_closed_tab_and_reaches_the_server(
    desk: Page, live_server: Any, organization: Organization, complaints: list[str]
) -> None:
    desk.get_by_test_id("corrected-output").fill("Sent before the tunnel")
    state(desk, "Saved")
    desk.context.set_offline(True)
    desk.get_by_test_id("corrected-output").fill("Written in the tunnel")
    state(desk, "Offline: kept here")
    assert len(desk.evaluate(KEPT)) == 1
    desk.goto("about:blank")  # the tab is closed while there is no connection
    desk.context.set_offline(False)
    desk.goto(live_server.url + DESK)
    expect(desk.get_by_test_id("corrected-output")).to_have_value("Written in the tunnel")
    state(desk, "Saved")
    with organization_scope(organization.id):
        assert AnnotationDraft.objects.get().content["corrected_output"] == "Written in the tunnel"
    assert desk.evaluate(KEPT) == []
    forgive(complaints, "ERR_INTERNET_DISCONNECTED")


def test_an_older_text_in_the_browser_does_not_replace_a_newer_one_from_elsewhere(
    desk: Page, live_server: Any, organization: Organization
) -> None:
    desk.get_by_test_id("corrected-output").fill("From another computer, later")
    state(desk, "Saved")
    old = {
        "at": (time.time() - 3_600) * 1_000,
        "base": "2001-01-01T00:00:00Z",
        "url": "/nowhere",
        "content": {"corrected_output": "Old"},
    }
    desk.evaluate(
        "(old) => localStorage.setItem(`review-draft:${document.getElementById('desk').dataset.person}:"
        "${document.getElementById('review-form').dataset.example}`, old)",
        json.dumps(old),
    )
    desk.goto(live_server.url + DESK)
    expect(desk.get_by_test_id("corrected-output")).to_have_value("From another computer, later")
    desk.get_by_role("button", name="Show the older text kept here").click()
    expect(desk.get_by_test_id("corrected-output")).to_have_value("Old")
    state(desk, "Saved")


def test_a_lost_connection_loses_no_text_and_the_review_can_be_sent_later(desk: Page, complaints: list[str]) -> None:
    desk.context.set_offline(True)
    desk.get_by_test_id("corrected-output").fill("Written on a train")
    state(desk, "Offline: kept here")
    desk.get_by_test_id("approve-button").click()
    expect(desk.get_by_text("The server cannot be reached")).to_be_visible()
    expect(desk.get_by_test_id("corrected-output")).to_have_value("Written on a train")
    desk.context.set_offline(False)
    state(desk, "Saved")
    desk.get_by_test_id("approve-button").click()
    expect(desk.get_by_test_id("annotation-submitted")).to_be_visible()
    expect_item(desk, 1)
    assert desk.evaluate(KEPT) == []
    forgive(complaints, "ERR_INTERNET_DISCONNECTED", "htmx:")


def test_the_desk_says_when_somebody_else_took_the_item_and_keeps_the_text(
    desk: Page, organization: Organization, sign_in: Any, complaints: list[str]
) -> None:
    desk.get_by_test_id("corrected-output").fill("Hours of work")
    state(desk, "Saved")
    with organization_scope(organization.id):
        let_lease_run_out(Slot.objects.get(status=SlotStatus.CLAIMED))
    sign_in("expert").get(DESK)
    desk.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when one comes back to the tab
    state(desk, "Somebody else took this item: your text is kept")
    desk.get_by_test_id("approve-button").click()
    expect(desk.locator("[data-notice]")).to_contain_text("kept as an extra opinion")
    expect_item(desk, 1)
    with organization_scope(organization.id):
        assert ExpertAnnotation.objects.get(extra=True).corrected_output == "Hours of work"
        assert AnnotationDraft.objects.get().content["corrected_output"] == "Hours of work"
    forgive(complaints, "409")


def test_a_review_taken_back_within_ten_minutes_returns_with_its_words_and_becomes_a_new_version(
    desk: Page, organization: Organization
) -> None:
    settle(desk)
    desk.get_by_test_id("corrected-output").fill("Too quick")
    desk.keyboard.press("Control+Enter")
    expect_item(desk, 1)
    settle(desk)
    desk.keyboard.press("u")
    expect_item(desk, 0)
    expect(desk.get_by_test_id("corrected-output")).to_have_value("Too quick")
    settle(desk)
    desk.get_by_test_id("corrected-output").fill("Better")
    desk.keyboard.press("Control+Enter")
    expect_item(desk, 1)
    with organization_scope(organization.id):
        said = ExpertAnnotation.objects.order_by("id").values_list("corrected_output", "withdrawn_at")
        assert [(text, withdrawn is None) for text, withdrawn in said] == [("Too quick", False), ("Better", True)]
