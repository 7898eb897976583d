"""Experiments: the list, a new one, and one with its results and buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from experiments.models import Analysis, Experiment
from experiments.pages.figures import figures_of, plan_of, planned_of, progress_of, quality_figures
from experiments.pages.forms import ExperimentForm
from experiments.services import lifecycle
from experiments.services.creation import create_experiment, halves
from experiments.services.results import latest_analysis, looks_over_time, metric_results, quality_of
from experiments.services.traffic import users_a_day
from experiments.services.winner import deploy_winner
from experiments.stats.terms import Verdict
from organizations.errors import Refused
from organizations.identifiers import as_uuid
from organizations.models import Role
from organizations.permissions import page

SHOWN = 50
# What a button does, and what is said when it was done.
STEPS: dict[str, tuple[Callable[..., Any], str]] = {
    "start": (lifecycle.start_experiment, "It runs. Users are assigned from now on."),
    "pause": (lifecycle.pause_experiment, "Paused. Everybody gets control."),
    "resume": (lifecycle.resume_experiment, "It goes on. Users get the arms they had."),
    "stop": (lifecycle.stop_experiment, "Stopped without a decision."),
    "look": (lifecycle.look_again, "Looked again."),
    "complete": (lifecycle.complete_experiment, "Completed. The verdict stays."),
    "deploy": (deploy_winner, "The winner serves everybody."),
}


@page()
def experiment_list(request: HttpRequest) -> HttpResponse:
    """Experiments with their verdicts, the newest first."""
    newest = Analysis.objects.filter(experiment=OuterRef("pk")).order_by("-number")
    rows = Experiment.objects.select_related("agent").order_by("-id")
    rows = rows.annotate(
        verdict=Subquery(newest.values("verdict")[:1]), sentence=Subquery(newest.values("sentence")[:1])
    )
    before = as_uuid(request.GET.get("before", ""))
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: SHOWN + 1])
    older = f"?before={found[SHOWN - 1].pk}" if len(found) > SHOWN else ""
    return render(request, "experiments/experiments.html", {"experiments": found[:SHOWN], "older": older})


@page(role=Role.ADMIN, methods=("GET", "POST"))
def experiment_create(request: HttpRequest) -> HttpResponse:
    """A draft: a candidate against what serves now."""
    form = ExperimentForm(request.POST or None, initial={"config": request.GET.get("config")})
    if request.method == "POST" and form.is_valid():
        try:
            experiment = _create(form, request.user)
        except Refused as error:
            form.add_error(None, error.message)
        else:
            return redirect("experiment", experiment_id=experiment.pk)
    return render(request, "experiments/experiment_new.html", {"form": form})


@page()
def experiment_detail(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    """The verdict, every metric over time, and what is still missing."""
    experiment = find_experiment(experiment_id)
    analysis = latest_analysis(experiment)
    looks = looks_over_time(experiment)
    units, hours = (analysis.total_units, analysis.hours) if analysis else (0, experiment.hours())
    variants = list(experiment.variants.select_related("config").order_by("position"))
    context = {
        "experiment": experiment,
        "analysis": analysis,
        "progress": progress_of(experiment, units, hours),
        "arms": [(variant, analysis.counted.get(variant.key, 0) if analysis else 0) for variant in variants],
        "metrics": [
            figures_of(row, looks[row.variant.key, row.metric], experiment=experiment)
            for row in (metric_results(analysis) if analysis else [])
        ],
        "quality": quality_figures(quality_of(analysis)) if analysis else [],
        "plan": plan_of(experiment),
        "planned": planned_of(experiment, users_a_day(experiment)) if experiment.status == "draft" else None,
        "several": len(variants) > 2,
        "deployable": analysis is not None and _waits_to_be_deployed(experiment, analysis),
        "deployments": experiment.deployments.select_related("config").order_by("-id"),
    }
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
        messages.success(request, text)
    return redirect("experiment", experiment_id=experiment.pk)


def _waits_to_be_deployed(experiment: Experiment, analysis: Analysis) -> bool:
    """A treatment has won and does not serve everybody yet."""
    if analysis.verdict != Verdict.TREATMENT or analysis.winner is None or experiment.status == "stopped":
        return False
    return bool(analysis.winner.config_id != experiment.agent.serving_config_id)


def find_experiment(experiment_id: UUID) -> Experiment:
    experiment = (
        Experiment.objects.select_related("agent__serving_config", "created_by").filter(pk=experiment_id).first()
    )
    if experiment is None:
        raise Http404("There is no such experiment in this organization.")
    return experiment


def _create(form: ExperimentForm, user: Any) -> Experiment:
    data = form.cleaned_data
    candidate = data["config"]
    if candidate.agent.serving_config is None:
        raise Refused("Nothing serves this agent yet, so there is nothing to compare with. Deploy a config first.")
    return create_experiment(
        agent=candidate.agent,
        name=data["name"],
        arms=halves(candidate=candidate, control=candidate.agent.serving_config),
        traffic=data["traffic"],
        metrics=form.metrics(),
        created_by=user,
        hypothesis=data["hypothesis"],
        minimum_units=data["minimum_units"],
        minimum_hours=data["minimum_hours"],
    )
