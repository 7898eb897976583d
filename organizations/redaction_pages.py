"""The page of redaction patterns: what is replaced besides what the product knows, and trying it on a text."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from organizations.errors import Refused
from organizations.models import RedactionPattern, Role
from organizations.permissions import page
from organizations.redaction.redactor import standard_recognizers
from organizations.redaction_patterns import (
    LONGEST_TRIAL,
    active_patterns,
    change_pattern,
    create_pattern,
    recognizers_of,
    try_pattern,
)

SHOWN = 200  # patterns on the page
CHANGED = "It holds from now on. Examples that are there already are prepared again in the background."


class PatternForm(forms.Form):
    """A pattern, and a text to try it on."""

    name = forms.CharField(
        max_length=30,
        help_text="Capital letters and underscores, such as CUSTOMER_NUMBER. It becomes <CUSTOMER_NUMBER_1>.",
    )
    pattern = forms.CharField(
        max_length=500,
        strip=False,
        help_text=r"A regular expression (RE2), such as \bC-\d{6}\b. With a group in it, only the group is replaced.",
    )
    text = forms.CharField(
        label="Text to try it on",
        required=False,
        max_length=LONGEST_TRIAL,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="It is shown below as it would be learned from. Nothing of it is kept.",
    )


@page(role=Role.ADMIN, methods=("GET", "POST"))
def redaction(request: Any) -> HttpResponse:
    """All patterns; the form tries one on a text, or keeps it."""
    form = PatternForm(request.POST or None)
    tried = None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            if "try" in request.POST:
                tried = try_pattern(**given, others=[*recognizers_of(active_patterns()), *_standard()])
            else:
                create_pattern(name=given["name"], pattern=given["pattern"], user=request.user)
                messages.success(request, f"{given['name']} is kept. {CHANGED}")
                return redirect("redaction")
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    rows = RedactionPattern.objects.order_by("-active", "name")[:SHOWN]
    context = {"form": form, "patterns": rows, "tried": tried, "regions": settings.REDACTION_REGIONS}
    return render(request, "organizations/redaction.html", context)


@page(role=Role.ADMIN, methods=("POST",))
def redaction_switch(request: Any, pattern_id: UUID) -> HttpResponse:
    """Switch a pattern off, or on again."""
    row = RedactionPattern.objects.filter(pk=pattern_id).first()
    if row is None:
        raise Http404("There is no such pattern in this organization.")
    try:
        change_pattern(row=row, active=request.POST.get("active") == "on")
    except Refused as error:
        messages.error(request, error.message)
    else:
        messages.success(request, CHANGED)
    return redirect("redaction")


def _standard() -> Any:
    return standard_recognizers(settings.REDACTION_REGIONS)
