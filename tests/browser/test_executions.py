"""The pages of executions, in a browser: wide and narrow, light and dark, by keyboard, checked by axe-core."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from learning.models import RetrievalEvent, TelemetrySpan
from learning.services.executions import log_execution
from learning.services.feedback import submit_feedback
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

PICTURES = os.environ.get("EXECUTION_PAGES_PICTURES")  # a folder, to look at the pages
LOOKS = ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"))
PAGE = "/admin/learning/executions/"
SECOND = 1_000_000_000


def send_some(organization: Organization) -> Any:
    """Executions of every look; the id of one with everything."""
    with organization_scope(organization.id):
        agent = factories.make_agent(external_id="support", name="Support of a shop with a rather long name")
        config = factories.make_config(agent)
        log_execution(
            item={
                "agent_id": "support", "input": "Can I send it back?", "status": "failed", "duration_ms": 30_000.0,
                "metadata": {"error": {"type": "TimeoutError", "message": "the model did not answer in time"}},
            }
        )  # fmt: skip
        for number in range(60):
            log_execution(
                item={"agent_id": "support", "input": f"Question {number}? " + "word" * number, "output": "Yes."}
            )
        whole = log_execution(
            item={
                "agent_id": "support", "execution_id": "exec-" + "1234567890" * 6, "user_id": "user-7",
                "input": "Where is my parcel? I have waited for two weeks now.", "output": "It is in Lyon. " * 200,
                "config_id": config.pk, "variant": "treatment", "duration_ms": 2412.5, "input_tokens": 1204,
                "output_tokens": 88, "cost": "0.00031", "confidence": 0.83,
                "context": {
                    "session_id": "session-9",
                    "conversation": [
                        {"role": "user", "content": "Hello"},
                        {"role": "assistant", "content": "Hello, what can I do for you?"},
                    ],
                },
                "metadata": {"channel": "web", "tags": ["parcel", "late"]},
                "decisions": [
                    {"decision_point": "tool: track_parcel", "input": {"parcel": 7}, "output": "Lyon",
                     "reasoning": "The person asks for a place.", "confidence": 0.9, "alternatives": ["search", "ask"]},
                ],
            }
        ).stored_id()  # fmt: skip
        for one in (
            {"feedback_type": "correction", "correction_text": "It left our warehouse in Lyon today."},
            {"feedback_type": "star_rating", "rating": 2, "feedback_text": "That does not help.", "clarity": 1},
            {"feedback_type": "report_issue", "issue_categories": ["incorrect", "incomplete"]},
        ):
            submit_feedback(item={"agent_id": "support", "execution_id": str(whole), "user_id": "user-7"} | one)
        documents = [{"id": f"manual/{n}", "rank": n, "score": 0.9 / n} for n in (1, 2, 3)]
        RetrievalEvent.objects.create(execution_id=whole, external_id="r", query="parcel late", documents=documents)
        for name, parent, kind, start, end in (
            ("answer", "", "agent", 0.0, 2.4), ("find the manual", "answer", "retriever", 0.05, 0.4),
            ("chat", "answer", "llm", 0.42, 1.5), ("track_parcel", "chat", "tool", 1.5, 1.9),
            ("chat 2", "answer", "llm", 1.9, 2.4),
        ):  # fmt: skip
            TelemetrySpan.objects.create(
                execution_id=whole, trace_id="t", span_id=name, parent_id=parent, started=int(start * SECOND),
                ended=int(end * SECOND), reading={"name": name, "kind": kind, "model": "gpt-x" * (kind == "llm")},
            )  # fmt: skip
    return whole


def look(page: Page, axe: Callable[..., None], name: str) -> None:
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
        axe(page)
        if PICTURES:
            page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}-{scheme}.png"), full_page=name != "list")
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.django_db(transaction=True)
def test_from_nothing_to_the_first_execution(
    page: Page, signing_in: Callable[..., Page], live_server: Any, axe: Callable[..., None], organization: Organization
) -> None:
    factories.make_key(organization, ["ingest"])
    signing_in(factories.make_user(organization, "manager"))
    page.get_by_role("link", name="Executions", exact=True).first.click()
    page.wait_for_url(f"**{PAGE}")
    expect(page.get_by_test_id("first-steps")).to_contain_text(
        f"curl -X POST {live_server.url}/api/learning/executions"
    )
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status")).to_have_text("Copied.", ignore_case=True, timeout=5000)
    look(page, axe, "first")


@pytest.mark.django_db(transaction=True)
def test_the_pages_fit_and_are_worked_by_keyboard(
    page: Page, signed_in: Callable[..., Page], live_server: Any, axe: Callable[..., None], organization: Organization
) -> None:
    key = send_some(organization)
    signed_in(factories.make_user(organization, "manager"))
    page.goto(live_server.url + PAGE)
    look(page, axe, "list")
    page.get_by_label("Find").focus()
    page.keyboard.type("session-9")
    page.keyboard.press("Enter")
    page.wait_for_url("**find=session-9**")
    expect(page.get_by_test_id("execution")).to_have_count(1)
    page.get_by_role("link", name="Where is my parcel?").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{PAGE}{key}/")
    look(page, axe, "one")
    long_text = page.locator(".turn.now .long-text")
    expect(long_text.locator("> .pre-text")).to_be_hidden()
    long_text.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(long_text.locator("> .pre-text")).to_be_visible()
    expect(long_text.locator(".long-text-beginning")).to_be_hidden()
    page.get_by_text("3 documents").click()
    page.get_by_text("Raw data", exact=False).first.click()
    look(page, axe, "unfolded")


@pytest.mark.django_db(transaction=True)
def test_the_navigation_has_room_for_every_page(
    page: Page, signing_in: Callable[..., Page], live_server: Any, organization: Organization
) -> None:
    person = factories.make_user(organization, "admin")
    person.username = "somebody.with.a.long.name@a-rather-long-company.example"
    person.save()
    signing_in(person)
    overlap = """() => { const nav = document.querySelector(".nav-wide .nav-list")
      if (!nav.offsetParent) return 0
      const last = nav.lastElementChild.getBoundingClientRect()
      return last.right - document.querySelector(".site-head .menu:last-child").getBoundingClientRect().left }"""
    for width in (1025, 1153, 1200, 1280):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(overlap) <= 0, width
