"""A new experiment, and changing it while it is a draft, each beside what it can see."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from experiments.models import Experiment
from experiments.pages.experiment_form import DraftForm, ExperimentForm, initial_of
from experiments.pages.experiments import find_experiment
from experiments.pages.planner import plan_context
from experiments.services.creation import create_experiment, update_draft
from organizations.errors import Refused
from organizations.models import Role
from organizations.permissions import page

ASKED = ("config", "kind", "agent", "layer")  # what an address may choose


@page(role=Role.ADMIN, methods=("GET", "POST"))
def experiment_create(request: HttpRequest) -> HttpResponse:
    """A draft. With the button "Plan" it is only told what the form as it is can see."""
    planning = request.method == "POST" and "plan" in request.POST
    given = request.POST.dict() if planning else {name: request.GET[name] for name in ASKED if name in request.GET}
    form = ExperimentForm(initial=given) if planning or request.method == "GET" else ExperimentForm(request.POST)
    if form.is_bound and form.is_valid():
        try:
            experiment = _create(form, request.user)
        except Refused as error:
            form.refuse(error.message, error.field)
        else:
            return redirect("experiment", experiment_id=experiment.pk)
    context = {"form": form} | (_told(ExperimentForm(request.POST)) if planning else {})
    return render(request, "experiments/experiment_new.html", context)


@page(role=Role.ADMIN, methods=("POST",))
def experiment_plan(request: HttpRequest) -> HttpResponse:
    """What the form as it is can see, while it is filled in. Makes nothing."""
    return render(request, "experiments/_plan.html", _told(ExperimentForm(request.POST)))


@page(role=Role.ADMIN, methods=("GET", "POST"))
def experiment_change(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    """The plan of a draft; its arms stay."""
    experiment = find_experiment(experiment_id)
    if experiment.status != "draft":
        messages.error(request, "A started experiment is frozen: nothing that decides its verdict can be changed.")
        return redirect("experiment", experiment_id=experiment.pk)
    form = DraftForm(request.POST or None, initial=initial_of(experiment), metrics=experiment.metrics)
    if request.method == "POST" and form.is_valid():
        try:
            update_draft(experiment=experiment, **form.values())
        except Refused as error:
            form.refuse(error.message, error.field)
        else:
            messages.success(request, "The plan is changed.")
            return redirect("experiment", experiment_id=experiment.pk)
    return render(request, "experiments/experiment_change.html", {"form": form, "experiment": experiment})


def _told(form: ExperimentForm) -> dict[str, Any]:
    form.is_valid()  # what is wrong with other fields does not matter to the plan
    design = form.design()
    if design is None:
        return {"planned": None}
    return plan_context(design) | {"kind": form.cleaned_data.get("kind")}


def _create(form: ExperimentForm, user: Any) -> Experiment:
    values = form.values() | {"name": form.called(), "kind": form.cleaned_data["kind"], "created_by": user}
    agent, arms = form.of_agent(), form.arms()
    if agent is None or not arms:
        raise Refused("Nothing serves this agent yet, so there is nothing to compare with. Deploy a config first.")
    return create_experiment(agent=agent, arms=arms, **values)
