"""The choice of the organization, and the audit."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from organizations.errors import Refused
from organizations.identifiers import as_uuid, storable
from organizations.models import AuditEvent, Membership, Organization, Role
from organizations.permissions import page
from organizations.scope import person_scope
from organizations.services import choose_organization

AUDIT_ROWS = 100
NOTHING = "–"


@page(role=Role.ADMIN)
def audit_log(request: HttpRequest) -> HttpResponse:
    """Audit events, the newest first; all of them or those of one object."""
    rows = AuditEvent.objects.order_by("-id")
    target = (storable(request.GET.get("type", ""), 80), storable(request.GET.get("id", ""), 64))
    kept = {"type": target[0], "id": target[1]} if all(target) else {}
    if kept:
        rows = rows.filter(target_type=target[0], target_id=target[1])
    before = as_uuid(request.GET.get("before", ""))
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: AUDIT_ROWS + 1])
    more = {"before": str(found[AUDIT_ROWS - 1].pk)} if len(found) > AUDIT_ROWS else {}
    context = {
        "events": [(event, _details(event)) for event in found[:AUDIT_ROWS]],
        "target": target if kept else None,
        "older": f"?{urlencode(kept | more)}" if more else "",
    }
    return render(request, "organizations/audit.html", context)


def _details(event: AuditEvent) -> list[tuple[str, str, str]]:
    """Name, value before (empty when it was the same or is not known) and value after, as words."""
    found = []
    for name in [*event.after, *(name for name in event.before if name not in event.after)]:
        before, after = _words(event.before.get(name)), _words(event.after.get(name))
        found.append((name.replace("_", " "), "" if before in (after, NOTHING) else before, after))
    return found


def _words(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_words(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(one)}" for name, one in value.items())
    return str(value)


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
