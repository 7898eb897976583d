"""What managers do around the desk, in a real browser, with axe-core looking at every page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotation.models import AnnotationQueue, Rubric, Slot, SlotKind
from annotation.services.claims import claim_next
from annotation.services.flags import flag_item
from annotation.services.opinions import Opinion
from annotation.services.queues import change_queue, default_queue
from annotation.services.rubrics import create_rubric
from annotation.services.submissions import submit_annotation
from learning.models import LearningExample, ReviewStatus
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.browser.review_fixtures import DESK, letters, settle, signed_in_page

__all__ = ["letters", "signed_in_page"]  # fixtures
pytestmark = pytest.mark.django_db(transaction=True)
QUESTIONS = [{"key": "polite", "label": "Is it polite?", "kind": "yes_no", "required": True}]
SAID = [
    {"decision": "approve", "clarity": 0.9, "notes": "Right as it is.", "answers": {"polite": True}},
    {"decision": "approve", "corrected_output": "Send us a photo.", "categories": {"Tone": {"score": 8, "issues": []}},
     "answers": {"polite": True}},
    {"decision": "reject", "notes": "We never promise days."},
]  # fmt: skip


def say(queue: AnnotationQueue, person: Any, **values: Any) -> None:
    slot = claim_next(expert=person, queue=queue)
    assert slot is not None and slot.lease_token is not None
    submit_annotation(expert=person, slot_id=slot.pk, lease_token=slot.lease_token, opinion=Opinion(**values))


@pytest.fixture
def busy_queue(organization: Organization, letters: list[LearningExample]) -> AnnotationQueue:
    """A queue with a dispute about the first letter, a flag, and opinions to compare."""
    people = [factories.make_user(organization, "expert") for _ in SAID]
    with organization_scope(organization.id):
        queue = default_queue()
        assert queue is not None
        rubric = create_rubric(name="Letters", questions=QUESTIONS)
        queue = change_queue(queue=queue, rubric=rubric, reviews_per_item=3, max_reviews=3, disagreement_threshold=0.2)
        for person, said in zip(people, SAID, strict=True):
            say(queue, person, **said)
        for person in people[:2]:
            say(queue, person, decision="approve", clarity=0.7, answers={"polite": True})
        slot = claim_next(expert=people[2], queue=queue)
        assert slot is not None and slot.lease_token is not None
        flag_item(
            expert=people[2], slot_id=slot.pk, lease_token=slot.lease_token, reason="unclear", note="What is a dent?"
        )
    return queue


@pytest.fixture
def manager(signed_in_page: Any) -> Page:
    return signed_in_page("manager")


def test_a_dispute_is_decided_by_keys_alone(
    manager: Page, live_server: Any, organization: Organization, busy_queue: AnnotationQueue, axe: Any
) -> None:
    manager.goto(f"{live_server.url}{DESK}adjudication/")
    axe(manager)
    link = manager.get_by_test_id("disputes").get_by_role("link")
    link.focus()
    manager.keyboard.press("Enter")
    expect(manager.get_by_test_id("opinion")).to_have_count(3)
    axe(manager)
    settle(manager)
    manager.get_by_role("button", name="Take this text").focus()
    manager.keyboard.press("Enter")
    expect(manager.get_by_test_id("corrected-output")).to_have_value("Send us a photo.")
    expect(manager.get_by_test_id("corrected-output")).to_be_focused()
    manager.keyboard.press("Escape")
    manager.keyboard.press("q")
    manager.keyboard.press("Space")
    manager.keyboard.press("Escape")
    manager.keyboard.press("a")
    manager.wait_for_url(re.compile(r"/adjudication/$"))
    expect(manager.get_by_test_id("annotation-submitted")).to_have_text("Approved.")
    expect(manager.get_by_text("Nothing to decide")).to_be_visible()
    with organization_scope(organization.id):
        example = Slot.objects.get(kind=SlotKind.ADJUDICATION).example
        assert (example.review_status, example.expected_output) == (ReviewStatus.APPROVED, "Send us a photo.")
    assert manager.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('review-draft:'))") == []


def test_a_rubric_is_written_row_by_row(manager: Page, live_server: Any, organization: Organization, axe: Any) -> None:
    manager.goto(f"{live_server.url}{DESK}rubrics/new/")
    manager.get_by_label("Name").fill("Letters")
    manager.get_by_label("Question", exact=True).first.fill("Is it polite?")
    manager.get_by_role("button", name="Add a question").click()
    expect(manager.get_by_label("Question", exact=True).nth(1)).to_be_focused()
    manager.keyboard.type("Tone")
    manager.get_by_label("Answer", exact=True).nth(1).select_option("choice")
    manager.get_by_label("To choose from").nth(1).fill("warm; cold")
    axe(manager)
    manager.get_by_role("button", name="Save").click()
    expect(manager.get_by_text("Letters v1 is there")).to_be_visible()
    with organization_scope(organization.id):
        assert [question["label"] for question in Rubric.objects.get().questions] == ["Is it polite?", "Tone"]


@pytest.mark.parametrize(
    "path", ["flags/", "queues/", "queues/new/", "QUEUE", "rubrics/", "agreement/", "plan/", "mine/", "adjudication/"]
)
def test_pages_around_the_desk_are_accessible_and_fit_a_phone(
    manager: Page, live_server: Any, busy_queue: AnnotationQueue, axe: Any, path: str
) -> None:
    manager.goto(live_server.url + DESK + path.replace("QUEUE", f"queues/{busy_queue.pk}/"))
    axe(manager)
    manager.emulate_media(color_scheme="dark", reduced_motion="reduce")
    manager.set_viewport_size({"width": 390, "height": 844})
    assert manager.evaluate("document.documentElement.scrollWidth") <= 390
    axe(manager)
