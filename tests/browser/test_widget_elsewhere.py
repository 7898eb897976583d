"""The widget on a page of another origin with its own strict policy, against the running product: with the mouse, with
keys alone, offline and online again, with a token and no key, and to axe-core."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import expect

from learning.models import AgentFeedback, LearningExample
from organizations.models import KeyKind, Organization
from organizations.scope import organization_scope
from organizations.tokens import mint_feedback_token
from tests import factories
from tests.browser.elsewhere import ANSWER, Host, aster, forgive, host, product, says, stored

__all__ = ["aster", "host", "product"]  # fixtures
pytestmark = pytest.mark.django_db(transaction=True)
OFFLINE = "net::ERR_INTERNET_DISCONNECTED"


def test_by_mouse_everything_is_sent_from_another_origin(host: Host, aster: Organization) -> None:
    widget = host.show("agent-output", content=ANSWER, output="")
    expect(host.page.get_by_text(ANSWER).locator("visible=true")).to_have_count(1)
    widget.get_by_role("button", name="Bad answer").click()
    says(widget, "Thank you.")
    widget.get_by_text("2 stars").locator("xpath=..").click()
    widget.get_by_text("Rate in detail").click()
    widget.get_by_role("group", name="Accuracy").get_by_text("1", exact=True).click()
    widget.get_by_text("Outdated").click()
    widget.get_by_label("Comment").fill("The law changed in May.")
    widget.get_by_role("button", name="Send", exact=True).click()
    expect(widget.locator("form.panel").first).to_be_hidden()
    widget.get_by_role("button", name="Correct it").click()
    widget.get_by_label("A better answer").fill("The refund takes five working days.")
    expect(widget.locator("ins")).to_have_text("five")
    widget.get_by_role("button", name="Send correction").click()
    says(widget, "Thank you. Your correction was sent.")
    assert stored(aster) == [
        {"feedback_type": "thumbs_down"},
        {"feedback_type": "report_issue", "rating": 2, "accuracy": 1, "issue_categories": ["outdated"]},
        {"feedback_type": "correction"},
    ]
    with organization_scope(aster.id):
        assert LearningExample.objects.get().expected_output == "The refund takes five working days."


def test_by_keys_alone_everything_is_reached_and_sent(host: Host, aster: Organization) -> None:
    widget = host.show()
    expect(widget.get_by_role("button", name="Good answer")).to_be_visible()
    keys = host.page.keyboard
    keys.press("Tab")
    expect(widget.get_by_role("button", name="Good answer")).to_be_focused()
    keys.press("Enter")
    says(widget, "Thank you.")
    for _ in range(4):  # bad, correct, more, the stars
        keys.press("Tab")
    keys.press("Space")
    for _ in range(3):
        keys.press("ArrowRight")
    expect(widget.get_by_role("radio", name="4 stars")).to_be_checked()
    keys.press("Tab")
    expect(widget.get_by_text("Rate in detail")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    keys.press("Space")
    for _ in range(4):  # accuracy to the first issue
        keys.press("Tab")
    expect(widget.get_by_role("checkbox", name="Incorrect")).to_be_focused()
    keys.press("Space")
    for _ in range(10):
        keys.press("Tab")
    expect(widget.get_by_label("Comment")).to_be_focused()
    keys.type("Nearly.")
    keys.press("Control+Enter")
    expect(widget.get_by_role("button", name="Say more")).to_be_focused()
    assert stored(aster) == [
        {"feedback_type": "thumbs_up"},
        {"feedback_type": "report_issue", "rating": 4, "accuracy": 1, "issue_categories": ["incorrect"]},
    ]


def test_what_is_said_offline_is_sent_once_when_the_connection_is_back(
    host: Host, aster: Organization, complaints: list[str]
) -> None:
    widget = host.show()
    expect(widget.get_by_role("button", name="Good answer")).to_be_visible()
    host.page.evaluate(
        """window.heard = [];
        for (const name of ['feedback-queued', 'feedback-sent'])
          document.addEventListener(name, ({ detail }) => window.heard.push([name, detail.type]))"""
    )
    host.page.context.set_offline(True)
    widget.get_by_role("button", name="Bad answer").click()
    says(widget, "Not sent yet. It is kept on this device and will be sent when the connection is back.")
    widget.get_by_role("button", name="Correct it").click()
    widget.get_by_label("A better answer").fill("It takes five.")
    widget.get_by_role("button", name="Send correction").click()
    says(widget, "Not sent yet. It is kept on this device and will be sent when the connection is back.")
    assert stored(aster) == []
    host.page.context.set_offline(False)
    says(widget, "Thank you. Your correction was sent.")
    assert stored(aster) == [{"feedback_type": "thumbs_down"}, {"feedback_type": "correction"}]
    assert host.page.evaluate("heard") == [
        ["feedback-queued", "thumbs_down"],
        ["feedback-queued", "correction"],
        ["feedback-sent", "thumbs_down"],
        ["feedback-sent", "correction"],
    ]
    forgive(complaints, OFFLINE)


def test_what_was_kept_is_sent_when_the_page_is_opened_again(
    host: Host, aster: Organization, complaints: list[str]
) -> None:
    widget = host.show()
    expect(widget.get_by_role("button", name="Good answer")).to_be_visible()
    host.page.context.set_offline(True)
    widget.get_by_role("button", name="Good answer").click()
    expect(widget.get_by_role("button", name="Try now")).to_be_visible()
    # Another try may begin just when the page is closed, and a request of it that is kept alive may outlive the page.
    host.page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('no connection')) }")
    host.page.evaluate("window.addEventListener('online', (event) => event.stopImmediatePropagation(), true)")
    host.page.goto("about:blank")  # closed before it could be sent
    host.page.context.set_offline(False)
    assert stored(aster) == []
    host.show(execution="another")
    host.page.wait_for_function("() => !Object.keys(localStorage).length")
    assert stored(aster) == [{"feedback_type": "thumbs_up"}]
    forgive(complaints, OFFLINE)


def test_a_page_without_a_key_sends_with_the_token_of_its_output(host: Host, aster: Organization) -> None:
    token = mint_feedback_token(
        factories.make_key(aster), agent_id="support", execution_id="exec-1", types=["thumbs_up", "thumbs_down"]
    )
    widget = host.show(key="", agent="", execution="", user="", token=token)
    expect(widget.get_by_role("button")).to_have_count(2)  # the token allows thumbs alone
    widget.get_by_role("button", name="Good answer").click()
    says(widget, "Thank you.")
    with organization_scope(aster.id):
        row = AgentFeedback.objects.get()
        assert row.execution.external_id == "exec-1"


def test_a_token_whose_time_is_over_says_so_and_a_new_one_works(
    host: Host, aster: Organization, complaints: list[str]
) -> None:
    key = factories.make_key(aster)
    about = {"agent_id": "support", "execution_id": "exec-1"}
    widget = host.show(key="", token=mint_feedback_token(key, now=1_000_000, **about), user="")
    widget.get_by_role("button", name="Good answer").click()
    alert = widget.get_by_role("alert")
    expect(alert).to_have_text("The time for feedback on this answer is over. Load the page again.")
    expect(widget.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "false")
    widget.evaluate("(element, token) => element.setAttribute('token', token)", mint_feedback_token(key, **about))
    widget.get_by_role("button", name="Good answer").click()
    says(widget, "Thank you.")
    expect(alert).to_be_hidden()
    forgive(complaints, "401")


def test_pages_of_other_origins_may_read_how_long_to_wait(product: str, aster: Organization) -> None:
    answer = httpx.post(f"{product}/api/learning/feedback", json={}, headers={"Origin": "https://shop.example"})
    assert answer.headers["access-control-expose-headers"] == "retry-after"


def test_a_page_of_an_origin_that_is_not_allowed_is_told(
    host: Host, aster: Organization, complaints: list[str]
) -> None:
    key = factories.make_key(aster, kind=KeyKind.PUBLISHABLE, allowed_origins=["https://shop.example"])
    widget = host.show(key=key)
    widget.get_by_role("button", name="Good answer").click()
    expect(widget.get_by_role("alert")).to_have_text("This page may not send feedback.")
    assert stored(aster) == []
    forgive(complaints, "403")


def test_a_secret_key_in_a_page_is_not_used(host: Host, aster: Organization) -> None:
    widget = host.show(key=factories.make_key(aster))
    widget.get_by_role("button", name="Good answer").click()
    expect(widget.get_by_role("alert")).to_have_text("This page may not send feedback.")
    assert stored(aster) == []


@pytest.mark.parametrize("root", ['lang="en"', 'lang="de" dir="rtl"'])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_in_any_state(
    host: Host, axe: Callable[..., None], scheme: str, root: str, complaints: list[str]
) -> None:
    host.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    widget = host.show("agent-output", root=root)
    expect(widget.get_by_role("button").first).to_be_visible()
    # A page says which schemes it has; this one could not in a style element, which its policy refuses. axe-core takes
    # a ground that nobody painted for white.
    host.page.evaluate(
        "Object.assign(document.documentElement.style, { colorScheme: 'light dark', background: 'Canvas' })"
    )
    axe(host.page)
    more, correct = ("Mehr sagen", "Verbessern") if "de" in root else ("Say more", "Correct it")
    widget.get_by_role("button", name=more).click()
    widget.locator("summary").click()
    widget.locator(".stars label").nth(2).click()
    widget.locator(".chips label").nth(1).click()
    axe(host.page)
    widget.get_by_role("button", name=correct).click()
    widget.locator("textarea:visible").fill("The refund takes five days, <b>not</b> ten.")
    expect(widget.locator("ins").first).to_be_visible()
    axe(host.page)
    host.page.context.set_offline(True)
    widget.get_by_role("button").first.click()
    expect(widget.locator(".bar button").last).to_be_visible()
    axe(host.page)
    forgive(complaints, OFFLINE)
