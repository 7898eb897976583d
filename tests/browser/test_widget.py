"""<agent-feedback> and <agent-output> on a page with the product's content security policy, by mouse and by keys."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.site import Site

ANSWER = "The refund takes ten working days."
HOSTILE = "<img src=x onerror=alert(1)> & <script>alert(2)</script>"


def document(body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><title>Widget</title><link rel="icon" href="data:,">'
        f'<script type="module" src="/static/js/agent-feedback.js"></script></head><body>{body}</body></html>'
    )


def element(output: str = ANSWER) -> str:
    escaped = output.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    ids = 'agent="support" execution="exec-1" user="u-17" key="pk_test"'
    return f'<agent-feedback {ids} output="{escaped}"></agent-feedback>'


def kept(page: Page) -> list[str]:
    """The pieces that wait in the browser."""
    found: list[str] = page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('agent-feedback:'))")
    return found


@pytest.fixture
def widget(page: Page, site: Site) -> Locator:
    site.pages["/"] = document(element())
    page.goto(site.url)
    return page.get_by_test_id("feedback-widget")


def test_a_thumb_is_sent_with_the_key_and_an_idempotency_key(widget: Locator, site: Site) -> None:
    widget.get_by_role("button", name="Good answer").click()
    expect(widget.get_by_role("status").first).to_have_text("Thank you.")
    expect(widget.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    (sent,) = site.sent
    assert (sent.method, sent.path) == ("POST", "/api/learning/feedback")
    assert sent.headers["authorization"] == "Bearer pk_test"
    assert len(sent.headers["idempotency-key"]) >= 32
    assert sent.body == {
        "agent_id": "support",
        "execution_id": "exec-1",
        "user_id": "u-17",
        "feedback_type": "thumbs_up",
    }


def test_stars_are_asked_after_the_thumb_and_sent_as_a_rating(widget: Locator, site: Site) -> None:
    widget.get_by_role("button", name="Bad answer").click()
    widget.get_by_text("2 stars").locator("xpath=..").click()
    widget.get_by_role("button", name="Send", exact=True).click()
    expect(widget.locator("form.panel").first).to_be_hidden()
    assert [sent.body["feedback_type"] for sent in site.sent] == ["thumbs_down", "star_rating"]
    assert site.sent[1].body["rating"] == 2


def test_issues_and_a_comment_travel_together(widget: Locator, site: Site) -> None:
    widget.get_by_role("button", name="Say more").click()
    widget.get_by_text("Outdated").click()
    widget.get_by_text("Incomplete").click()
    widget.get_by_label("Comment").fill("The law changed in May.")
    widget.get_by_role("button", name="Send", exact=True).click()
    expect(widget.get_by_role("status").first).to_have_text("Thank you.")
    body = site.sent[0].body
    assert body["feedback_type"] == "report_issue"
    assert body["issue_categories"] == ["incomplete", "outdated"]
    assert body["feedback_text"] == "The law changed in May."


def test_an_empty_opinion_is_not_sent(widget: Locator, site: Site) -> None:
    widget.get_by_role("button", name="Say more").click()
    widget.get_by_role("button", name="Send", exact=True).click()
    expect(widget.get_by_role("status").first).to_contain_text("first")
    assert site.sent == []


def test_a_correction_shows_its_diff_as_it_is_typed_and_is_sent_by_keys_alone(
    widget: Locator, page: Page, site: Site
) -> None:
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(widget.get_by_role("button", name="Correct it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(widget.get_by_label("A better answer")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("The refund takes five working days.")
    expect(widget.get_by_role("status").last).to_have_text("1 removed, 1 added")
    expect(widget.locator("del")).to_have_text("ten")
    expect(widget.locator("ins")).to_have_text("five")
    page.keyboard.press("Control+Enter")
    expect(widget.get_by_role("status").first).to_have_text("Thank you. Your correction was sent.")
    expect(widget.get_by_role("button", name="Correct it")).to_be_focused()
    assert site.sent[0].body["feedback_type"] == "correction"
    assert site.sent[0].body["correction_text"] == "The refund takes five working days."


def test_escape_closes_the_editor_and_gives_the_focus_back(widget: Locator, page: Page, site: Site) -> None:
    widget.get_by_role("button", name="Correct it").click()
    page.keyboard.press("Escape")
    expect(widget.get_by_label("A better answer")).to_be_hidden()
    expect(widget.get_by_role("button", name="Correct it")).to_be_focused()
    assert site.sent == []


def test_typing_never_reaches_the_shortcuts_of_the_host_page(widget: Locator, page: Page) -> None:
    page.evaluate("window.heard = []; document.addEventListener('keydown', (event) => window.heard.push(event.key))")
    widget.get_by_role("button", name="Correct it").click()
    page.keyboard.type("ar")
    assert page.evaluate("window.heard") == []


def test_an_unchanged_answer_is_not_a_correction(widget: Locator, site: Site) -> None:
    widget.get_by_role("button", name="Correct it").click()
    widget.get_by_role("button", name="Send correction").click()
    expect(widget.get_by_role("status").first).to_have_text("Change the answer first.")
    assert site.sent == []


@pytest.mark.parametrize("status", [503, 0])
def test_what_could_not_be_sent_is_kept_and_tried_again_with_the_same_idempotency_key(
    widget: Locator, page: Page, site: Site, complaints: list[str], status: int
) -> None:
    # A browser repeats a request by itself when a kept connection breaks, so a lost server drops it twice.
    site.answers.extend([(status, {"title": "Busy"})] * (2 if status == 0 else 1))
    widget.get_by_role("button", name="Good answer").click()
    expect(widget.get_by_role("status").first).to_contain_text("kept on this device")
    expect(widget.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    assert len(kept(page)) == 1
    site.answers.clear()
    widget.get_by_role("button", name="Try now").click()
    expect(widget.get_by_role("status").first).to_have_text("Thank you.")
    expect(widget.get_by_role("button", name="Try now")).to_be_hidden()
    assert len({sent.headers["idempotency-key"] for sent in site.sent}) == 1
    assert kept(page) == []
    complaints.clear()


def test_a_server_that_names_a_time_is_not_asked_before(
    widget: Locator, page: Page, site: Site, complaints: list[str]
) -> None:
    asked: list[float] = []

    def busy_once(route: Route) -> None:
        asked.append(time.monotonic())
        if len(asked) > 1:
            return route.fallback()
        return route.fulfill(status=429, headers={"Retry-After": "4"}, json={"title": "Too many"})

    page.route("**/api/learning/feedback", busy_once)
    widget.get_by_role("button", name="Good answer").click()
    widget.get_by_role("button", name="Try now").click()  # does not help
    page.evaluate("dispatchEvent(new Event('online'))")  # nor does this
    expect(widget.get_by_role("status").first).to_have_text("Thank you.", timeout=20_000)
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 4
    complaints.clear()


def test_what_another_tab_sent_is_told_in_this_one(
    widget: Locator, page: Page, site: Site, complaints: list[str]
) -> None:
    site.answers.append((503, {}))
    page.evaluate("document.addEventListener('feedback-sent', () => { window.heard = true; })")
    widget.get_by_role("button", name="Good answer").click()
    expect(widget.get_by_role("button", name="Try now")).to_be_visible()
    page.evaluate(
        """() => {
          const key = Object.keys(localStorage).find((one) => one.startsWith("agent-feedback:"));
          const oldValue = localStorage.getItem(key);
          localStorage.removeItem(key);
          dispatchEvent(new StorageEvent("storage", { key, oldValue, newValue: null }));
        }"""
    )
    expect(widget.get_by_role("status").first).to_have_text("Thank you.")
    assert page.evaluate("heard") is True
    complaints.clear()


def test_no_more_than_fifty_pieces_are_kept(widget: Locator, page: Page, site: Site, complaints: list[str]) -> None:
    page.evaluate(
        """() => {
          for (let n = 0; n < 50; n++) {
            const item = { id: `id-${n}`, at: Date.now(), endpoint: "/nowhere/", credential: "", body: {} };
            localStorage.setItem(`agent-feedback:id-${n}`, JSON.stringify(item));
          }
        }"""
    )
    site.answers.extend([(503, {})] * 60)  # also for kept pieces, should the page send them meanwhile
    widget.get_by_role("button", name="Good answer").click()
    expect(widget.get_by_role("alert")).to_have_text("It could not be sent. Try again later.")
    assert len(kept(page)) == 50
    complaints.clear()


def test_a_refusal_names_its_reason_and_offers_no_second_try(
    widget: Locator, page: Page, site: Site, complaints: list[str]
) -> None:
    errors = [{"field": "execution_id", "message": "No such execution."}]
    site.answers.append((400, {"title": "Bad request", "errors": errors}))
    widget.get_by_role("button", name="Good answer").click()
    expect(widget.get_by_role("alert")).to_contain_text("No such execution.")
    expect(widget.get_by_role("button", name="Try now")).to_be_hidden()
    assert kept(page) == []
    complaints.clear()


def test_the_host_page_hears_what_was_sent_and_what_failed(
    widget: Locator, page: Page, site: Site, complaints: list[str]
) -> None:
    page.evaluate(
        """window.heard = [];
        for (const name of ['feedback-send', 'feedback-sent', 'feedback-queued', 'feedback-refused'])
          document.addEventListener(name, ({ detail }) => window.heard.push([name, detail.type, detail.feedbackId]))"""
    )
    site.answers.append((500, {}))
    widget.get_by_role("button", name="Good answer").click()
    widget.get_by_role("button", name="Try now").click()
    expect(widget.get_by_role("status").first).to_have_text("Thank you.")
    assert page.evaluate("window.heard") == [
        ["feedback-send", "thumbs_up", None],
        ["feedback-queued", "thumbs_up", None],
        ["feedback-sent", "thumbs_up", "f-1"],
    ]
    complaints.clear()


def test_markup_in_an_answer_is_shown_as_text(page: Page, site: Site) -> None:
    site.pages["/"] = document(element(HOSTILE))
    page.goto(site.url)
    widget = page.get_by_test_id("feedback-widget")
    widget.get_by_role("button", name="Correct it").click()
    widget.get_by_label("A better answer").fill(HOSTILE + " <b>more</b>")
    expect(widget.locator(".diff")).to_have_text(HOSTILE + " <b>more</b>")
    assert widget.locator("img, script, b").count() == 0


@pytest.mark.parametrize("given", ["attribute", "content"])
def test_an_output_shows_its_text_with_the_feedback_below(page: Page, site: Site, given: str) -> None:
    attribute = f'output="{ANSWER}"' if given == "attribute" else ""
    content = ANSWER if given == "content" else "\n"
    site.pages["/"] = document(
        f'<agent-output agent="support" execution="exec-2" key="pk_test" {attribute}>{content}</agent-output>'
    )
    page.goto(site.url)
    expect(page.get_by_text(ANSWER).locator("visible=true")).to_have_count(1)
    widget = page.get_by_test_id("feedback-widget")
    widget.get_by_role("button", name="Correct it").click()
    expect(widget.get_by_label("A better answer")).to_have_value(ANSWER)
    widget.get_by_label("A better answer").fill("It takes five.")
    widget.get_by_role("button", name="Send correction").click()
    expect(widget.get_by_role("status").first).to_contain_text("Thank you.")
    assert site.sent[0].body["execution_id"] == "exec-2"


def test_a_new_answer_in_the_same_element_starts_afresh(widget: Locator, page: Page) -> None:
    widget.get_by_role("button", name="Good answer").click()
    expect(widget.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    page.evaluate("document.querySelector('agent-feedback').setAttribute('execution', 'exec-2')")
    expect(widget.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "false")


def test_the_widget_weighs_less_than_15_kilobytes_compressed() -> None:
    folder = Path(settings.BASE_DIR) / "static"
    files = [folder / "learning" / "request.js", folder / "js" / "word-diff.js", *(folder / "js").glob("agent-*.js")]
    assert len(files) == 9
    assert len(gzip.compress(b"".join(path.read_bytes() for path in sorted(files)))) < 15_000
