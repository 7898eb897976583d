"""The gate of a config: what was checked, and a person's decision."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from learning.models import AgentConfig, GateReport
from learning.services import gate
from organizations.errors import Refused
from organizations.identifiers import storable
from organizations.models import Role
from organizations.permissions import page


@page()
def gate_detail(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """Every case that was checked. Polled while the checks run."""
    report = _find(report_id)
    cases = sorted(report.cases, key=lambda case: case["passed"])
    template = "learning/_gate.html" if getattr(request, "htmx", False) else "learning/gate.html"
    return render(request, template, {"report": report, "cases": cases})


@page(role=Role.ADMIN, methods=("POST",))
def gate_approve(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """The config may go before users."""
    return _decide(
        request, report_id, gate.approve_config, "Config {} is approved. It can be tried in an experiment now."
    )


@page(role=Role.ADMIN, methods=("POST",))
def gate_reject(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """The config is retired."""
    return _decide(request, report_id, gate.reject_config, "Config {} is rejected and retired.")


def _decide(request: HttpRequest, report_id: UUID, decide: Callable[..., AgentConfig], text: str) -> HttpResponse:
    report = _find(report_id)
    try:
        config = decide(report=report, user=request.user, note=storable(request.POST.get("note", ""), 2000))
    except Refused as error:
        messages.error(request, error.message)
    else:
        messages.success(request, text.format(config.number))
    return redirect("gate", report_id=report.pk)


def _find(report_id: UUID) -> GateReport:
    report = (
        GateReport.objects.select_related("config__agent", "config__parent", "training_run", "decided_by")
        .filter(pk=report_id)
        .first()
    )
    if report is None:
        raise Http404("There is no such gate report in this organization.")
    return report
