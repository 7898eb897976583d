"""One item on a review page: what is shown of it, and what becomes of what was said about it."""

from __future__ import annotations

from typing import Any

from annotation.models import Decision, FlagReason, Slot
from annotation.models.annotations import SCORES
from annotation.pages.form_rows import CategoryRow
from annotation.pages.forms import FLAG, SKIP, ReviewForm, initial_values
from annotation.pages.questions import shown_questions
from annotation.services.flags import flag_item
from annotation.services.items import Item, marks, output_to_judge
from annotation.services.leases import skip_item
from annotation.services.preferences import SIDES, preferred_by_side
from annotation.services.submissions import Submission, submit_annotation
from annotation.word_diff import diff_words
from organizations.errors import Refused

NOTICE = "review_notice"  # what the next page says about the step before
SAID = {Decision.APPROVE: "Approved.", Decision.REJECT: "Rejected.", Decision.REQUEST_CHANGES: "Marked for revision."}
# Side, strength, words and key of each answer to "which output is better?" The left one is A, the right one B.
CHOICES = [
    ("left", 3, "A much better", "1"), ("left", 2, "A better", "2"), ("left", 1, "A a little better", "3"),
    ("equal", 1, "Equal", "4"),
    ("right", 1, "B a little better", "5"), ("right", 2, "B better", "6"), ("right", 3, "B much better", "7"),
]  # fmt: skip
EMPTY_ROW = CategoryRow("", "", "")


def decide(request: Any, form: ReviewForm, slot: Slot) -> None:
    """Raises Refused when the decision cannot be accepted as it is."""
    given = form.cleaned_data
    lease = {"expert": request.user, "slot_id": slot.pk, "lease_token": given["lease_token"]}
    if given["action"] == SKIP:
        skip_item(**lease, reason=given["skip_reason"])
        say(request, "Skipped. Somebody else will get it.", "info")
    elif given["action"] == FLAG:
        flag_item(**lease, reason=given["flag_reason"], note=given["flag_note"])
        say(request, "Set aside. A manager will look at it.", "info")
    else:
        better = given["better"] and preferred_by_side(slot=slot, expert=request.user, better=given["better"])
        opinion = form.opinion(proposed=output_to_judge(slot), preferred=better)
        say_what_became(request, submit_annotation(**lease, opinion=opinion, slot=slot))


def say_what_became(request: Any, done: Submission) -> None:
    decided = SAID[Decision(done.annotation.decision)]
    if done.conflict:
        say(request, done.conflict, "warning")
    elif done.gold is None or done.gold.right:
        say(request, decided, "success", submitted=True)
    else:
        right = Decision(done.gold.right_decision).label.lower()
        text = f"{decided} This item had a known answer: {right}. {done.gold.explanation}".strip()
        say(request, text, "warning", submitted=True)


def told(error: Refused, form: ReviewForm) -> str:
    """What was wrong, with the question it was wrong about."""
    labels = {f"answers.{question['key']}": question["label"] for question in form.questions}
    label = labels.get(error.field or "")
    return f"{label} {error.message}" if label else error.message


def seen_from_here(item: Item, expert: Any) -> dict[str, Any]:
    """The draft; a preference that it holds, by the side on which this person sees it."""
    preferred = item.draft.get("preferred")
    if not preferred or item.draft.get("better"):
        return item.draft
    sides = [s for s in SIDES if preferred_by_side(slot=item.slot, expert=expert, better=s) == preferred]
    return item.draft | {"better": "".join(sides)}


def questions_of(slot: Slot) -> list[dict[str, Any]]:
    return slot.queue.rubric.questions if slot.queue.rubric else []


def fresh_form(item: Item, expert: Any) -> ReviewForm:
    """The form as it starts: with the draft where there is one."""
    values = initial_values(draft=seen_from_here(item, expert), proposed=item.proposed_output)
    return ReviewForm(initial=values, questions=questions_of(item.slot))


def item_context(item: Item, form: ReviewForm) -> dict[str, Any]:
    """What the templates of an item need."""
    names = zip(SCORES, "1234", strict=True)
    example = item.example
    return {
        "item": item,
        "example": example,
        "form": form,
        "scores": [(form[name], f"{name.replace('_', '-')}-slider", key) for name, key in names],
        "categories": [*form.category_rows(), EMPTY_ROW],
        "questions": shown_questions(form.questions, form.answers()),
        "pair": item.pair,
        "choices": CHOICES,
        "flag_reasons": FlagReason.choices,
        "others": item.opinions,
        "segments": diff_words(example.original_output, form["corrected_output"].value() or ""),
        "feedback": [(row, marks(row)) for row in item.feedback],
    }


def say(request: Any, text: str, kind: str, submitted: bool = False) -> None:
    """For the page that this request shows, or the next one when `keep_notice` is called."""
    request.review_notice = {"text": text, "kind": kind, "submitted": submitted}


def keep_notice(request: Any) -> None:
    """Another request will show it: the session remembers it until then."""
    if notice := getattr(request, NOTICE, None):
        request.session[NOTICE] = notice


def take_notice(request: Any) -> dict[str, Any] | None:
    """What there is to say, once."""
    kept: dict[str, Any] | None = request.session.pop(NOTICE, None)
    return getattr(request, NOTICE, None) or kept
