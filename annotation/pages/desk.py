"""The review desk: one item at a time."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from annotation.models import AnnotationQueue, Decision, FlagReason, Slot
from annotation.models.annotations import SCORES
from annotation.pages.form_rows import CategoryRow
from annotation.pages.forms import FLAG, SKIP, ReviewForm, initial_values
from annotation.pages.keys import SHORTCUTS
from annotation.pages.questions import shown_questions
from annotation.pages.wording import pace
from annotation.services.claims import claim_next, recall_skipped, skip_item
from annotation.services.flags import flag_item
from annotation.services.items import Item, marks, open_item
from annotation.services.lineage import annotations_of
from annotation.services.preferences import SIDES, pair_of, preferred_by_side
from annotation.services.progress import reviewed_today, seconds_per_item
from annotation.services.queues import list_queues, queue_for
from annotation.services.seats import Paused
from annotation.services.submissions import Submission, last_undoable, submit_annotation, undo_submission
from annotation.services.waiting import count_for, count_skipped
from annotation.word_diff import diff_words
from learning.models import LearningExample
from organizations.errors import Refused
from organizations.identifiers import as_uuid
from organizations.permissions import page

NOTICE = "review_notice"  # in the session: what the next page says about the step before
SAID = {Decision.APPROVE: "Approved.", Decision.REJECT: "Rejected.", Decision.REQUEST_CHANGES: "Marked for revision."}
# Side, strength, words and key of each answer to "which output is better?"
CHOICES = [
    ("left", 3, "Left much better", "1"), ("left", 2, "Left better", "2"), ("left", 1, "Left a little", "3"),
    ("equal", 1, "Equal", "4"),
    ("right", 1, "Right a little", "5"), ("right", 2, "Right better", "6"), ("right", 3, "Right much better", "7"),
]  # fmt: skip
EMPTY_ROW = CategoryRow("", "", "")


@page(role="expert", methods=("GET", "POST"))
def desk(request: Any) -> HttpResponse:
    """The next item for this person; or, posted, what they decided about the one before."""
    queue = chosen_queue(request)
    return hand_in(request, queue) if request.method == "POST" else show_next(request, queue)


@page(role="expert", methods=("POST",))
def undo(request: Any) -> HttpResponse:
    """Take back one's last review."""
    annotation_id = as_uuid(request.POST.get("annotation", ""))
    if annotation_id is None:
        raise Http404("There is no such review.")
    try:
        slot = undo_submission(expert=request.user, annotation_id=annotation_id)
    except Refused as error:
        say(request, error.message, "warning")
        return to_desk(request, chosen_queue(request))
    say(request, "Taken back. Here is the item again, with what you had written.", "info")
    return to_desk(request, slot.queue)


@page(role="expert", methods=("POST",))
def recall(request: Any) -> HttpResponse:
    """Show the skipped items again."""
    queue = chosen_queue(request)
    if queue:
        recall_skipped(expert=request.user, queue=queue)
    return to_desk(request, queue)


def hand_in(request: Any, queue: AnnotationQueue | None) -> HttpResponse:
    """Skip, flag or submit. What cannot be accepted comes back with its text and a reason."""
    slot_id = as_uuid(request.POST.get("slot", ""))
    slots = Slot.objects.select_related("queue__rubric", "example__agent")
    slot = slots.filter(pk=slot_id).first() if slot_id else None
    if slot is None:
        raise Http404("There is no such item.")
    form = ReviewForm(request.POST, questions=questions_of(slot))
    item = open_item(slot=slot, expert=request.user)
    if form.is_valid():
        try:
            decide(request, form, item)
            return to_desk(request, queue)
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, told(error, form))
    return show(request, queue, item, form, status=422)


def decide(request: Any, form: ReviewForm, item: Item) -> None:
    """Raises Refused when the decision cannot be accepted as it is."""
    given, slot = form.cleaned_data, item.slot
    lease = {"expert": request.user, "slot_id": slot.pk, "lease_token": given["lease_token"]}
    if given["action"] == SKIP:
        skip_item(**lease, reason=given["skip_reason"])
        say(request, "Skipped. Somebody else will get it.", "info")
    elif given["action"] == FLAG:
        flag_item(**lease, reason=given["flag_reason"], note=given["flag_note"])
        say(request, "Set aside. A manager will look at it.", "info")
    else:
        better = given["better"] and preferred_by_side(slot=slot, expert=request.user, better=given["better"])
        opinion = form.opinion(proposed=item.proposed_output, preferred=better)
        say_what_became(request, submit_annotation(**lease, opinion=opinion))


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


