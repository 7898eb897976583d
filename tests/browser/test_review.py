"""The review desk in a real browser: claimed, scored, edited, decided, by mouse and by keys."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from annotation.models import ExpertAnnotation
from learning.models import LearningExample, ReviewStatus
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.browser.review_fixtures import DESK, LETTERS, desk, expect_item, letters, settle, signed_in_page

__all__ = ["desk", "letters", "signed_in_page"]  # fixtures
pytestmark = pytest.mark.django_db(transaction=True)
AT_THE_DESK = re.compile(r"/annotation/(\?|$)")

# From inside the page, so that no slow machine presses it later than people do.
PRESS_AS_IT_APPEARS = """document.addEventListener("htmx:afterSettle", () => setTimeout(() => {
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "r", bubbles: true }));
  document.body.dataset.pressed = "r";
}))"""


def slide(page: Page, testid: str, value: str) -> None:
    page.get_by_test_id(testid).fill(value)


def test_an_expert_reviews_by_mouse(desk: Page, organization: Organization) -> None:
    expect_item(desk, 0)
    expect(desk.get_by_test_id("output-diff").locator("ins").first).to_be_visible()
    slide(desk, "technical-accuracy-slider", "0.9")
    expect(desk.locator("#id_technical_accuracy")).to_have_value("0.9")
    slide(desk, "clarity-slider", "0.65")
    desk.get_by_test_id("corrected-output").fill("The refund takes ten working days. A photo is enough.")
    expect(desk.get_by_test_id("output-diff").locator("ins")).to_contain_text(["A photo is enough"])
    desk.get_by_test_id("approve-button").click()
    expect(desk.get_by_test_id("annotation-submitted")).to_have_text("Approved.")
    expect_item(desk, 1)
    with organization_scope(organization.id):
        said = ExpertAnnotation.objects.select_related("example").get()
        assert (said.technical_accuracy, said.clarity, said.completeness) == (0.9, 0.65, None)
        assert said.example.review_status == ReviewStatus.APPROVED
        assert said.example.expected_output == "The refund takes ten working days. A photo is enough."
        assert said.seconds_spent is not None


def test_an_expert_reviews_a_whole_queue_by_keys_alone(desk: Page, organization: Organization) -> None:
    settle(desk)
    keys = desk.keyboard
    keys.press("1")
    expect(desk.get_by_test_id("technical-accuracy-slider")).to_be_focused()
    keys.press("ArrowRight")
    expect(desk.locator("#id_technical_accuracy")).to_have_value("0.55")
    keys.press("4")
    keys.press("End")
    expect(desk.locator("#id_clarity")).to_have_value("1")
    keys.press("e")
    keys.press("Control+a")
    keys.type("Answer of an expert, an approval in rare snow")  # letters of shortcuts are letters here
    keys.press("Escape")
    expect_item(desk, 0)
    keys.press("a")
    expect(desk.get_by_test_id("annotation-submitted")).to_have_text("Approved.")
    expect_item(desk, 1)
    settle(desk)
    keys.press("m")
    keys.type("Not now")
    keys.press("Escape")
    keys.press("n")
    expect(desk.get_by_test_id("annotation-submitted")).to_have_text("Marked for revision.")
    expect_item(desk, 2)
    settle(desk)
    keys.press("r")
    expect(desk.get_by_text("Nothing waits for your review")).to_be_visible()
    with organization_scope(organization.id):
        said = list(ExpertAnnotation.objects.order_by("id").values_list("decision", "corrected_output", "notes"))
    assert said == [
        ("approve", "Answer of an expert, an approval in rare snow", ""),
        ("request_changes", "", "Not now"),
        ("reject", "", ""),
    ]


def test_control_enter_approves_from_the_editor(desk: Page) -> None:
    desk.get_by_test_id("corrected-output").fill("Right.")
    desk.keyboard.press("Control+Enter")
    expect(desk.get_by_test_id("annotation-submitted")).to_have_text("Approved.")
    expect_item(desk, 1)


def test_skip_and_undo_by_keys(desk: Page, organization: Organization) -> None:
    settle(desk)
    desk.keyboard.press("s")
    expect_item(desk, 1)
    settle(desk)
    desk.keyboard.press("r")
    expect_item(desk, 2)
    settle(desk)
    desk.keyboard.press("u")
    expect_item(desk, 1)
    expect(desk.locator("[data-notice]")).to_contain_text("Taken back.")
    with organization_scope(organization.id):
        assert LearningExample.objects.get(input_text=LETTERS[1][0]).review_status == ReviewStatus.IN_REVIEW


def test_keys_are_ignored_while_an_item_loads_and_just_after(desk: Page, organization: Organization) -> None:
    settle(desk)
    held: list[Route] = []
    desk.route(AT_THE_DESK, lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    for key in "rran":
        desk.keyboard.press(key)
    desk.wait_for_timeout(200)
    assert len(held) == 1
    desk.evaluate(PRESS_AS_IT_APPEARS)
    held[0].continue_()
    expect_item(desk, 1)
    expect(desk.locator("body")).to_have_attribute("data-pressed", "r")
    settle(desk)
    assert len(held) == 1, "the key pressed as the item appeared was taken for it"
    expect_item(desk, 1)
    with organization_scope(organization.id):
        assert ExpertAnnotation.objects.get().decision == "reject"


def test_the_list_of_shortcuts_opens_by_its_key_and_closes_by_escape(desk: Page) -> None:
    settle(desk)
    desk.keyboard.press("?")
    overlay = desk.get_by_role("dialog", name="Keyboard shortcuts")
    expect(overlay).to_be_visible()
    desk.keyboard.press("r")  # nothing behind the list listens
    expect(overlay).to_be_visible()
    desk.keyboard.press("Escape")
    expect(overlay).to_be_hidden()
    expect_item(desk, 0)
    desk.get_by_role("button", name="Shortcuts").click()
    expect(overlay).to_be_visible()


def test_a_score_outside_the_range_is_not_sent_and_the_field_is_shown(desk: Page, organization: Organization) -> None:
    desk.locator("#id_clarity").fill("7")
    desk.get_by_test_id("approve-button").click()
    expect(desk.locator("#id_clarity")).to_be_focused()
    expect_item(desk, 0)
    with organization_scope(organization.id):
        assert not ExpertAnnotation.objects.exists()


def test_without_javascript_the_form_is_sent_and_the_next_item_follows(
    browser: Any, live_server: Any, letters: list[LearningExample], sign_in: Any
) -> None:
    context = browser.new_context(java_script_enabled=False)
    client = sign_in("expert")
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(live_server.url + DESK)
    expect(page.get_by_test_id("clarity-slider")).to_be_hidden()
    page.locator("#id_clarity").fill("0.8")
    page.get_by_test_id("approve-button").click()
    expect(page.get_by_test_id("annotation-submitted")).to_have_text("Approved.")
    expect_item(page, 1)
    context.close()


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_the_desk_is_never_wider_than_the_window(desk: Page, width: int) -> None:
    desk.set_viewport_size({"width": width, "height": 800})
    assert desk.evaluate("document.documentElement.scrollWidth") <= width
    expect(desk.get_by_test_id("approve-button")).to_be_in_viewport()
