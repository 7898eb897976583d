"""The review desk as a browser without JavaScript gets it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from annotation.models import AnnotationQueue, ExpertAnnotation, Slot
from annotation.services.queues import create_queue
from learning.models import Agent, AgentFeedback, LearningExample, ReviewStatus
from tests import factories
from tests.annotation.conftest import let_lease_run_out

DESK = "/admin/learning/annotation/"


def hidden(page: Any) -> dict[str, str]:
    """The hidden fields of the review form."""
    names = ("slot", "lease_token", "seconds_spent")
    found = {name: re.search(rf'name="{name}" value="([^"]*)"', page.content.decode()) for name in names}
    return {name: match[1] for name, match in found.items() if match}


def decide(client: Any, page: Any, action: str, **values: Any) -> Any:
    return client.post(DESK, hidden(page) | {"action": action} | values)


def test_the_desk_shows_one_item_with_its_diff_feedback_and_four_scores(agent: Agent, sign_in: Any) -> None:
    said = AgentFeedback.objects.create(
        agent=agent, feedback_type="correction", feedback_text="Too vague", correction_text="positive",
        rating=2, issue_categories=["unclear"],
    )  # fmt: skip
    context = {"conversation": [{"role": "user", "content": "Hello there"}, {"role": "assistant", "content": "Yes?"}]}
    factories.make_example(agent, source_feedback=said, input_context=context | {"channel": "mail"})
    page = sign_in("expert").get(DESK).content.decode()
    for text in ("Sorter", "Text number", "Hello there", "mail", "Too vague", "unclear", "2 of 5"):
        assert text in page, text
    assert "<del>neutral</del><ins>positive</ins>" in page
    for testid in (
        "annotation-queue", "technical-accuracy-slider", "professional-quality-slider", "completeness-slider",
        "clarity-slider", "approve-button", "reject-button", "needs-revision-button",
    ):  # fmt: skip
        assert page.count(f'data-testid="{testid}"') == 1, testid


def test_approving_stores_the_review_and_shows_the_next_item(agent: Agent, sign_in: Any) -> None:
    first, second = factories.make_example(agent), factories.make_example(agent)
    expert = sign_in("expert")
    page = expert.get(DESK)
    answer = decide(expert, page, "approve", corrected_output="very\r\npositive", clarity="0.85", notes=" fine ")
    assert answer.status_code == 303
    following = expert.get(answer["Location"]).content.decode()
    assert 'data-testid="annotation-submitted"' in following and second.input_text in following
    first.refresh_from_db()
    assert (first.review_status, first.expected_output) == (ReviewStatus.APPROVED, "very\npositive")
    said = ExpertAnnotation.objects.get()
    assert (said.clarity, said.technical_accuracy, said.notes, said.expert) == (0.85, None, "fine", expert.user)
    assert 'data-testid="annotation-submitted"' not in expert.get(DESK).content.decode()


def test_a_text_left_as_proposed_is_no_correction(agent: Agent, sign_in: Any) -> None:
    factories.make_example(agent, expected_output="two\nlines")
    expert = sign_in("expert")
    decide(expert, expert.get(DESK), "approve", corrected_output="two\r\nlines")
    assert ExpertAnnotation.objects.get().corrected_output == ""


def test_reject_and_needs_revision_reach_the_example(agent: Agent, sign_in: Any) -> None:
    expert = sign_in("expert")
    for action, status in (("reject", ReviewStatus.REJECTED), ("request_changes", ReviewStatus.NEEDS_REVISION)):
        example = factories.make_example(agent)
        decide(expert, expert.get(DESK), action)
        example.refresh_from_db()
        assert example.review_status == status


def test_a_skipped_item_gives_way_and_can_be_called_back(agent: Agent, sign_in: Any) -> None:
    example = factories.make_example(agent)
    expert = sign_in("expert")
    answer = decide(expert, expert.get(DESK), "skip")
    page = expert.get(answer["Location"]).content.decode()
    assert "Only what you skipped is left" in page and 'data-testid="annotation-submitted"' not in page
    back = expert.post("/admin/learning/annotation/recall/")
    assert example.input_text in expert.get(back["Location"]).content.decode()


def test_a_bad_score_comes_back_with_what_was_typed_and_a_reason(agent: Agent, sign_in: Any) -> None:
    factories.make_example(agent)
    expert = sign_in("expert")
    answer = decide(expert, expert.get(DESK), "approve", clarity="1.5", corrected_output="my text", notes="my notes")
    page = answer.content.decode()
    assert answer.status_code == 422 and "less than or equal to 1" in page
    assert "my text" in page and "my notes" in page and 'value="1.5"' in page
    assert not ExpertAnnotation.objects.exists()
    assert decide(expert, answer, "approve", corrected_output="my text").status_code == 303


def test_a_lost_lease_keeps_the_text_and_says_so(agent: Agent, sign_in: Any) -> None:
    factories.make_example(agent)
    slow, quick = sign_in("expert"), sign_in("expert")
    page = slow.get(DESK)
    let_lease_run_out(Slot.objects.get())
    quick.get(DESK)
    answer = decide(slow, page, "approve", corrected_output="hours of work")
    assert answer.status_code == 303
    assert "kept as an extra opinion" in slow.get(answer["Location"]).content.decode()
    assert ExpertAnnotation.objects.get(extra=True).corrected_output == "hours of work"


def test_undo_brings_the_item_back_with_what_was_written(agent: Agent, sign_in: Any) -> None:
    example = factories.make_example(agent)
    factories.make_example(agent)
    expert = sign_in("expert")
    decide(expert, expert.get(DESK), "reject", notes="too quick")
    done = ExpertAnnotation.objects.get()
    answer = expert.post("/admin/learning/annotation/undo/", {"annotation": str(done.pk)})
    page = expert.get(answer["Location"]).content.decode()
    assert "Taken back" in page and example.input_text in page and "too quick" in page
    assert expert.post("/admin/learning/annotation/undo/", {"annotation": "x"}).status_code == 404


def test_what_users_write_is_shown_as_text_and_never_as_markup(agent: Agent, sign_in: Any) -> None:
    attack = '<script>alert(1)</script><img src=x onerror="alert(2)">" onmouseover="alert(3)'
    said = AgentFeedback.objects.create(
        agent=agent, feedback_type="correction", feedback_text=attack, correction_text=attack,
        issue_categories=[attack[:50]],
    )  # fmt: skip
    factories.make_example(
        agent, source_feedback=said, input_text=attack, original_output=attack, expected_output=attack + " more",
        domain=attack[:90], input_context={"conversation": [{"role": attack, "content": attack}], attack: attack},
    )  # fmt: skip
    page = sign_in("expert").get(DESK).content.decode()
    assert "<script>alert" not in page and "<img src=x" not in page and '" onmouseover="' not in page
    assert attack in unescape(page)


def test_an_empty_desk_says_what_to_do(scope: Any, sign_in: Any) -> None:
    page = sign_in("expert").get(DESK).content.decode()
    assert "Nothing to review yet" in page and 'href="/demo/"' in page and 'data-testid="annotation-queue"' in page


def test_a_finished_desk_and_a_paused_one_say_so(agent: Agent, sign_in: Any) -> None:
    factories.make_example(agent, review_status=ReviewStatus.APPROVED)
    expert = sign_in("expert")
    assert "Nothing waits for your review" in expert.get(DESK).content.decode()
    AnnotationQueue.objects.update(active=False)
    assert "All queues are paused" in expert.get(DESK).content.decode()


def test_each_queue_has_a_desk_of_its_own(agent: Agent, queue: AnnotationQueue, sign_in: Any) -> None:
    law = create_queue(name="Law", domain="law")
    example = factories.make_example(agent, domain="law")
    factories.make_example(agent, example_type="positive")
    expert = sign_in("expert")
    page = expert.get(DESK, {"queue": str(law.pk)})
    assert example.input_text in page.content.decode()
    answer = expert.post(f"{DESK}?queue={law.pk}", hidden(page) | {"action": "reject"})
    assert answer["Location"] == f"{DESK}?queue={law.pk}"
    assert expert.get(DESK, {"queue": "x"}).status_code == 404


def test_the_desk_is_for_experts(agent: Agent, sign_in: Any, client: Any) -> None:
    factories.make_example(agent)
    member = sign_in("member")
    assert member.get(DESK).status_code == 403 and member.post(DESK).status_code == 403
    assert client.get(DESK)["Location"].startswith("/login/")
    assert sign_in("admin").get(DESK).status_code == 200


def test_another_organizations_item_cannot_be_decided(agent: Agent, sign_in: Any, other_organization: Any) -> None:
    factories.make_example(agent)
    page = sign_in("expert").get(DESK)
    stranger = sign_in("expert", inside=other_organization)
    assert decide(stranger, page, "reject").status_code == 404
    assert LearningExample.objects.get().review_status == ReviewStatus.PENDING


@pytest.mark.parametrize("kept", [5, True, ["text"], {"text": 1}])
def test_a_draft_that_an_application_kept_badly_does_not_close_the_desk(agent: Agent, sign_in: Any, kept: Any) -> None:
    example = factories.make_example(agent, expected_output="as proposed")
    desk = sign_in("expert")
    desk.get(DESK)
    body = {"content": {"corrected_output": kept, "notes": kept, "categories": kept, "answers": kept}}
    drafts = f"/api/learning/annotations/drafts/{example.pk}"
    assert desk.put(drafts, body, content_type="application/json").status_code == 200
    page = desk.get(DESK)
    assert page.status_code == 200 and "as proposed" in page.content.decode()


def test_the_two_outputs_of_a_pair_have_names_that_hold_wherever_they_stand(agent: Agent, sign_in: Any) -> None:
    """On a phone one stands below the other."""
    factories.make_example(agent, example_type="preference", expected_output="On Thursday.", rejected_output="Soon!")
    page = sign_in("expert").get(DESK).content.decode()
    pair = page.partition('data-testid="preference"')[2].partition("</section>")[0]
    assert re.findall(r"<h4>(.*?)</h4>", pair) == ["Output A", "Output B"]
    assert re.findall(r'data-choice="(\w+)"[^>]*>([AB])\b', pair) == [("left", "A")] * 3 + [("right", "B")] * 3
    assert not re.findall(r">[^<]*\b(?:left|right)\b", pair, re.I)
