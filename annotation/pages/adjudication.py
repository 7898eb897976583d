"""What reviewers cannot settle among themselves: disputes, each with all opinions, and flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from annotation.models import ExpertAnnotation, ItemFlag, Slot, SlotKind
from annotation.models.annotations import SCORES
from annotation.pages.form_rows import shown_rows
from annotation.pages.forms import ReviewForm
from annotation.pages.item import decide, fresh_form, item_context, keep_notice, questions_of, take_notice, told
from annotation.pages.keys import SHORTCUTS
from annotation.services.claims import claim_slot
from annotation.services.disputes import disputes, opinions_on, reviews_added
from annotation.services.flags import open_flags, resolve_flag
from annotation.services.items import Item, open_item
from annotation.word_diff import Segment, diff_words
from organizations.errors import Refused
from organizations.permissions import page


@dataclass(frozen=True)
class ShownOpinion:
    """One opinion with its change to the agent's answer, its scores by name and its answers in words."""

    said: ExpertAnnotation
    segments: list[Segment]
    scores: list[tuple[str, float]]
    categories: list[Any]
    answers: list[tuple[str, str]]


@page(role="manager")
def adjudication(request: Any) -> HttpResponse:
    """What waits for somebody who decides, and what reviewers disagree about."""
    context = {"disputes": disputes(), "added": reviews_added(), "notice": take_notice(request)}
    return render(request, "annotation/adjudication.html", context)


@page(role="manager", methods=("GET", "POST"))
def adjudicate(request: Any, slot_id: UUID) -> HttpResponse:
    """One dispute: all opinions beside each other, and the decision that ends it."""
    slot = Slot.objects.filter(pk=slot_id, kind=SlotKind.ADJUDICATION).first()
    if slot is None:
        raise Http404("There is no such dispute.")
    if request.method == "POST":
        return _hand_in(request, slot)
    try:
        slot = claim_slot(expert=request.user, slot_id=slot.pk, adjudicates=True)
    except Refused as error:
        messages.warning(request, error.message)
        return redirect("adjudication")
    item = open_item(slot=slot, expert=request.user)
    return _show(request, item, fresh_form(item, request.user))


@page(role="manager")
def flags(request: Any) -> HttpResponse:
    """What experts set aside."""
    return render(request, "annotation/flags.html", {"flags": open_flags()})


@page(role="manager", methods=("POST",))
def flag_resolve(request: Any, flag_id: UUID) -> HttpResponse:
    """Back into the queue, or out."""
    flag = ItemFlag.objects.filter(pk=flag_id).first()
    if flag is None:
        raise Http404("There is no such flag.")
    try:
        resolve_flag(flag=flag, outcome=request.POST.get("outcome", ""), by=request.user)
    except Refused as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, "Done.")
    return redirect("review-flags")


def _hand_in(request: Any, slot: Slot) -> HttpResponse:
    form = ReviewForm(request.POST, questions=questions_of(slot))
    if form.is_valid():
        try:
            decide(request, form, slot)
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, told(error, form))
        else:
            keep_notice(request)
            back = reverse("adjudication")
            return HttpResponseClientRedirect(back) if request.htmx else redirect(back)
    return _show(request, open_item(slot=slot, expert=request.user), form, status=422)


def _show(request: Any, item: Item, form: ReviewForm, status: int = 200) -> HttpResponse:
    opinions = [_shown(item, said) for said in opinions_on(item.slot)]
    context = item_context(item, form) | {
        "opinions": opinions,
        "others": [],
        "adjudicating": True,
        "queue": item.slot.queue,
        "here": reverse("adjudicate", args=[item.slot.pk]),
        "shortcuts": SHORTCUTS,
    }
    template = "annotation/_dispute.html" if request.htmx else "annotation/dispute.html"
    return render(request, template, context, status=status)


def _shown(item: Item, said: ExpertAnnotation) -> ShownOpinion:
    labels = {question["key"]: question["label"] for question in (said.rubric.questions if said.rubric else [])}
    return ShownOpinion(
        said=said,
        segments=diff_words(item.example.original_output, said.corrected_output),
        scores=[(name.replace("_", " "), value) for name in SCORES if (value := getattr(said, name)) is not None],
        categories=shown_rows(said.categories),
        answers=[(labels.get(key, key), _in_words(answer)) for key, answer in said.answers.items()],
    )


def _in_words(answer: Any) -> str:
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    return ", ".join(map(str, answer)) if isinstance(answer, list) else str(answer)
