"""The form of a training run: what it learns from, what it may cost, how answers are scored, how it searches."""

from __future__ import annotations

from typing import Any

from django import forms

from learning.engines.metrics import METRIC_KINDS, Option
from learning.engines.prompt.goals import ACCURACY, SECOND_GOALS
from learning.engines.prompt.optimizer import FEWEST_CALLS
from learning.engines.prompt.strategies import STRATEGIES
from learning.models import Agent, DatasetVersion
from learning.services import run_config, training
from learning.services.run_config import RunConfig, why_too_small
from learning.services.version_choice import listed_versions, trainable_versions
from organizations.identifiers import as_uuid

CONFIG_FIELDS = (
    "max_calls", "max_tokens", "max_money", "max_seconds", "metric", "goals", "strategies", "rewrites", "concurrency",
)  # fmt: skip
# (metric, option) -> the field that asks for it
OPTION_FIELDS = {
    (metric, option): f"{metric}_{option}" for metric, kind in METRIC_KINDS.items() for option in kind.options
}
FIELD_OF = {"dataset_version_id": "version"} | {f"config.{name}": name for name in CONFIG_FIELDS}


class VersionSelect(forms.Select):
    """What no run can learn from stands in the list and cannot be chosen."""

    refused: frozenset[str] = frozenset()

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        if str(value) in self.refused:
            option["attrs"]["disabled"] = True
        return option


def _limit(label: str, help_text: str, most: int, least: int = 1) -> forms.IntegerField:
    return forms.IntegerField(
        required=False, min_value=least, max_value=most, label=label, help_text=help_text,
        widget=forms.NumberInput(attrs={"placeholder": "no limit"}),
    )  # fmt: skip


def _option_field(option: Option, name: str) -> forms.Field:
    """Asked for whatever metric is chosen, so never required here: the service says what is missing."""
    label = name.replace("_", " ").capitalize()
    common: dict[str, Any] = {"required": False, "help_text": option.help}
    if option.kind == "object":
        return forms.JSONField(label=label, widget=forms.Textarea(attrs={"rows": 5, "class": "mono"}), **common)
    widget = forms.Textarea(attrs={"rows": 3}) if option.default else forms.TextInput()
    return forms.CharField(label=label, initial=option.default or None, widget=widget, max_length=10_000, **common)


