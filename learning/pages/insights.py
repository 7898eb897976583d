"""What was learned from feedback about an agent, with the rows behind each number, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from learning.engines.insight.words import aspect_words, feature_words
from learning.models import Agent, Improvement, InsightReport
from learning.pages.insight_content import content_of
from learning.services import insight_improvements as improvements
from learning.services.insight_reading import newest_report
from learning.waking import wake_for_gate, wake_for_job
from organizations.errors import Refused
from organizations.identifiers import as_uuid
from organizations.models import Role
from organizations.permissions import page

if TYPE_CHECKING:
    from learning.services.insight_rows import Asked, Rows


@page(role=Role.MANAGER)
def insight_detail(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """The newest report, or the one whose number is asked for."""
    from learning.services.insight_runs import open_learning

    agent = _agent(agent_id)
    report = _report(agent, request.GET.get("report", ""))
    context: dict[str, Any] = {"agent": agent, "report": report, "job": open_learning(agent=agent)}
    if report is not None:
        context |= content_of(report)
    return render(request, "learning/insights.html", context)


@page(role=Role.MANAGER, methods=("POST",))
def insight_learn(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """Learn now; the page of the job shows how far it is."""
    from learning.services.insight_runs import start_learning

    try:
        job = start_learning(agent=_agent(agent_id), user=request.user)
    except Refused as error:
        messages.error(request, error.message)
        return redirect("insights", agent_id=agent_id)
    wake_for_job(job)
    return redirect("job", job_id=job.pk)


@page(role=Role.MANAGER)
def insight_rows(request: HttpRequest, agent_id: UUID, number: int) -> HttpResponse:
    """What stands behind one number: opinions, or choices between two answers."""
    from learning.services.insight_rows import choices_behind, rows_behind

    agent = _agent(agent_id)
    report = InsightReport.objects.select_related("agent").filter(agent=agent, number=number).first()
    if report is None:
        raise Http404("There is no such report.")
    asked = _asked(request, report)
    context: dict[str, Any] = {"agent": agent, "report": report, "asked": asked}
    first = _first(request)
    if request.GET.get("pairs"):
        choices = choices_behind(report=report, reviewer=asked.reviewer, first=first)
        return render(
            request, "learning/insight_choices.html", context | {"choices": choices} | _pages(request, choices)
        )
    rows = rows_behind(report=report, asked=asked, first=first)
    context |= _pages(request, rows) | {
        "rows": rows,
        "value_name": feature_words(asked.feature) if asked.feature else "",
        "said_name": aspect_words(asked.aspect) if asked.aspect else "",
    }
    return render(request, "learning/insight_rows.html", context)


@page(role=Role.MANAGER)
def improvement_rows(request: HttpRequest, agent_id: UUID, improvement_id: UUID) -> HttpResponse:
    """The executions that the counts of an applied improvement are about."""
    from learning.services.insight_following import followed_executions

    row = _improvement(agent_id, improvement_id)
    having = request.GET.get("side") != "without"
    context = {
        "agent": row.agent,
        "improvement": row,
        "having": having,
        "rows": followed_executions(improvement=row, having=having),
    }
    return render(request, "learning/improvement_rows.html", context)


@page(role=Role.ADMIN, methods=("POST",))
def improvement_apply(request: HttpRequest, agent_id: UUID, improvement_id: UUID) -> HttpResponse:
    """Make a draft config; its gate's page comes next."""
    row = _improvement(agent_id, improvement_id)
    try:
        config, gate = improvements.apply_improvement(improvement=row)
    except Refused as error:
        messages.error(request, error.message)
        return redirect("insights", agent_id=agent_id)
    if gate is None:
        messages.success(request, f"Config {config.number} is written.")
        return redirect("agent", agent_id=agent_id)
    wake_for_gate(gate)
    return redirect("gate", report_id=gate.pk)


@page(role=Role.ADMIN, methods=("POST",))
def improvement_decide(request: HttpRequest, agent_id: UUID, improvement_id: UUID) -> HttpResponse:
    """Dismiss, withdraw, or propose again."""
    row = _improvement(agent_id, improvement_id)
    try:
        _decide(row, request.POST.get("action", ""))
    except Refused as error:
        messages.error(request, error.message)
    return redirect("insights", agent_id=agent_id)


def _decide(row: Improvement, action: str) -> None:
    if action == "dismiss":
        improvements.dismiss_improvement(improvement=row)
    elif action == "withdraw":
        improvements.withdraw_improvement(improvement=row, because="A person withdrew it.")
    elif action == "reopen":
        improvements.reopen_improvement(improvement=row)
    else:
        raise Refused("Choose dismiss, withdraw or reopen.", "action")


def _first(request: HttpRequest) -> int:
    given = request.GET.get("from", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0


def _pages(request: HttpRequest, rows: Rows) -> dict[str, str]:
    """Addresses of the parts before and after these."""
    places = {"previous_url": rows.before, "next_url": rows.after}
    return {name: f"?{_with(request, place)}" for name, place in places.items() if place is not None}


def _with(request: HttpRequest, place: int) -> str:
    query = request.GET.copy()
    query["from"] = str(place)
    return query.urlencode()


def _asked(request: HttpRequest, report: InsightReport) -> Asked:
    from learning.services.insight_rows import Asked

    names = ("feature", "aspect", "holds", "lacks", "word")
    texts = {name: request.GET.get(name, "").replace("\x00", "")[:300] for name in names}
    rule, reviewer = (as_uuid(request.GET.get(name, "")) for name in ("rule", "reviewer"))
    return Asked(
        **texts,
        rule=report.patterns.filter(pk=rule).first() if rule else None,
        reviewer=report.preferences.filter(pk=reviewer).first() if reviewer else None,
        judged=bool(request.GET.get("judged")),
    )


def _agent(agent_id: UUID) -> Agent:
    agent = Agent.objects.filter(pk=agent_id).first()
    if agent is None:
        raise Http404("There is no such agent in this organization.")
    return agent


def _report(agent: Agent, number: str) -> InsightReport | None:
    if not (number.isascii() and number.isdigit() and len(number) < 9):
        return newest_report(agent=agent)
    report = InsightReport.objects.filter(agent=agent, number=int(number)).first()
    if report is None:
        raise Http404("There is no such report.")
    return report


def _improvement(agent_id: UUID, improvement_id: UUID) -> Improvement:
    rows = Improvement.objects.select_related("agent", "config").filter(agent=_agent(agent_id))
    row = rows.filter(pk=improvement_id).first()
    if row is None:
        raise Http404("There is no such improvement.")
    return row
