"""Behavior of agents: what demonstrations show, corrections over time, and an expert's edit of recorded steps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from learning.engines.behavior.chats import LONGEST_TEXT
from learning.engines.behavior.episodes import LONGEST_NAME, RESPOND, TOOL, Action, Episode, Step
from learning.engines.behavior.strategies import STRATEGIES
from learning.engines.behavior.update import MEANINGS
from learning.models import Agent, Demonstration, Execution, TrainingRun, TrainingType
from learning.services.action_corrections import EditedStep, correct_execution
from learning.services.correction_trends import corrected_configs, correction_trends
from learning.services.demonstrations import episode_of_execution, find_demonstration
from learning.services.execution_story import find_execution
from learning.services.training import start_training_run
from learning.waking import wake_for_run
from organizations.errors import Refused
from organizations.models import Role
from organizations.parsers import parse_typed
from organizations.permissions import page

SHOWN = 20
MOST_EDITED = 60  # steps on one page
ADDED = ("new", "new2", "new3")  # steps that can be added at once, by the prefix of their fields
POLICIES = {
    "none": "Most frequent action",
    "patterns": "Patterns of the last actions",
    "retrieved": "Retrieved demonstrations",
    "cloned": "Cloned policy",
    "all": "All kept parts but the rules",
}


class StepForm(forms.Form):
    """One step as the expert leaves it. An answer is its text; any other action has arguments in JSON."""

    action = forms.CharField(max_length=LONGEST_NAME, label="Action")
    arguments = forms.CharField(
        required=False, max_length=LONGEST_TEXT, strip=False, label="Arguments or text",
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
    explanation = forms.CharField(required=False, max_length=2_000, label="Why it was changed")
    removed = forms.BooleanField(required=False, label="This step was not needed")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if "action" in values:
            values["given"] = _arguments(values["action"], values.get("arguments", ""))
        return values


class AddedForm(StepForm):
    """A step that was left out."""

    action = forms.CharField(max_length=LONGEST_NAME, required=False, label="Action")
    after = forms.TypedChoiceField(coerce=int, label="It belongs")
    removed = None  # type: ignore[assignment]  # Django's way to take a field away

    def __init__(self, data: Any, steps: int, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        places = [(0, "before step 1"), *((number, f"after step {number}") for number in range(1, steps + 1))]
        self.fields["after"].choices = places  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if not values.get("action") and (values.get("arguments", "").strip() or values.get("explanation")):
            self.add_error("action", "Name the action, or leave all of this step empty.")
        return values


@page(role=Role.EXPERT, methods=("GET", "POST"))
def steps_edit(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """A recorded execution step by step; what is changed becomes a demonstration and corrections."""
    execution = find_execution(execution_id)
    if execution is None:
        raise Http404("There is no such execution in this organization.")
    try:
        whole = episode_of_execution(execution)
    except Refused as error:
        messages.error(request, error.message)
        return redirect("behavior", agent_id=execution.agent_id)
    recorded = replace(whole, steps=whole.steps[:MOST_EDITED])
    given = request.POST if request.method == "POST" else None
    rows = [StepForm(given, prefix=f"s{place}", initial=_initial(step)) for place, step in enumerate(recorded.steps)]
    added = [AddedForm(given, len(rows), prefix=prefix, initial={"after": len(rows)}) for prefix in ADDED]
    wrong = [form for form in (*rows, *added) if given and not form.is_valid()]  # each tells its own
    if given and not wrong and (stored := _store(request, execution, recorded, rows, added)):
        return redirect("demonstration", demonstration_id=stored.pk)
    context = {
        "execution": execution,
        "steps": list(zip(recorded.steps, rows, strict=True)),
        "added": added,
        "respond": RESPOND,
        "wrong": [_named(form, place) for place, form in enumerate((*rows, *added)) if form in wrong],
        "cut": len(whole.steps) - len(recorded.steps),
    }
    return render(request, "learning/steps_edit.html", context, status=400 if wrong else 200)


def _store(
    request: HttpRequest, execution: Execution, recorded: Episode, rows: list[StepForm], added: list[AddedForm]
) -> Demonstration | None:
    """What an expert made of it; None when it was refused, which the person is told."""
    edited = _edited(recorded, *([form.cleaned_data for form in forms] for forms in (rows, added)))
    try:
        stored, found = correct_execution(
            execution=execution, recorded=recorded, edited=edited, created_by=request.user
        )
    except Refused as error:
        messages.error(request, error.message)
        return None
    messages.success(request, f"Stored: {len(found)} correction{'s' * (len(found) > 1)} and a demonstration.")
    return stored


@page(role=Role.EXPERT)
def demonstration_detail(request: HttpRequest, demonstration_id: UUID) -> HttpResponse:
    """A demonstration step by step."""
    demonstration = find_demonstration(demonstration_id)
    if demonstration is None:
        raise Http404("There is no such demonstration in this organization.")
    context = {"demonstration": demonstration, "steps": demonstration.steps.order_by("position")}
    return render(request, "learning/demonstration.html", context)


@page(role=Role.EXPERT)
def behavior_detail(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """Patterns and policy updates of an agent, and its corrections over time."""
    agent = agent_of(agent_id)
    runs = TrainingRun.objects.filter(agent=agent, training_type=TrainingType.BEHAVIOR_CLONING).order_by("-id")
    shown = list(runs.select_related("candidate_config")[:SHOWN])
    newest = next((run for run in shown if behavior_of(run.metrics)), None)
    context = {
        "agent": agent,
        "runs": [(run, behavior_of(run.metrics)) for run in shown],
        "newest": newest,
        "behavior": behavior_of(newest.metrics) if newest else None,
        **_corrections(request, agent),
        "demonstrations": Demonstration.objects.filter(agent=agent).select_related("example").order_by("-id")[:SHOWN],
        "executions": Execution.objects.filter(agent=agent).order_by("-started_at")[:SHOWN],
        "strategies": STRATEGIES.items(),
    }
    return render(request, "learning/behavior.html", context)


def _corrections(request: HttpRequest, agent: Agent) -> dict[str, Any]:
    """Corrections over time, of the config and the kind in the address."""
    configs = corrected_configs(agent=agent)
    config = next((one.config for one in configs if str(one.config.pk) == request.GET.get("config")), None)
    trends = correction_trends(agent=agent, config=config)
    kind = request.GET.get("kind", "")
    kind = kind if kind in trends.kinds else ""
    return {"trends": trends, "trend": trends.of(kind), "kind": kind, "config": config, "configs": configs}


@page(role=Role.ADMIN, methods=("POST",))
def behavior_learn(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """Start a policy update from the agent's newest dataset version."""
    agent = agent_of(agent_id)
    try:
        run = start_training_run(
            agent=agent,
            training_type=TrainingType.BEHAVIOR_CLONING,
            config={"strategy": request.POST.get("strategy") or None},
            user=request.user,
        )
    except Refused as error:
        messages.error(request, error.message)
        return redirect("behavior", agent_id=agent.pk)
    wake_for_run(run)
    return redirect("training-run", run_id=run.pk)


