"""The page of members: who may do what, and letting people in and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from organizations.errors import Refused
from organizations.members import create_account, remove_member, reset_password, set_role
from organizations.models import Membership, Role
from organizations.permissions import page


class AccountForm(forms.Form):
    """A person who is let in."""

    username = forms.CharField(label="User name", max_length=150, help_text="What the person signs in with.")
    role = forms.ChoiceField(choices=Role.choices, initial=Role.EXPERT)


@page(role=Role.ADMIN, methods=("GET", "POST"))
def members(request: HttpRequest) -> HttpResponse:
    """Everybody with their role; a new account's first password is shown once, on the answer to the form."""
    form = AccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            membership, password = create_account(**form.cleaned_data)
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return _list(request, AccountForm(), membership, password)
    return _list(request, form)


@page(role=Role.ADMIN, methods=("POST",))
def member_role(request: HttpRequest, membership_id: UUID) -> HttpResponse:
    """What the person may do from the next request on."""
    membership = _find(membership_id)
    role = request.POST.get("role", "")
    return _change(request, lambda: set_role(membership=membership, role=role), f"{membership.user} is {role} now.")


@page(role=Role.ADMIN, methods=("POST",))
def member_remove(request: HttpRequest, membership_id: UUID) -> HttpResponse:
    """The person cannot get in any more."""
    membership = _find(membership_id)
    return _change(request, lambda: remove_member(membership=membership), f"{membership.user} was removed.")


@page(role=Role.ADMIN, methods=("POST",))
def member_password(request: HttpRequest, membership_id: UUID) -> HttpResponse:
    """A new first password, shown once."""
    membership = _find(membership_id)
    try:
        password = reset_password(membership=membership)
    except Refused as error:
        messages.error(request, error.message)
        return redirect("members")
    return _list(request, AccountForm(), membership, password)


def _list(request: HttpRequest, form: AccountForm, shown: Membership | None = None, password: str = "") -> HttpResponse:
    rows = Membership.objects.select_related("user").order_by("created_at")
    roles = [(value, *label.split(": ", 1)) for value, label in Role.choices]
    context: dict[str, Any] = {"members": rows, "form": form, "roles": roles, "person": shown, "made": password}
    response = render(request, "organizations/members.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _change(request: HttpRequest, change: Callable[[], None], done: str) -> HttpResponse:
    try:
        change()
    except Refused as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return redirect("members")


def _find(membership_id: UUID) -> Membership:
    membership = Membership.objects.select_related("user").filter(pk=membership_id).first()
    if membership is None:
        raise Http404("There is no such member in this organization.")
    return membership
