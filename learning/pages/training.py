"""Training runs: the list, one run live, starting and cancelling."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from learning.engines.metrics import METRICS
from learning.engines.prompt.goals import ACCURACY, SECOND_GOALS
from learning.engines.prompt.optimizer import FEWEST_CALLS
from learning.models import Agent, DatasetVersion, RunStatus, TrainingRun
from learning.services import training
from learning.services.run_config import MOST_CALLS, MOST_REWRITES, needed_examples, why_too_small
from learning.waking import wake_for_run
from organizations.errors import Refused
from organizations.identifiers import as_uuid
from organizations.models import Role
from organizations.permissions import page

SHOWN = 25
# What each way of scoring means, and what its mean over many answers is called.
METRIC_WORDS = {
    "exact": "exact: the answer is the wanted text to the letter",
    "normalised": "normalised: letter case, spacing and punctuation around it do not count",
    "token_f1": "token F1: how many words both share, from none to all; for longer texts",
}
SCORES = {"token_f1": ("mean token F1", "Mean F1")}
RIGHT = ("right answers", "Right")
LOG_LINES = 60
VERSIONS = 100
FIELD_OF = {"dataset_version_id": "version", "config.max_calls": "max_calls", "config.metric": "metric"}


class VersionSelect(forms.Select):
    """What no run can learn from stands in the list and cannot be chosen."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        version = getattr(value, "instance", None)
        if version is not None and why_too_small(version):
            option["attrs"]["disabled"] = True
        return option


class RunForm(forms.Form):
    """What to train from, and how much it may cost."""

    version = forms.ModelChoiceField(
        DatasetVersion.objects.none(),
        label="Dataset version",
        help_text="Its agent's serving config is what has to be beaten.",
        widget=VersionSelect,
    )
    name = forms.CharField(max_length=200, required=False)
    max_calls = forms.IntegerField(
        min_value=FEWEST_CALLS, max_value=MOST_CALLS, initial=340, label="Most calls",
        help_text=f"At least {FEWEST_CALLS}, and one more for each instruction that the model writes. Never passed; "
        "about a third confirm the result on untouched examples.",
    )  # fmt: skip
    metric = forms.ChoiceField(
        choices=[(name, METRIC_WORDS.get(name, name)) for name in METRICS], help_text="How an answer is scored."
    )
    goals = forms.MultipleChoiceField(
        choices=[(goal, goal.capitalize()) for goal in (ACCURACY, *SECOND_GOALS)], initial=[ACCURACY],
        widget=forms.CheckboxSelectMultiple, help_text="Accuracy decides; the others order equally accurate variants.",
    )  # fmt: skip
    rewrites = forms.IntegerField(
        min_value=0, max_value=MOST_REWRITES, initial=0, label="Instructions written by the model",
        help_text="Leave 0 for a small model: it can be shown examples, but it cannot write instructions.",
    )  # fmt: skip
    seed = forms.IntegerField(
        min_value=0, max_value=training.LARGEST_SEED, initial=1, help_text="The same seed repeats the run."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = DatasetVersion.objects.filter(dataset__agent__isnull=False, erased_at=None)
        field: Any = self.fields["version"]
        field.queryset = choices.select_related("dataset").order_by("-id")
        field.label_from_instance = _version_label
        field.help_text = f"A run needs a version of {needed_examples()}. {field.help_text}"

    def refusals(self) -> dict[str, str]:
        """Why no run can learn from each version in the list, by its key; empty where one can."""
        field: Any = self.fields["version"]
        return {str(version.pk): why_too_small(version) for version in field.queryset}

    def wishes(self) -> dict[str, Any]:
        """The values that belong into the run's config."""
        return {key: self.cleaned_data[key] for key in ("max_calls", "metric", "goals", "rewrites")}


@page()
def run_list(request: HttpRequest) -> HttpResponse:
    """All runs, the newest first."""
    rows = TrainingRun.objects.select_related("agent").order_by("-id")
    before = as_uuid(request.GET.get("before", ""))
    if before:
        rows = rows.filter(pk__lt=before)
    runs = list(rows[: SHOWN + 1])
    more = f"?before={runs[SHOWN - 1].pk}" if len(runs) > SHOWN else ""
    return render(
        request, "learning/runs.html", {"runs": runs[:SHOWN], "more": more, "newest_url": "." if before else ""}
    )


@page(role=Role.ADMIN, methods=("GET", "POST"))
def run_create(request: HttpRequest) -> HttpResponse:
    """Ask for a run."""
    asked = request.GET.get("version", "")
    form = RunForm(request.POST or None, initial={"version": asked})
    if request.method == "POST" and form.is_valid():
        try:
            run = _start(request, form)
        except Refused as error:
            form.add_error(_field(form, error.field), error.message)
        else:
            return redirect("training-run", run_id=run.pk)
    refusals = form.refusals()
    context = {"form": form, "too_small": refusals.get(asked, ""), "unready": all(refusals.values())}
    return render(request, "learning/run_new.html", context)


@page()
def run_detail(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """One run. While it works, the page asks again every two seconds."""
    run = _find(run_id)
    context = {
        "run": run,
        "open": run.status in (RunStatus.PENDING, RunStatus.RUNNING),
        "log": list(run.log_lines.order_by("-id")[:LOG_LINES])[::-1],
        "report": training.gate_report(run),
        "candidate": run.candidate_config.content if run.candidate_config else None,
        "figures": _figures(run.metrics),
        "score": SCORES.get(run.config.get("metric", ""), RIGHT),
    }
    template = "learning/_run.html" if getattr(request, "htmx", False) else "learning/run.html"
    return render(request, template, context)


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


def _start(request: HttpRequest, form: RunForm) -> TrainingRun:
    version: DatasetVersion = form.cleaned_data["version"]
    run = training.start_training_run(
        agent=cast("Agent", version.dataset.agent),  # the form offers no version without one
        dataset_version=version,
        name=form.cleaned_data["name"],
        config=form.wishes(),
        seed=form.cleaned_data["seed"],
        user=request.user,
    )
    wake_for_run(run)
    return run


def _field(form: RunForm, field: str | None) -> str | None:
    name = FIELD_OF.get(field or "", field)
    return name if name in form.fields else None


def _figures(metrics: dict[str, Any]) -> dict[str, Any] | None:
    """The confirmed figures in percent, for the page; None before they exist."""
    if not metrics or not metrics.get("improvement"):
        return None
    gain = metrics["improvement"]
    percent = {name: 100 * metrics[name]["mean"] for name in ("before", "after", "instruction_only")}
    return percent | {key: 100 * gain[key] for key in ("mean", "low", "high")} | {"n": gain["n"], "p": gain["p_value"]}


def _version_label(version: DatasetVersion) -> str:
    splits = f"{version.train_count:,} train, {version.validation_count:,} validation, {version.test_count:,} test"
    small = ": too small" if why_too_small(version) else ""
    return f"{version.dataset.name}, version {version.number} ({version.total:,} examples: {splits}){small}"


def _find(run_id: UUID) -> TrainingRun:
    related = ("agent", "base_config", "dataset_version__dataset", "candidate_config", "created_by")
    run = TrainingRun.objects.select_related(*related).filter(pk=run_id).first()
    if run is None:
        raise Http404("There is no such training run in this organization.")
    return run
