"""The pages of API keys: make one, see it once, rotate it, revoke it."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from organizations.errors import Conflict, Refused
from organizations.keys import LONGEST_OVERLAP, OVERLAP, create_api_key, revoke_api_key, rotate_api_key
from organizations.models import ApiKey, KeyKind, Role
from organizations.permissions import page

HOUR = timedelta(hours=1)
SHOWN = 200  # keys on the page, the newest; GET /api/learning/keys gives them all
SCOPE_LABELS = [
    ("feedback", "feedback: send feedback"),
    ("ingest", "ingest: send feedback and log executions"),
    ("read", "read: fetch what is stored"),
    ("manage", "manage: change agents, examples and keys"),
]


class KeyForm(forms.Form):
    """What a new key may do, from where, and until when."""

    name = forms.CharField(max_length=100, help_text="For you: which application uses it.")
    kind = forms.ChoiceField(
        choices=KeyKind.choices, help_text="Publishable keys may stand in web pages; they can only send."
    )
    scopes = forms.MultipleChoiceField(
        choices=SCOPE_LABELS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Left empty: ingest, read and manage for a secret key, feedback for a publishable one. With ingest a "
        "publishable key logs executions too, and whoever reads the page could make some up.",
    )
    allowed_origins = forms.CharField(
        required=False, help_text="For publishable keys: web origins divided by spaces, such as https://example.com"
    )
    expires_at = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The key ends with this day (UTC). Left empty: it has no end.",
    )

    def values(self) -> dict[str, Any]:
        """For `create_api_key`."""
        given = self.cleaned_data
        day = given["expires_at"]
        return {
            "name": given["name"],
            "kind": given["kind"],
            "scopes": given["scopes"] or None,
            "allowed_origins": given["allowed_origins"].split(),
            "expires_at": timezone.make_aware(datetime.combine(day, time.max)) if day else None,
        }


class RotateForm(forms.Form):
    overlap_hours = forms.FloatField(
        label="The old key works on for so many hours",
        initial=OVERLAP / HOUR,
        min_value=0,
        max_value=LONGEST_OVERLAP / HOUR,
        help_text="Long enough to change the application; 0 ends it at once.",
    )


@page(role=Role.ADMIN, methods=("GET", "POST"))
def keys(request: Any) -> HttpResponse:
    """The organization's keys; a new one is shown once, on the answer to the form."""
    form = KeyForm(request.POST or None)
    made = None
    if request.method == "POST" and form.is_valid():
        try:
            made = create_api_key(**form.values(), created_by=request.user)[1]
            form = KeyForm()
        except Refused as error:
            form.add_error(error.field, error.message)
    rows = ApiKey.objects.order_by("-id")[:SHOWN]
    return _shown(request, "organizations/keys.html", {"form": form, "keys": rows, "made": made})


@page(role=Role.ADMIN, methods=("GET", "POST"))
def rotate_key(request: Any, key_id: UUID) -> HttpResponse:
    """Asks how long the old key works on; the successor is shown once, on the answer."""
    key = _working_key(key_id)
    form = RotateForm(request.POST or None)
    made = None
    if request.method == "POST" and form.is_valid():
        overlap = form.cleaned_data["overlap_hours"] * HOUR
        try:
            made = rotate_api_key(key=key, overlap=overlap, created_by=request.user)[1]
        except Conflict as error:
            messages.error(request, error.message)
            return redirect("keys")
        key.refresh_from_db()
    return _shown(request, "organizations/key_rotate.html", {"form": form, "key": key, "made": made})


@page(role=Role.ADMIN, methods=("POST",))
def revoke_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """The key stops working, in every process within two seconds."""
    key = _working_key(key_id)
    revoke_api_key(key=key)
    messages.success(request, f"The key {key.name} no longer works.")
    return redirect("keys")


def _working_key(key_id: UUID) -> ApiKey:
    key = ApiKey.objects.filter(pk=key_id, revoked_at=None).first()
    if key is None:
        raise Http404("There is no such key, or it was revoked already.")
    return key


def _shown(request: Any, template: str, context: dict[str, Any]) -> HttpResponse:
    """No cache on the way may keep a page that shows a key."""
    response = render(request, template, context)
    response["Cache-Control"] = "no-store"
    return response
