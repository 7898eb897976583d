"""Experiments: the list, a new one, and one with its results and buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from experiments.bucketing import percent_of
from experiments.models import Analysis, Experiment, ExperimentKind, ExperimentStatus, Variant
from experiments.models.analyses import VerdictChoice
from experiments.models.experiments import LIVE
from experiments.pages.figures import progress_of
from experiments.pages.forms import TesterForm
from experiments.pages.planner import plan_of_draft
from experiments.pages.results import results_context
from experiments.services import lifecycle
from experiments.services.results import latest_analysis
from experiments.services.standing import aa_record
from experiments.services.testers import OVER, testers_of
from experiments.services.winner import deploy_winner
from experiments.stats.terms import Verdict
from learning.models import Agent
from organizations.errors import Refused
from organizations.identifiers import as_uuid
from organizations.models import Role
from organizations.permissions import page

SHOWN = 50
GROUPS = {
    "live": LIVE,
    "drafts": (ExperimentStatus.DRAFT,),
    "ended": OVER,
}
# What a button does, and what is said when it was done.
STEPS: dict[str, tuple[Callable[..., Any], str]] = {
    "start": (lifecycle.start_experiment, "It runs: {unit}s are assigned from now on."),
    "pause": (lifecycle.pause_experiment, "Paused. Everybody gets control."),
    "resume": (lifecycle.resume_experiment, "It goes on: {unit}s get the arms they had."),
    "stop": (lifecycle.stop_experiment, "Stopped without a decision."),
    "look": (lifecycle.look_again, "Looked again."),
    "complete": (lifecycle.complete_experiment, "Completed. The verdict stays."),
    "deploy": (deploy_winner, "The winner serves everybody."),
}


@page()
def experiment_list(request: HttpRequest) -> HttpResponse:
    """Experiments with their verdicts, the newest first; `?show=` and `?agent=` leave the others out."""
    newest = Analysis.objects.filter(experiment=OuterRef("pk")).order_by("-number")
    rows = Experiment.objects.select_related("agent").order_by("-id")
    rows = rows.annotate(
        verdict=Subquery(newest.values("verdict")[:1]), sentence=Subquery(newest.values("sentence")[:1])
    )
    shown, agent_id = request.GET.get("show", ""), as_uuid(request.GET.get("agent", ""))
    agent = Agent.objects.filter(pk=agent_id).first() if agent_id else None
    chosen = ({"agent": str(agent.pk)} if agent else {}) | ({"show": shown} if shown in GROUPS else {})
    rows = rows.filter(agent=agent) if agent else rows
    rows = rows.filter(status__in=GROUPS[shown]) if shown in GROUPS else rows
    before = as_uuid(request.GET.get("before", ""))
    found = list((rows.filter(pk__lt=before) if before else rows)[: SHOWN + 1])
    older = f"?{urlencode(chosen | {'before': str(found[SHOWN - 1].pk)})}" if len(found) > SHOWN else ""
    labels = dict(VerdictChoice.choices)
    context = {
        "experiments": [(experiment, labels.get(experiment.verdict, "")) for experiment in found[:SHOWN]],
        "older": older,
        "agent": agent,
        "shown": chosen.get("show", ""),
        "chosen": bool(chosen),
        "aa": aa_record(),
    }
    return render(request, "experiments/experiments.html", context)


@page()
def experiment_detail(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    """The verdict, every metric over time, and what is still missing."""
    experiment = find_experiment(experiment_id)
    analysis = latest_analysis(experiment)
    units, hours = (analysis.total_units, analysis.hours) if analysis else (0, experiment.hours())
    variants = list(experiment.variants.select_related("config").order_by("position"))
    context = {
        "progress": progress_of(experiment, units, hours),
        "arms": arms_of(experiment, variants, analysis),
        "testers": testers_of(experiment),
        "tester_form": None if _untestable(experiment) else TesterForm(arms=variants),
        "deployable": analysis is not None and _waits_to_be_deployed(experiment, analysis),
        "deployments": experiment.deployments.select_related("config").order_by("-id"),
    }
    context |= results_context(experiment, analysis) | plan_of_draft(experiment)
    return render(request, "experiments/experiment.html", context)


@page(role=Role.ADMIN, methods=("POST",))
def experiment_step(request: HttpRequest, experiment_id: UUID, step: str) -> HttpResponse:
    """A button of the page."""
    if step not in STEPS:
        raise Http404("There is no such step.")
    experiment = find_experiment(experiment_id)
    act, text = STEPS[step]
    try:
        act(experiment=experiment)
    except Refused as error:
        messages.error(request, error.message)
    else:
        messages.success(request, text.format(unit=experiment.unit))
    return redirect("experiment", experiment_id=experiment.pk)


def arms_of(
    experiment: Experiment, variants: list[Variant], analysis: Analysis | None
) -> list[tuple[Variant, int, float]]:
    """Each arm with its units, and its share in percent by which new units are assigned now."""
    counted = analysis.counted if analysis else {}
    now = (experiment.weights or {}).get("buckets", {}) if isinstance(experiment.weights, dict) else {}
    return [
        (variant, counted.get(variant.key, 0), percent_of(now.get(variant.key, variant.buckets)))
        for variant in variants
    ]


def _untestable(experiment: Experiment) -> bool:
    return experiment.kind == ExperimentKind.AA or experiment.status in OVER


def _waits_to_be_deployed(experiment: Experiment, analysis: Analysis) -> bool:
    """A treatment has won and does not serve everybody yet."""
    if analysis.verdict != Verdict.TREATMENT or analysis.winner is None or experiment.status == "stopped":
        return False
    return bool(analysis.winner.config_id != experiment.agent.serving_config_id)


def find_experiment(experiment_id: UUID) -> Experiment:
    rows = Experiment.objects.select_related("agent__serving_config", "layer", "created_by")
    experiment = rows.filter(pk=experiment_id).first()
    if experiment is None:
        raise Http404("There is no such experiment in this organization.")
    return experiment