def behavior_of(metrics: Any) -> Mapping[str, Any] | None:
    """What a run found about behavior; None for another kind of run, or while it works."""
    found = metrics.get("behavior") if isinstance(metrics, dict) else None
    if not isinstance(found, dict):
        return None
    figures = found.get("agreement") or {}
    rows = [(words, figures[name]) for name, words in POLICIES.items() if name in figures]
    return found | {"agreement_rows": rows, "meaning": MEANINGS.get(str(found.get("verdict")), "")}


def agent_of(agent_id: UUID) -> Agent:
    """The agent of an address; 404 for a stranger's."""
    agent = Agent.objects.filter(pk=agent_id).first()
    if agent is None:
        raise Http404("There is no such agent in this organization.")
    return agent


def _initial(step: Step) -> dict[str, str]:
    given = step.action.arguments
    answer = step.action.name == RESPOND and set(given) == {"text"}
    shown = str(given["text"]) if answer else json.dumps(dict(given), ensure_ascii=False, indent=1)
    return {"action": step.action.name, "arguments": shown}


def _arguments(action: str, text: str) -> dict[str, Any]:
    if action == RESPOND:
        return {"text": text.replace("\r\n", "\n")}
    if not text.strip():
        return {}
    try:
        given = parse_typed(text)
    except ValueError as error:
        raise ValidationError({"arguments": str(error)}) from error
    if not isinstance(given, dict):
        raise ValidationError({"arguments": 'Arguments are a JSON object, such as {"order": "7"}.'})
    return given


def _edited(recorded: Episode, rows: list[dict[str, Any]], added: list[dict[str, Any]]) -> list[EditedStep]:
    """The kept steps with those that were added behind their places, in the order in which they were given."""
    edited: list[EditedStep] = []
    for place, step in enumerate((None, *recorded.steps)):
        row = rows[place - 1]
        if step is not None and not row["removed"]:
            kept = replace(step, action=Action(row["action"], row["given"]))
            edited.append(EditedStep(kept, place - 1, row["explanation"]))
        for new in added:
            if new.get("action") and new["after"] == place:
                edited.append(_added(recorded, edited, new))
    return edited


def _added(recorded: Episode, before: list[EditedStep], new: dict[str, Any]) -> EditedStep:
    """A step that was left out, which saw what came of the one before it."""
    seen = before[-1].step if before else None
    observation = (seen.outcome or seen.observation) if seen else recorded.steps[0].observation
    source = TOOL if seen and seen.outcome else (seen or recorded.steps[0]).source
    return EditedStep(Step(observation, Action(new["action"], new["given"]), source=source), None, new["explanation"])


def _named(form: forms.Form, place: int) -> tuple[str, str]:
    """What a form with errors is called, and the id of its field at fault."""
    name = f"Step {place + 1}" if not isinstance(form, AddedForm) else "A step that was left out"
    return name, next((form[field].id_for_label for field in form.errors if field in form.fields), "")
