"""The review desk: one item at a time."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from annotation.models import AnnotationQueue, Slot
from annotation.pages.forms import ReviewForm
from annotation.pages.item import (
    decide,
    fresh_form,
    item_context,
    keep_notice,
    questions_of,
    say,
    take_notice,
    told,
)
from annotation.pages.keys import SHORTCUTS
from annotation.pages.wording import pace
from annotation.services.claims import claim_next, recall_skipped
from annotation.services.items import Item, open_item
from annotation.services.progress import work_of_today
from annotation.services.queues import known_queues, list_queues, queue_for
from annotation.services.seats import Paused
from annotation.services.submissions import last_undoable, undo_submission
from annotation.services.waiting import count_for, count_skipped, is_being_prepared
from learning.models import LearningExample
from organizations.errors import Refused
from organizations.identifiers import as_uuid
from organizations.permissions import page


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
    if form.is_valid():
        try:
            decide(request, form, slot)
            return to_desk(request, queue)
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, told(error, form))
    return show(request, queue, open_item(slot=slot, expert=request.user), form, status=422)


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
    return show(request, queue, item, fresh_form(item, request.user))


def show(
    request: HttpRequest, queue: AnnotationQueue | None, item: Item, form: ReviewForm, status: int = 200
) -> HttpResponse:
    """The page with an item."""
    context = around(request, queue or item.slot.queue) | item_context(item, form)
    return answer(request, context, status)


def answer(request: Any, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """The whole page; to htmx only the part that changes, so that the next item is there after one request."""
    template = "annotation/_desk.html" if request.htmx else "annotation/desk.html"
    return render(request, template, context, status=status)


def around(request: Any, queue: AnnotationQueue | None) -> dict[str, Any]:
    """What stands around the item: queues, progress, what was done last."""
    waiting = count_for(expert=request.user, queue=queue) if queue else 0
    today = work_of_today(expert=request.user)
    return {
        "queue": queue,
        "here": desk_address(queue),
        "queues": open_queues(request),
        "waiting": waiting,
        "done": today.reviews,
        "pace": pace(today.seconds),
        "all": waiting + today.reviews,
        "notice": take_notice(request),
        "undoable": last_undoable(expert=request.user),
        "shortcuts": SHORTCUTS,
    }


def nothing_left(request: Any, queue: AnnotationQueue | None) -> dict[str, Any]:
    return {
        "skipped": count_skipped(expert=request.user, queue=queue) if queue else 0,
        "preparing": queue is not None and is_being_prepared(queue=queue),
        "has_examples": LearningExample.objects.exists(),
    }


def chosen_queue(request: Any) -> AnnotationQueue | None:
    """The queue that the address names, else the oldest active one that is open to this person."""
    name, queues = request.GET.get("queue", ""), open_queues(request)
    if not name:
        return queues[0] if queues else queue_for(expert=request.user)
    queue_id = as_uuid(name)
    mine = next((queue for queue in queues if queue.pk == queue_id), None)
    queue = mine or (known_queues().filter(pk=queue_id, active=True).first() if queue_id else None)
    if queue is None:
        raise Http404("There is no such queue.")
    return queue


def open_queues(request: Any) -> list[AnnotationQueue]:
    """The active queues that are open to this person, oldest first; read once in a request."""
    if not hasattr(request, "open_queues"):
        request.open_queues = list_queues(expert=request.user)
    found: list[AnnotationQueue] = request.open_queues
    return found


def to_desk(request: Any, queue: AnnotationQueue | None) -> HttpResponse:
    """On to the next item: at once for htmx, by another address for a plain form."""
    if request.htmx:
        return show_next(request, queue)
    keep_notice(request)
    return HttpResponseRedirect(desk_address(queue), status=303)


def desk_address(queue: AnnotationQueue | None) -> str:
    return reverse("review-desk") + (f"?{urlencode({'queue': queue.pk})}" if queue else "")
