"""The real product behind a real address, and an expert who is signed in there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from learning.models import Agent, AgentFeedback, LearningExample
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

DESK = "/admin/learning/annotation/"
# Milliseconds after which a new item listens to keys, by the page's own clock. What shows it has its turn in the first.
SETTLED = [50, 450]
CONVERSATION = [
    {"role": "user", "content": "Hello, I ordered the blue kettle last week."},
    {"role": "assistant", "content": "Hello! How can I help you with your order?"},
]
LETTERS = [
    (
        "It arrived with a dent in the lid. What can I do?",
        "The refund takes ten working days, and you have to call us.",
        "The refund takes five working days; send us a photo of the dent and we start it at once.",
        "You do not have to call anybody. A photo is enough.",
    ),
    (
        "Can I still change the address of my order?",
        "No.",
        "Yes, until the parcel leaves us. Write us the new address and the order number.",
        "Short, and wrong.",
    ),
    (
        "Do you ship to Norway?",
        "We ship to all countries of the European Union.",
        "We ship to Norway too; customs are paid by you.",
        "",
    ),
]


@pytest.fixture
def letters(organization: Organization) -> list[LearningExample]:
    """Three corrected answers of one agent, waiting for review."""
    with organization_scope(organization.id):
        agent = factories.make_agent(name="Shop letters", domain="orders")
        return [_correction(agent, *texts) for texts in LETTERS]


@pytest.fixture
def signed_in_page(live_server: Any, page: Page, sign_in: Any) -> Iterator[Callable[..., Page]]:
    """signed_in_page("expert") -> a page with that person's session; `page.goto(...)` takes whole addresses.

    Left before the database is emptied: a draft that is saved on leaving must not meet that.
    """

    def opened(role: str = "expert", on: Page = page) -> Page:
        client = sign_in(role)
        on.context.add_cookies(
            [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
        )
        return on

    yield opened
    page.context.set_offline(False)
    page.goto("about:blank")
    page.wait_for_timeout(300)


@pytest.fixture
def desk(live_server: Any, letters: list[LearningExample], signed_in_page: Callable[..., Page]) -> Page:
    """The review desk with the first letter on it."""
    opened = signed_in_page()
    opened.goto(live_server.url + DESK)
    return opened


def settle(page: Page) -> None:
    for wait in SETTLED:
        page.evaluate("(wait) => new Promise((done) => setTimeout(done, wait))", wait)


def expect_item(page: Page, number: int) -> None:
    expect(page.locator(".review-input")).to_have_text(LETTERS[number][0])


def _correction(agent: Agent, question: str, answer: str, right: str, comment: str) -> LearningExample:
    said = AgentFeedback.objects.create(
        agent=agent, feedback_type="correction", correction_text=right, feedback_text=comment,
        rating=2, accuracy=1, clarity=4, issue_categories=["incorrect", "incomplete"],
    )  # fmt: skip
    return factories.make_example(
        agent, input_text=question, original_output=answer, expected_output=right, source_feedback=said,
        domain="orders", input_context={"conversation": CONVERSATION, "channel": "e-mail", "language": "en"},
    )  # fmt: skip