def show_next(request: Any, queue: AnnotationQueue | None) -> HttpResponse:
    """The person's next item, or why there is none."""
    paused = ""
    try:
        slot = claim_next(expert=request.user, queue=queue) if queue else None
    except Paused as error:
        slot, paused = None, error.message
    if slot is None:
        return answer(request, around(request, queue) | nothing_left(request, queue) | {"paused": paused})
    item = open_item(slot=slot, expert=request.user)
    values = initial_values(draft=seen_from_here(item, request.user), proposed=item.proposed_output)
    return show(request, queue, item, ReviewForm(initial=values, questions=questions_of(slot)))


def seen_from_here(item: Item, expert: Any) -> dict[str, Any]:
    """The draft; a preference that it holds, by the side on which this person sees it."""
    preferred = item.draft.get("preferred")
    if not preferred or item.draft.get("better"):
        return item.draft
    sides = [s for s in SIDES if preferred_by_side(slot=item.slot, expert=expert, better=s) == preferred]
    return item.draft | {"better": "".join(sides)}


def questions_of(slot: Slot) -> list[dict[str, Any]]:
    return slot.queue.rubric.questions if slot.queue.rubric else []


def show(
    request: HttpRequest, queue: AnnotationQueue | None, item: Item, form: ReviewForm, status: int = 200
) -> HttpResponse:
    """The page with an item."""
    typed = form["corrected_output"].value() or ""
    names = zip(SCORES, "1234", strict=True)
    context = around(request, queue or item.slot.queue) | {
        "item": item,
        "example": item.example,
        "form": form,
        "scores": [(form[name], f"{name.replace('_', '-')}-slider", key) for name, key in names],
        "categories": [*form.category_rows(), EMPTY_ROW],
        "questions": shown_questions(form.questions, form.answers()),
        "pair": pair_of(slot=item.slot, expert=request.user),
        "choices": CHOICES,
        "flag_reasons": FlagReason.choices,
        "others": [] if item.slot.queue.blind else annotations_of([item.example.pk]).get(item.example.pk, []),
        "segments": diff_words(item.example.original_output, typed),
        "feedback": [(row, marks(row)) for row in item.feedback],
    }
    return answer(request, context, status)


def answer(request: Any, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """The whole page; to htmx only the part that changes, so that the next item is there after one request."""
    template = "annotation/_desk.html" if request.htmx else "annotation/desk.html"
    return render(request, template, context, status=status)


def around(request: Any, queue: AnnotationQueue | None) -> dict[str, Any]:
    """What stands around the item: queues, progress, what was done last."""
    waiting = count_for(expert=request.user, queue=queue) if queue else 0
    done = reviewed_today(expert=request.user)
    return {
        "queue": queue,
        "here": desk_address(queue),
        "queues": list_queues(expert=request.user),
        "waiting": waiting,
        "done": done,
        "pace": pace(seconds_per_item(expert=request.user)),
        "all": waiting + done,
        "notice": request.session.pop(NOTICE, None),
        "undoable": last_undoable(expert=request.user),
        "shortcuts": SHORTCUTS,
    }


def nothing_left(request: Any, queue: AnnotationQueue | None) -> dict[str, Any]:
    return {
        "skipped": count_skipped(expert=request.user, queue=queue) if queue else 0,
        "has_examples": LearningExample.objects.exists(),
    }


def chosen_queue(request: Any) -> AnnotationQueue | None:
    """The queue that the address names, else the oldest active one that is open to this person."""
    name = request.GET.get("queue", "")
    if not name:
        return queue_for(expert=request.user)
    queue_id = as_uuid(name)
    queue = AnnotationQueue.objects.filter(pk=queue_id, active=True).first() if queue_id else None
    if queue is None:
        raise Http404("There is no such queue.")
    return queue


def to_desk(request: Any, queue: AnnotationQueue | None) -> HttpResponse:
    """On to the next item: at once for htmx, by another address for a plain form."""
    if request.htmx:
        return show_next(request, queue)
    return HttpResponseRedirect(desk_address(queue), status=303)


def desk_address(queue: AnnotationQueue | None) -> str:
    return reverse("review-desk") + (f"?{urlencode({'queue': queue.pk})}" if queue else "")


def say(request: Any, text: str, kind: str, submitted: bool = False) -> None:
    request.session[NOTICE] = {"text": text, "kind": kind, "submitted": submitted}
