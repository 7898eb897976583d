"""Training runs: the list, one run live, its log, stopping and repeating."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models.fields.json import KeyTransform as KT
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from learning.models import Agent, GateReport, RunStatus, TrainingRun, TrainingRunLog
from learning.pages.behavior import behavior_of
from learning.pages.stored import number
from learning.pages.training_progress import kept_calls, pace_of, remembered_answers
from learning.pages.training_results import read_outcome
from learning.pages.training_words import asks_model, config_words, score_words
from learning.services import training, usage_words
from learning.services.prices import named
from learning.services.run_changes import worse_cases
from learning.waking import wake_for_run
from organizations.errors import Refused
from organizations.identifiers import as_uuid
from organizations.models import Role
from organizations.permissions import page

SHOWN = 25
LOG_LINES = 60
LOG_PAGE = 200
OPEN = (RunStatus.PENDING, RunStatus.RUNNING)


@page()
def run_list(request: HttpRequest) -> HttpResponse:
    """All runs, or those of `?agent=`; the newest first. What they found is not loaded, apart from the verdict."""
    rows = TrainingRun.objects.select_related("agent").defer("metrics", "estimate", "hyperparameters").order_by("-id")
    rows = rows.annotate(verdict=KT("verdict", "metrics"), gain=KT("improvement_percentage", "metrics"))
    agent_id, before = as_uuid(request.GET.get("agent", "")), as_uuid(request.GET.get("before", ""))
    agent = Agent.objects.filter(pk=agent_id).first() if agent_id else None
    if agent is not None:
        rows = rows.filter(agent=agent)
    if before:
        rows = rows.filter(pk__lt=before)
    runs = list(rows[: SHOWN + 1])
    of_agent = f"agent={agent.pk}" if agent else ""
    more = f"?{of_agent}&before={runs[SHOWN - 1].pk}".replace("?&", "?") if len(runs) > SHOWN else ""
    newest = (f"?{of_agent}" if of_agent else ".") if before else ""
    context = {"runs": runs[:SHOWN], "more": more, "newest_url": newest, "agent": agent}
    return render(request, "learning/runs.html", context)


@page()
def run_detail(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """One run. While it works, the page asks every two seconds for what is new; at the end it gets the whole."""
    run = _find(run_id)
    asked_by_page = bool(getattr(request, "htmx", False))
    if asked_by_page and run.status in OPEN:
        return render(request, "learning/_run_live.html", _live(run) | {"fresh": _fresh(run, request)})
    reports = training.gate_reports(run)
    lines = list(run.log_lines.order_by("-id")[: LOG_LINES + 1])
    context = _live(run) | {
        "log": lines[:LOG_LINES],
        "more_log": len(lines) > LOG_LINES,
        "report": reports[0] if reports else None,
        "gate": _of_gates(run, reports),
        "proposed_by": _proposed_by(run),
        "remembered": remembered_answers(run),
        "candidate": run.candidate_config.content if run.candidate_config else None,
        "worse": worse_cases(run, actor=request.actor),  # type: ignore[attr-defined]
        "models": _models(run),
        "settings": config_words(run),
        "estimate": _estimate(run.estimate),
        "behavior": behavior_of(run.metrics),
    }
    response = render(request, "learning/_run.html" if asked_by_page else "learning/run.html", context)
    if asked_by_page:  # the run ended between two looks
        response["HX-Retarget"], response["HX-Reswap"] = "#training-run", "outerHTML"
    return response


@page()
def run_log(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """All lines of a run's log, the newest first."""
    run = _find(run_id)
    rows = run.log_lines.order_by("-id")
    before = as_uuid(request.GET.get("before", ""))
    if before:
        rows = rows.filter(pk__lt=before)
    lines = list(rows[: LOG_PAGE + 1])
    more = f"?before={lines[LOG_PAGE - 1].pk}" if len(lines) > LOG_PAGE else ""
    context = {"run": run, "log": lines[:LOG_PAGE], "more": more, "newest_url": "." if before else ""}
    return render(request, "learning/run_log.html", context)


@page(role=Role.ADMIN, methods=("POST",))
def run_cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Stop a run."""
    run = _find(run_id)
    try:
        training.request_cancel(run=run)
    except Refused as error:
        messages.error(request, error.message)
    else:
        waits = run.status == RunStatus.RUNNING
        messages.success(request, "The run stops at its next step." if waits else "The run is cancelled.")
    return redirect("training-run", run_id=run.pk)


@page(role=Role.ADMIN, methods=("POST",))
def run_again(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The same run once more, with the same seed."""
    run = _find(run_id)
    try:
        again = training.rerun_training_run(run=run, user=request.user)
    except Refused as error:
        messages.error(request, error.message)
        return redirect("training-run", run_id=run.pk)
    wake_for_run(again)
    return redirect("training-run", run_id=again.pk)


def _live(run: TrainingRun) -> dict[str, Any]:
    """What changes while a run works."""
    return {
        "run": run,
        "open": run.status in OPEN,
        "asks_model": asks_model(run),
        "pace": pace_of(run),
        "kept": kept_calls(run),
        "outcome": read_outcome(run.metrics),
        "score": score_words(run.config),
        "shared": run.status == RunStatus.RUNNING and training.shares_endpoint(run),
    }


def _models(run: Any) -> list[str]:
    """The models that the run asks: of its config, and the one that grades."""
    wishes = run.config if isinstance(run.config, dict) else {}
    options = wishes.get("metric_options")
    grader = options.get("model") if isinstance(options, dict) else ""
    return list(dict.fromkeys([named(str(run.model or "")), *([str(grader)] if grader else [])]))


def _of_gates(run: TrainingRun, reports: Sequence[GateReport]) -> usage_words.Total | None:
    """What the checks took that the run caused; None where nobody counted."""
    counted = [one for one in reports if one.attempt and (one.llm_calls or one.cost is not None)]
    own = [one for one in counted if one.training_run_id == run.pk]
    return usage_words.together(own) if own else None


def _proposed_by(run: TrainingRun) -> UUID | None:
    """The earlier run that proposed the same candidate."""
    first: UUID | None = run.candidate_config.training_run_id if run.candidate_config else None
    return None if first == run.pk else first


def _estimate(stored: Any) -> dict[str, Any] | None:
    """What was told before the start; None for a run from before there were estimates."""
    return stored if isinstance(stored, dict) and number(stored, "calls") is not None else None


def _fresh(run: TrainingRun, request: HttpRequest) -> list[TrainingRunLog]:
    """The next lines after the last one that the page has, the newest first. More of them come with the next poll."""
    after = as_uuid(request.GET.get("after", ""))
    rows = run.log_lines.filter(pk__gt=after) if after else run.log_lines.all()
    return list(rows.order_by("id")[:LOG_LINES])[::-1]


def _find(run_id: UUID) -> TrainingRun:
    related = ("agent", "base_config", "dataset_version__dataset", "candidate_config", "created_by", "rerun_of")
    heavy = ("dataset_version__card", "dataset_version__recipe", "base_config__content", "rerun_of__metrics")
    rows = TrainingRun.objects.select_related(*related).defer(*heavy)
    run = rows.annotate(model=KT("model", "base_config__content")).filter(pk=run_id).first()
    if run is None:
        raise Http404("There is no such training run in this organization.")
    return run
