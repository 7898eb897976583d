"""The review desk: one item at a time."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from annotation.models import AnnotationQueue, Decision, Slot
from annotation.models.annotations import SCORES
from annotation.pages.form_rows import CategoryRow
from annotation.pages.forms import SKIP, ReviewForm, initial_values
from annotation.pages.keys import SHORTCUTS
from annotation.services.claims import claim_next, recall_skipped, skip_item
from annotation.services.items import Item, marks, open_item
from annotation.services.overview import annotated_today
from annotation.services.queues import default_queue, list_queues
from annotation.services.stages import proposed_output
from annotation.services.submissions import last_undoable, submit_annotation, undo_submission
from annotation.services.waiting import count_for, count_skipped
from annotation.word_diff import diff_words
from learning.models import LearningExample
from organizations.errors import Refused
from organizations.identifiers import as_uuid
from organizations.permissions import page

NOTICE = "review_notice"  # in the session: what the next page says about the step before
SAID = {Decision.APPROVE: "Approved.", Decision.REJECT: "Rejected.", Decision.REQUEST_CHANGES: "Marked for revision."}
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
    """Skip, or submit. What cannot be accepted comes back with its text and a reason."""
    form = ReviewForm(request.POST)
    slot_id = as_uuid(request.POST.get("slot", ""))
    slot = Slot.objects.select_related("queue", "example__agent").filter(pk=slot_id).first() if slot_id else None
    if slot is None:
        raise Http404("There is no such item.")
    if form.is_valid():
        try:
            decide(request, form, slot)
            return to_desk(request, queue)
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    item = open_item(slot=slot, expert=request.user)
    return show(request, queue, item, form, status=422)


def decide(request: Any, form: ReviewForm, slot: Slot) -> None:
    """Raises Refused when the decision cannot be accepted as it is."""
    lease = {"expert": request.user, "slot_id": slot.pk, "lease_token": form.cleaned_data["lease_token"]}
    if form.cleaned_data["action"] == SKIP:
        skip_item(**lease)
        say(request, "Skipped. Somebody else will get it.", "info")
        return
    proposed = proposed_output(slot.example, before_stage=slot.stage)
    done = submit_annotation(**lease, opinion=form.opinion(proposed=proposed))
    if done.conflict:
        say(request, done.conflict, "warning")
    else:
        say(request, SAID[Decision(done.annotation.decision)], "success", submitted=True)


def show_next(request: Any, queue: AnnotationQueue | None) -> HttpResponse:
    """The person's next item, or why there is none."""
    slot = claim_next(expert=request.user, queue=queue) if queue else None
    if slot is None:
        return answer(request, around(request, queue) | nothing_left(request, queue))
    item = open_item(slot=slot, expert=request.user)
    form = ReviewForm(initial=initial_values(draft=item.draft, proposed=item.proposed_output))
    return show(request, queue, item, form)


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
    done = annotated_today(expert=request.user)
    return {
        "queue": queue,
        "here": desk_address(queue),
        "queues": list_queues(),
        "waiting": waiting,
        "done": done,
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
    """The queue that the address names, else the oldest active one."""
    name = request.GET.get("queue", "")
    if not name:
        return default_queue()
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
