"""API keys, members, the choice of the organization, and the audit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from organizations.errors import Refused
from organizations.keys import SCOPES, create_api_key, revoke_api_key
from organizations.models import ApiKey, AuditEvent, KeyKind, Membership, Organization, Role
from organizations.permissions import page
from organizations.scope import person_scope
from organizations.services import choose_organization

AUDIT_ROWS = 100


class KeyForm(forms.Form):
    """What a new key may do, and from where."""

    name = forms.CharField(max_length=100, help_text="For you: which application uses it.")
    kind = forms.ChoiceField(
        choices=KeyKind.choices, help_text="Publishable keys may stand in web pages; they can only send."
    )
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in SCOPES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="ingest: send; read: fetch; manage: change. Left empty: all that the kind allows.",
    )
    allowed_origins = forms.CharField(
        required=False, help_text="For publishable keys: web origins divided by spaces, such as https://example.com"
    )


@page(role=Role.ADMIN, methods=("GET", "POST"))
def keys(request: Any) -> HttpResponse:
    """The organization's keys; a new one is shown once, on the answer to the form."""
    form = KeyForm(request.POST or None)
    made = None
    if request.method == "POST" and form.is_valid():
        try:
            made = create_api_key(
                name=form.cleaned_data["name"],
                kind=form.cleaned_data["kind"],
                scopes=form.cleaned_data["scopes"] or None,
                allowed_origins=form.cleaned_data["allowed_origins"].split(),
                created_by=request.user,
            )[1]
            form = KeyForm()
        except Refused as error:
            form.add_error(error.field, error.message)
    rows = ApiKey.objects.order_by("-id")
    return render(request, "organizations/keys.html", {"form": form, "keys": rows, "made": made})


@page(role=Role.ADMIN, methods=("POST",))
def revoke_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """The key stops working at once."""
    key = ApiKey.objects.filter(pk=key_id, revoked_at=None).first()
    if key is None:
        raise Http404("There is no such key, or it was revoked already.")
    revoke_api_key(key=key)
    messages.success(request, f"The key {key.name} no longer works.")
    return redirect("keys")


@page(role=Role.ADMIN)
def members(request: HttpRequest) -> HttpResponse:
    """Who belongs to the organization, with which role."""
    rows = Membership.objects.select_related("user").order_by("created_at")
    return render(request, "organizations/members.html", {"members": rows})


@page(role=Role.ADMIN)
def audit_log(request: HttpRequest) -> HttpResponse:
    """The newest audit events."""
    return render(request, "organizations/audit.html", {"events": AuditEvent.objects.order_by("-id")[:AUDIT_ROWS]})


@page(methods=("GET", "POST"))
def choose(request: Any) -> HttpResponse:
    """Work in another of one's organizations."""
    if request.method == "POST":
        try:
            choose_organization(
                user=request.user, session=request.session, organization_id=UUID(request.POST.get("organization", ""))
            )
        except ValueError as error:
            raise Http404("There is no such organization.") from error
        except Refused as error:
            raise Http404(error.message) from error
        return redirect("/admin/learning/")
    with person_scope(request.user.pk):
        own = list(
            Organization.objects.filter(pk__in=Membership.objects.filter(user=request.user).values("organization"))
        )
    return render(request, "organizations/choose.html", {"organizations": own})
