"""What was learned from feedback about an agent, with the rows behind each number, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from learning.engines.insight.words import aspect_words, feature_words
from learning.models import Agent, FeedbackQualityCorrelation, Improvement, InsightReport, LearningPattern, PatternType
from learning.services import insight_improvements as improvements
from learning.services.insight_reading import drift_of, findings_of, newest_report, preferences_of
from learning.waking import wake_for_gate, wake_for_job
from organizations.errors import Refused
from organizations.models import Role
from organizations.permissions import page

SHOWN_CORRELATIONS, SHOWN_REVIEWERS, SHOWN_REPORTS = 12, 20, 10
FEWEST_SHOWN = 5  # opinions of a user; with fewer their profile is that of everybody
GROUPS = (
    ("Decisions and circumstances that go with success", PatternType.SUCCESSFUL_DECISION),
    ("Decisions and circumstances that go with failure", PatternType.FAILURE_PATTERN),
    ("Quality thresholds", PatternType.QUALITY_THRESHOLD),
    ("Rules", PatternType.RULE),
    ("Telling words", PatternType.TERM),
)


@dataclass(frozen=True)
class Mark:
    """An estimate as the chart of intervals takes it."""

    label: str
    estimate: float
    low: float
    high: float
    note: str = ""


@page(role=Role.MANAGER)
def insight_detail(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """The newest report, or the one whose number is asked for."""
    from learning.services.insight_runs import open_learning

    agent = _agent(agent_id)
    report = _report(agent, request.GET.get("report", ""))
    context: dict[str, Any] = {"agent": agent, "report": report, "job": open_learning(agent=agent)}
    if report is not None:
        context |= _shown(agent, report)
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
    """The executions behind one number."""
    from learning.services.insight_rows import rows_behind

    agent = _agent(agent_id)
    report = InsightReport.objects.select_related("agent").filter(agent=agent, number=number).first()
    if report is None:
        raise Http404("There is no such report.")
    names = ("feature", "aspect", "holds", "word")
    asked = {name: request.GET.get(name, "").replace("\x00", "")[:300] for name in names}
    context = {
        "agent": agent,
        "report": report,
        "rows": rows_behind(report=report, **asked),
        "value_name": feature_words(asked["feature"]) if asked["feature"] else "",
        "said_name": aspect_words(asked["aspect"]) if asked["aspect"] else "",
        **asked,
    }
    return render(request, "learning/insight_rows.html", context)


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


def _shown(agent: Agent, report: InsightReport) -> dict[str, Any]:
    found = findings_of(report)
    reviewers = [row for row in preferences_of(report) if row.n >= FEWEST_SHOWN or row.reviewer_id][:SHOWN_REVIEWERS]
    measured = [row for row in found.correlations if row.correlation is not None][:SHOWN_CORRELATIONS]
    return {
        "correlations": [(row, *_pair_words(row), _pair_url(report, row)) for row in measured],
        "correlation_marks": [mark for row in measured if (mark := _correlation_mark(row))],
        "significant": sum(row.significant for row in found.correlations),
        "untold": sum(row.state != "measured" for row in found.correlations),
        "groups": [(title, _rows_of(report, found.patterns, kind)) for title, kind in GROUPS],
        "has_patterns": bool(found.patterns),
        "quality": found.quality,
        "reviewers": [(row, _reviewer(row, place), drift_of(row)) for place, row in enumerate(reviewers, start=1)],
        "severities": [mark for place, row in enumerate(reviewers, start=1) if (mark := _severity_mark(row, place))],
        "improvements": agent.improvements.select_related("config").order_by("-status", "id")[:50],
        "reports": InsightReport.objects.filter(agent=agent).order_by("-number")[:SHOWN_REPORTS],
    }


def _rows_of(report: InsightReport, patterns: list[LearningPattern], kind: str) -> list[tuple[Any, str, str]]:
    return [(row, _name(row), _pattern_url(report, row)) for row in patterns if row.pattern_type == kind]


def _name(row: LearningPattern) -> str:
    return feature_words(row.name).capitalize() if row.pattern_type == PatternType.QUALITY_THRESHOLD else row.name


def _pair_words(row: FeedbackQualityCorrelation) -> tuple[str, str]:
    return feature_words(row.feature), aspect_words(row.aspect)


def _correlation_mark(row: FeedbackQualityCorrelation) -> Mark | None:
    if row.correlation is None or row.low is None or row.high is None:
        return None
    feature, aspect = _pair_words(row)
    return Mark(f"{feature} with {aspect}", row.correlation, row.low, row.high)


def _severity_mark(row: Any, place: int) -> Mark | None:
    if row.severity is None or row.severity_low is None or row.severity_high is None:
        return None
    return Mark(_reviewer(row, place), row.severity, row.severity_low, row.severity_high)


def _reviewer(row: Any, place: int) -> str:
    """An expert by name; a user by their place, since their pseudonym says nothing to people."""
    return row.reviewer.get_username() if row.reviewer_id else f"user {place}"


def _pair_url(report: InsightReport, row: FeedbackQualityCorrelation) -> str:
    return _rows_url(report, {"feature": row.feature, "aspect": row.aspect})


def _pattern_url(report: InsightReport, row: LearningPattern) -> str:
    if row.pattern_type == PatternType.QUALITY_THRESHOLD:
        return _rows_url(report, {"feature": row.name})
    if row.pattern_type == PatternType.TERM:
        return _rows_url(report, {"word": row.name})
    if row.pattern_type == PatternType.RULE:
        conditions = row.details.get("conditions") or [{}]
        return _rows_url(report, {"feature": conditions[0].get("feature", "")})
    return _rows_url(report, {"holds": row.name})


def _rows_url(report: InsightReport, asked: dict[str, str]) -> str:
    return reverse("insight-rows", args=[report.agent_id, report.number]) + "?" + urlencode(asked)


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
