"""Asking for a run: the form, what the run will probably take, the start."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from learning.models import Agent, AgentConfig, DatasetVersion, TrainingRun, TrainingType
from learning.pages.training_forms import RunForm
from learning.services import training
from learning.services.run_estimate import RunEstimate
from learning.services.run_plan import plan_run
from learning.services.version_choice import trainable_versions
from learning.waking import wake_for_run
from organizations.errors import Refused
from organizations.identifiers import as_uuid
from organizations.models import Role
from organizations.permissions import page

KIND = TrainingType.PROMPT_OPTIMIZATION


@page(role=Role.ADMIN, methods=("GET", "POST"))
def run_create(request: HttpRequest) -> HttpResponse:
    """Ask for a run. `?version=` and `?agent=` choose what it learns from, `?find=` looks for it by name."""
    asked, named = request.GET.get("version", ""), request.GET.get("find", "").replace("\x00", "").strip()
    agent_id = as_uuid(request.GET.get("agent", ""))
    agent = Agent.objects.filter(pk=agent_id).first() if agent_id else None
    form = RunForm(request.POST or None, asked=asked, named=named, agent=agent)
    if request.method == "POST" and form.is_valid():
        try:
            run = _start(request, form)
        except Refused as error:
            form.refuse(error.message, error.field)
        else:
            return redirect("training-run", run_id=run.pk)
    context = {
        "form": form,
        "named": named,
        "agent": agent,
        "too_small": form.refusals.get(asked, ""),
        "unready": form.unready,
        "unfolded": any(name in form.errors for name in ("strategies", "rewrites", "concurrency", "seed")),
        "exists": bool(form.listed) or agent is not None or trainable_versions().exists(),
        **({"wrong": _wrong(form)} if form.is_bound else _first_estimate(form)),
    }
    return render(request, "learning/run_new.html", context)


@page(role=Role.ADMIN, methods=("POST",))
def run_estimate(request: HttpRequest) -> HttpResponse:
    """What the run in the form would take, while the form is filled in. Starts nothing."""
    form = RunForm(request.POST)
    told: dict[str, Any] = {}
    if form.is_valid():
        try:
            told = _told(form.cleaned_data["version"], form.cleaned_data["base_config"], form.wishes())
        except Refused as error:
            form.refuse(error.message, error.field)
    return render(request, "learning/_run_estimate.html", told or {"wrong": _wrong(form)})


def _wrong(form: RunForm) -> list[str]:
    """What has to be changed first, by the labels of the form."""
    named = [f"{form[name].label}: {found[0]}" for name, found in form.errors.items() if name in form.fields]
    return [*named, *form.non_field_errors()]


def _first_estimate(form: RunForm) -> dict[str, Any]:
    """Of the form as it is shown first."""
    chosen = form.fields["version"].initial
    version = next((one for one in form.listed if str(one.pk) == chosen and not form.refusals[chosen]), None)
    if version is None:
        return {}
    try:
        return _told(version, None, {})
    except Refused as error:
        return {"wrong": [error.message]}


def _told(version: DatasetVersion, base_config: AgentConfig | None, wishes: dict[str, Any]) -> dict[str, Any]:
    """Raises Refused."""
    plan = plan_run(cast("Agent", version.dataset.agent), version, base_config, KIND, wishes)
    estimate: RunEstimate = plan.estimate()
    return {"estimate": estimate, "to_beat": plan.base_config, "of_agent": plan.agent}


def _start(request: HttpRequest, form: RunForm) -> TrainingRun:
    version: DatasetVersion = form.cleaned_data["version"]
    run = training.start_training_run(
        agent=cast("Agent", version.dataset.agent),  # the form offers no version without one
        dataset_version=version,
        base_config=form.cleaned_data["base_config"],
        name=form.cleaned_data["name"],
        config=form.wishes(),
        seed=form.cleaned_data["seed"],
        user=request.user,
    )
    wake_for_run(run)
    return run
