"""Queues: the list, their rules, their people and their known answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from annotation.models import AnnotationQueue, GoldItem, QueueSeat
from annotation.pages.queue_forms import GoldForm, QueueForm
from annotation.services.gold import add_gold, find_decided, resume_expert, retire_gold
from annotation.services.queues import change_queue, create_queue
from annotation.services.waiting import count_slots
from organizations.errors import Refused
from organizations.permissions import page

SHOWN = 200


@page(role="manager")
def queue_list(request: Any) -> HttpResponse:
    """The queues with what waits in each, and experts who are paused."""
    queues = AnnotationQueue.objects.select_related("agent", "rubric").order_by("-active", "name")[:SHOWN]
    paused = QueueSeat.objects.filter(paused_at__isnull=False).select_related("expert", "queue").order_by("paused_at")
    context = {"queues": [(queue, count_slots(queue=queue)) for queue in queues], "paused": paused[:SHOWN]}
    return render(request, "annotation/queues.html", context)


@page(role="manager", methods=("GET", "POST"))
def queue_new(request: Any) -> HttpResponse:
    form = QueueForm(request.POST or None, initial={"statuses": ["pending"]})
    if request.method == "POST" and form.is_valid():
        try:
            queue = create_queue(**form.rules())
        except Refused as error:
            _complain(form, error)
        else:
            messages.success(request, f"The queue {queue.name} takes in what fits its rules.")
            return redirect("review-queues")
    return render(request, "annotation/queue.html", {"form": form})


@page(role="manager", methods=("GET", "POST"))
def queue_edit(request: Any, queue_id: UUID) -> HttpResponse:
    """The rules; they hold from now on."""
    queue = _find(queue_id)
    form = QueueForm(request.POST or None, initial=_current(queue))
    if request.method == "POST" and form.is_valid():
        try:
            change_queue(queue=queue, **form.rules())
        except Refused as error:
            _complain(form, error)
        else:
            messages.success(request, "The rules hold from now on. Items that are there already keep theirs.")
            return redirect("review-queues")
    gold = GoldItem.objects.filter(queue=queue).select_related("example").order_by("-active", "-id")[:SHOWN]
    context = {"form": form, "queue": queue, "gold": gold, "gold_form": GoldForm()}
    return render(request, "annotation/queue.html", context)


@page(role="manager", methods=("POST",))
def gold_add(request: Any, queue_id: UUID) -> HttpResponse:
    """An example whose right answer is known."""
    queue, form = _find(queue_id), GoldForm(request.POST)
    if not form.is_valid():
        messages.error(
            request, "; ".join(f"{name}: {' '.join(map(str, texts))}" for name, texts in form.errors.items())
        )
        return redirect("review-queue", queue_id=queue.pk)
    given = form.cleaned_data
    try:
        example = find_decided(queue=queue, words=given.pop("example"))
        add_gold(queue=queue, example=example, **given | {"shown_output": given["shown_output"] or None})
    except Refused as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The item is given to experts now and then. Nobody is told which ones these are.")
    return redirect("review-queue", queue_id=queue.pk)


@page(role="manager", methods=("POST",))
def gold_retire(request: Any, gold_id: UUID) -> HttpResponse:
    item = GoldItem.objects.filter(pk=gold_id).first()
    if item is None:
        raise Http404("There is no such known answer.")
    retire_gold(item=item)
    return redirect("review-queue", queue_id=item.queue_id)


@page(role="manager", methods=("POST",))
def expert_resume(request: Any, seat_id: UUID) -> HttpResponse:
    """Let a paused expert go on."""
    seat = QueueSeat.objects.select_related("expert").filter(pk=seat_id).first()
    if seat is None:
        raise Http404("There is no such seat.")
    try:
        resume_expert(seat=seat)
    except Refused as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, f"{seat.expert.username} can go on. Known answers are counted anew.")
    return redirect("review-queues")


def _find(queue_id: UUID) -> AnnotationQueue:
    queue = AnnotationQueue.objects.filter(pk=queue_id).first()
    if queue is None:
        raise Http404("There is no such queue.")
    return queue


def _current(queue: AnnotationQueue) -> dict[str, Any]:
    values = {name: getattr(queue, name) for name in QueueForm.base_fields}
    lists = {"stages": "\n".join(queue.stages), "experts": [str(expert) for expert in queue.experts]}
    return values | lists | {"agent": queue.agent_id, "rubric": queue.rubric_id}


def _complain(form: QueueForm, error: Refused) -> None:
    form.add_error(error.field if error.field in form.fields else None, error.message)
