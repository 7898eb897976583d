"""The choice of the organization, and the audit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from organizations.errors import Refused
from organizations.models import AuditEvent, Membership, Organization, Role
from organizations.permissions import page
from organizations.scope import person_scope
from organizations.services import choose_organization

AUDIT_ROWS = 100


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