class RunForm(forms.Form):
    """What to train from, and how much it may cost. Two queries, three for a version beyond the list."""

    version = forms.ModelChoiceField(
        DatasetVersion.objects.none(),
        label="Dataset version",
        help_text="Its agent's serving config is what has to be beaten.",
        widget=VersionSelect,
        empty_label=None,
    )
    name = forms.CharField(max_length=200, required=False, help_text="Left out: agent, dataset and version.")
    max_calls = forms.IntegerField(
        min_value=FEWEST_CALLS, max_value=run_config.MOST_CALLS, initial=RunConfig.max_calls, label="Most calls",
        help_text=f"At least {FEWEST_CALLS}, and one more for each instruction that the model writes. Never passed; "
        "about a third confirm the result on untouched examples.",
    )  # fmt: skip
    max_tokens = _limit("Most tokens", "In and out together.", run_config.MOST_TOKENS)
    max_money = forms.DecimalField(
        required=False, max_value=run_config.MOST_MONEY, decimal_places=run_config.DECIMALS, label="Most money",
        help_text="In the currency of the price table.",
        widget=forms.NumberInput(attrs={"placeholder": "no limit", "step": "any"}),
    )  # fmt: skip
    max_seconds = _limit("Most seconds", "From the start of the run.", run_config.SECONDS[1], run_config.SECONDS[0])
    metric = forms.ChoiceField(
        choices=[(name, f"{kind.title}: {kind.help}") for name, kind in METRIC_KINDS.items()],
        initial=RunConfig.metric, help_text="How an answer is scored.",
    )  # fmt: skip
    goals = forms.MultipleChoiceField(
        choices=[(goal, goal.capitalize()) for goal in (ACCURACY, *SECOND_GOALS)], initial=[ACCURACY],
        widget=forms.CheckboxSelectMultiple, help_text="Accuracy decides; the others order equally accurate variants.",
    )  # fmt: skip
    strategies = forms.MultipleChoiceField(
        choices=[(name, f"{name.replace('_', ' ').capitalize()}: {text}") for name, text in STRATEGIES.items()],
        required=False, widget=forms.CheckboxSelectMultiple, help_text="None chosen: those that fit the budget.",
        label="Ways to make candidates",
    )  # fmt: skip
    rewrites = forms.IntegerField(
        min_value=0, max_value=run_config.MOST_REWRITES, initial=0, label="Instructions written by the model",
        help_text="Leave 0 for a small model: it can be shown examples, but it cannot write instructions.",
    )  # fmt: skip
    concurrency = forms.IntegerField(
        required=False, min_value=1, max_value=run_config.MOST_AT_ONCE, label="Calls at a time",
        help_text="Left out: as many as the endpoint may get.",
    )  # fmt: skip
    seed = forms.IntegerField(
        min_value=0, max_value=training.LARGEST_SEED, initial=1, help_text="The same seed repeats the run."
    )

    def __init__(self, data: Any = None, *, asked: str = "", named: str = "", agent: Agent | None = None) -> None:
        super().__init__(data)
        chosen = (data or {}).get("version") or asked
        self.listed = listed_versions(named=named, agent=agent, asked=as_uuid(chosen))
        self.refusals = {str(version.pk): why_too_small(version) for version in self.listed}
        usable = [key for key, reason in self.refusals.items() if not reason]
        field: Any = self.fields["version"]
        field.queryset = trainable_versions()
        field.help_text = f"A run needs {run_config.needed_examples()}. {field.help_text}"
        field.initial = chosen if chosen in self.refusals else next(iter(usable), None)
        field.widget.choices = [(str(version.pk), version_label(version)) for version in self.listed]
        field.widget.refused = frozenset(self.refusals) - frozenset(usable)
        self.unready = not usable
        for (metric, option), name in OPTION_FIELDS.items():
            self.fields[name] = _option_field(METRIC_KINDS[metric].options[option], option)

    def clean(self) -> dict[str, Any] | None:
        """What was typed for a metric that is not chosen is not looked at: nobody sees it."""
        cleaned = super().clean()
        for (metric, _), name in OPTION_FIELDS.items():
            if metric != self.cleaned_data.get("metric"):
                self.errors.pop(name, None)
        return cleaned

    def wishes(self) -> dict[str, Any]:
        """The values that belong into the run's config; what was left empty is left out."""
        values = {name: self.cleaned_data.get(name) for name in CONFIG_FIELDS}
        metric = values["metric"]
        told = {option: self.cleaned_data.get(name) for (of, option), name in OPTION_FIELDS.items() if of == metric}
        values["metric_options"] = {option: value for option, value in told.items() if value not in (None, "")}
        return {name: value for name, value in values.items() if value not in (None, "", [], {})}

    def refuse(self, message: str, field: str | None) -> None:
        """Put what a service refused beside the field that it names."""
        name = FIELD_OF.get(field or "", field)
        option = (field or "").removeprefix("config.metric_options.")
        name = OPTION_FIELDS.get((str(self.cleaned_data.get("metric")), option), name)
        self.add_error(name if name in self.fields else None, message)

    def option_groups(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """Metric, its title, and the fields of its options."""
        return [
            (metric, kind.title, [self[OPTION_FIELDS[metric, option]] for option in kind.options])
            for metric, kind in METRIC_KINDS.items()
            if kind.options
        ]


def version_label(version: DatasetVersion) -> str:
    splits = f"{version.train_count:,} train, {version.validation_count:,} validation, {version.test_count:,} test"
    small = ": too small" if why_too_small(version) else ""
    return f"{version.dataset.name}, version {version.number} ({version.total:,} examples: {splits}){small}"
