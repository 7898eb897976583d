"""Choosing one action for many examples, with the number of those that it would touch."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from learning.filters import ExampleFilter
from learning.models import LearningExample
from learning.pages.examples import given_filters
from learning.services.bulk_actions import LABELS, Selection, start_bulk_action
from learning.services.example_search import count_examples, senseless_filters
from learning.waking import wake_for_job
from organizations.errors import Refused
from organizations.identifiers import as_uuid
from organizations.models import Role
from organizations.permissions import page

PICKED = 200  # examples that were ticked in the list
FIELDS = {"action.tags": "tags", "action.value": "value", "action.name": "action"}


class BulkForm(forms.Form):
    """What to do."""

    action = forms.ChoiceField(choices=[("", "Choose"), *LABELS.items()])
    tags = forms.CharField(max_length=500, required=False, help_text="Of the actions on tags; several with commas.")
    value = forms.CharField(
        max_length=100, required=False, label="Domain or task type", help_text="Of the actions that set one."
    )
    sure = forms.BooleanField(
        required=False, label="Yes, delete them for good", help_text="Deleting is the one action that cannot be undone."
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("action") == "delete" and not values.get("sure"):
            self.add_error("sure", "Say that you are sure.")
        return values

    def wish(self) -> dict[str, Any]:
        """The action as the service wants it."""
        values = self.cleaned_data
        return {"name": values["action"], "tags": values["tags"].split(","), "value": values["value"]}


@page(role=Role.MANAGER, methods=("GET", "POST"))
def bulk_action(request: HttpRequest) -> HttpResponse:
    """All that the filters in the address leave, without those ticked, or of them only those ticked."""
    given, picked = given_filters(request), _picked(request)
    if senseless := senseless_filters(given):
        messages.error(request, f"{' '.join(senseless.values())} Choose the examples again.")
        return redirect("examples")
    only = request.GET.get("which") == "only"
    form = BulkForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        selection = Selection(given, (), picked) if only else Selection(given, picked)
        try:
            job = start_bulk_action(selection=selection, action=form.wish(), user=request.user)
        except Refused as error:
            form.add_error(FIELDS.get(error.field or ""), error.message)
        else:
            wake_for_job(job)
            return redirect("job", job_id=job.pk)
    counted = count_examples(wanted=given)
    context = {"form": form, "only": only, "picked": picked, "counted": counted, "said": _in_words(given)}
    context["touched"] = len(picked) if only else max(0, counted.count - len(picked))
    return render(request, "learning/examples_bulk.html", context)


def _picked(request: HttpRequest) -> list[UUID]:
    ids = [as_uuid(value) for value in request.GET.getlist("pick")[:PICKED]]
    return [uuid for uuid in ids if uuid is not None]


def _in_words(given: dict[str, str]) -> list[tuple[str, str]]:
    """The filters as a person chose them."""
    form = ExampleFilter(given, queryset=LearningExample.objects.none()).form
    form.is_valid()
    said = []
    for name, value in given.items():
        if name not in form.errors:
            choices = dict(getattr(form.fields[name], "choices", []) or [])
            label = str(form.fields[name].label)
            said.append((label, str(choices.get(value) or form.cleaned_data.get(name) or value)))
    return said
