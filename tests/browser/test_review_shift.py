"""A whole shift at the desk by keyboard alone: no mouse, no filling of fields from outside."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotation.models import ExpertAnnotation, Slot, SlotStatus
from learning.models import LearningExample
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.annotation.conftest import let_lease_run_out
from tests.browser.review_fixtures import DESK, LETTERS, desk, expect_item, letters, settle, signed_in_page

__all__ = ["desk", "letters", "signed_in_page"]  # fixtures
pytestmark = pytest.mark.django_db(transaction=True)


def write(page: Page, text: str) -> None:
    """Into the editor, over what is there, and out of it again."""
    page.keyboard.press("e")
    page.keyboard.press("Control+a")
    page.keyboard.type(text)
    page.keyboard.press("Escape")


def test_a_whole_shift_by_keyboard_alone(
    desk: Page, live_server: Any, organization: Organization, sign_in: Any, axe: Any, complaints: list[str]
) -> None:
    keys, state = desk.keyboard, desk.get_by_test_id("draft-state")
    # Claimed by opening the page: edit, slide, approve.
    settle(desk)
    axe(desk)
    write(desk, "Send us a photo of the dent.")
    expect(desk.get_by_test_id("output-diff").locator("ins").first).to_be_visible()
    keys.press("1")
    for _ in range(3):
        keys.press("ArrowRight")
    keys.press("3")
    keys.press("Home")
    keys.press("a")
    expect_item(desk, 1)
    # Undo, say it better, approve again.
    settle(desk)
    keys.press("u")
    expect_item(desk, 0)
    expect(desk.get_by_test_id("corrected-output")).to_have_value("Send us a photo of the dent.")
    expect(desk.get_by_test_id("technical-accuracy-slider")).to_have_value("0.65")
    settle(desk)
    write(desk, "A photo of the dent is enough.")
    keys.press("a")
    expect_item(desk, 1)
    # The connection is lost in mid-edit; the tab is closed, and the words are there again.
    settle(desk)
    desk.context.set_offline(True)
    write(desk, "Yes, until it leaves us.")
    expect(state).to_have_text("Offline: kept here")
    desk.goto("about:blank")
    desk.context.set_offline(False)
    desk.goto(live_server.url + DESK)
    expect(desk.get_by_test_id("corrected-output")).to_have_value("Yes, until it leaves us.")
    expect(state).to_have_text("Saved")
    settle(desk)
    keys.press("a")
    expect_item(desk, 2)
    # The lease is lost: somebody else gets the item, and the text is kept beside theirs.
    settle(desk)
    write(desk, "We ship to Norway.")
    expect(state).to_have_text("Saved")
    with organization_scope(organization.id):
        let_lease_run_out(Slot.objects.get(status=SlotStatus.CLAIMED))
    other = sign_in("expert")
    assert LETTERS[2][0] in other.get(DESK).content.decode()
    keys.press("a")
    expect(desk.locator("[data-notice]")).to_contain_text("kept as an extra opinion")
    axe(desk)
    with organization_scope(organization.id):
        said = ExpertAnnotation.objects.order_by("id").values_list("corrected_output", "extra", "withdrawn_at")
        assert [(text, extra, withdrawn is None) for text, extra, withdrawn in said] == [
            ("Send us a photo of the dent.", False, False),
            ("A photo of the dent is enough.", False, True),
            ("Yes, until it leaves us.", False, True),
            ("We ship to Norway.", True, True),
        ]
        first = LearningExample.objects.get(input_text=LETTERS[0][0])
        assert (first.expected_output, first.quality_score) == ("A photo of the dent is enough.", (0.65 + 0) / 2)
    complaints[:] = [line for line in complaints if "ERR_INTERNET_DISCONNECTED" not in line]
