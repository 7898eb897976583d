"""The gate of a config: what was checked, and a person's decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from learning.engines.safety.results import Outcome
from learning.models import AgentConfig, GateReport
from learning.services import gate
from learning.services.example_story import may_know_splits
from learning.services.prices import named
from learning.waking import wake_for_gate
from organizations.actors import Actor
from organizations.errors import Refused
from organizations.identifiers import storable
from organizations.models import Role
from organizations.permissions import page

# What a person has to look at comes first. "failed" and "passed" are all that older reports know.
ORDER = (
    "failed", Outcome.BECAME_WRONG, Outcome.WORSE, Outcome.UNSAFE, Outcome.STILL_WRONG, Outcome.BECAME_RIGHT,
    Outcome.BETTER, Outcome.STAYED_RIGHT, Outcome.AS_BEFORE, Outcome.SAFE, "passed",
)  # fmt: skip
TONES = {Outcome.STILL_WRONG: "warn"} | dict.fromkeys(
    ("failed", Outcome.BECAME_WRONG, Outcome.WORSE, Outcome.UNSAFE), "bad"
)


@page()
def gate_detail(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """Every case that was checked. Polled while the checks run."""
    report = _find(report_id)
    shown = _shown(report, request.actor)  # type: ignore[attr-defined]
    cases = sorted(map(_outcome_first, shown), key=lambda case: ORDER.index(case["outcome"]))
    hidden = len(report.cases) - len(shown)
    template = "learning/_gate.html" if getattr(request, "htmx", False) else "learning/gate.html"
    newest = gate.newest_report(report.config_id)
    newer = newest if newest != report else None
    context = {"report": report, "cases": cases, "hidden": hidden, "newer": newer, "model": _model(report)}
    return render(request, template, context)


@page(role=Role.ADMIN, methods=("POST",))
def gate_again(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """The checks once more, after they failed."""
    try:
        report = gate.check_again(report=_find(report_id))
    except Refused as error:
        messages.error(request, error.message)
        return redirect("gate", report_id=report_id)
    wake_for_gate(report)
    return redirect("gate", report_id=report.pk)


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


def _model(report: GateReport) -> str:
    """The model that the candidate is asked with."""
    content = report.config.content
    return named(str(content.get("model") or "") if isinstance(content, dict) else "")


def _shown(report: GateReport, actor: Actor) -> list[dict[str, Any]]:
    """The cases whose texts a person may see; what is made of the test split is for those who may know it."""
    if may_know_splits(actor):
        return list(report.cases)
    return [case for case in report.cases if actor.can_manage and not case.get("sealed")]


def _outcome_first(case: dict[str, Any]) -> dict[str, Any]:
    """The case with its outcome in words and the tone of it."""
    outcome = case.get("outcome") or ("passed" if case["passed"] else "failed")
    return case | {"outcome": outcome, "tone": TONES.get(outcome, "good")}


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
