"""The form of a training run: what it learns from, what it may cost, how answers are scored, how it searches."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.template.defaultfilters import pluralize
from django.utils.dateformat import format as format_date

from learning.engines.metrics import METRIC_KINDS, Option
from learning.engines.prompt.goals import ACCURACY, SECOND_GOALS
from learning.engines.prompt.optimizer import DEFAULT_REWRITES
from learning.engines.prompt.planning import FEWEST_CALLS
from learning.engines.prompt.strategies import STRATEGIES
from learning.models import Agent, AgentConfig, DatasetVersion
from learning.pages.json_field import JSONObjectField
from learning.services import run_config, training
from learning.services.config_choice import approved_configs, default_config, listed_configs
from learning.services.run_budget import longest_seconds
from learning.services.run_config import RunConfig
from learning.services.run_needs import needed_examples, why_too_small
from learning.services.version_choice import listed_versions, trainable_versions
from organizations.identifiers import as_uuid

CONFIG_FIELDS = (
    "max_calls", "max_tokens", "max_money", "max_seconds", "metric", "goals", "strategies", "rewrites", "concurrency",
)  # fmt: skip
UNREPORTED = "Estimated where the endpoint reports no usage."
# (metric, option) -> the field that asks for it
OPTION_FIELDS = {
    (metric, option): f"{metric}_{option}" for metric, kind in METRIC_KINDS.items() for option in kind.options
}
FIELD_OF = {f"config.{name}": name for name in CONFIG_FIELDS} | {
    "dataset_version_id": "version", "base_config_id": "base_config",
}  # fmt: skip


class VersionSelect(forms.Select):
    """What no run can learn from stands in the list and cannot be chosen."""

    refused: frozenset[str] = frozenset()

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        if str(value) in self.refused:
            option["attrs"]["disabled"] = True
        return option


class ConfigSelect(forms.Select):
    """What stands for another agent is not in the list: then the default is shown as chosen."""

    def format_value(self, value: Any) -> list[str]:
        known = {str(key) for key, _ in self.choices}
        found: list[str] = super().format_value(value)
        return found if known.intersection(found) else [""]


def _at_most(most: int | Decimal) -> dict[str, str]:
    return {"max_value": f"Ensure this value is less than or equal to {most:,}."}


def _limit(label: str, help_text: str, most: int, least: int = 1) -> forms.IntegerField:
    return forms.IntegerField(
        required=False, min_value=least, max_value=most, label=label, help_text=help_text,
        widget=forms.NumberInput(attrs={"placeholder": "no limit"}), error_messages=_at_most(most),
    )  # fmt: skip


def _option_field(option: Option, name: str) -> forms.Field:
    """Asked for whatever metric is chosen, so never required here: the service says what is missing."""
    label = name.replace("_", " ").capitalize()
    common: dict[str, Any] = {"required": False, "help_text": option.help}
    if option.kind == "object":
        return JSONObjectField(label=label, widget=forms.Textarea(attrs={"rows": 5, "class": "mono"}), **common)
    widget = forms.Textarea(attrs={"rows": 3}) if option.default else forms.TextInput()
    return forms.CharField(label=label, initial=option.default or None, widget=widget, max_length=10_000, **common)


class RunForm(forms.Form):
    """What to train from, and how much it may cost. Three queries, and one more for each choice beyond its list."""

    version = forms.ModelChoiceField(
        DatasetVersion.objects.none(),
        label="Dataset version",
        widget=VersionSelect,
        empty_label=None,
    )
    base_config = forms.ModelChoiceField(
        AgentConfig.objects.none(), required=False, label="Start from", empty_label=None, widget=ConfigSelect,
        help_text="What has to be beaten: one of the agent's approved configs.",
    )  # fmt: skip
    name = forms.CharField(max_length=200, required=False, help_text="Left out: agent, dataset and version.")
    max_calls = forms.IntegerField(
        min_value=FEWEST_CALLS, max_value=run_config.MOST_CALLS, initial=RunConfig.max_calls, label="Most calls",
        help_text=f"At least {FEWEST_CALLS}, and one more for each instruction that the model writes. Never passed; "
        "a sixth to a half of them confirm the result on untouched examples.",
        error_messages=_at_most(run_config.MOST_CALLS),
    )  # fmt: skip
    max_tokens = _limit("Most tokens", f"In and out together. {UNREPORTED}", run_config.MOST_TOKENS)
    max_money = forms.DecimalField(
        required=False, max_value=run_config.MOST_MONEY, decimal_places=run_config.DECIMALS, label="Most money",
        help_text=f"In the currency of the price table. {UNREPORTED}", error_messages=_at_most(run_config.MOST_MONEY),
        widget=forms.NumberInput(attrs={"placeholder": "no limit", "step": "any"}),
    )  # fmt: skip
    max_seconds = _limit("Most seconds", "Of work. A stop does not count.", *reversed(run_config.SECONDS))
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
        help_text="Leave 0 for a small model: it can be shown examples, but it cannot write instructions. "
        f"With the way Rewritten, 0 means {DEFAULT_REWRITES}.",
    )  # fmt: skip
    concurrency = forms.IntegerField(
        required=False, min_value=1, max_value=run_config.MOST_AT_ONCE, label="Calls at a time",
        help_text="Left out: as many as the endpoint may get.",
    )  # fmt: skip
    seed = forms.IntegerField(
        min_value=0, max_value=training.LARGEST_SEED, initial=1, help_text="The same seed repeats the run.",
        error_messages=_at_most(training.LARGEST_SEED),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, asked: str = "", named: str = "", agent: Agent | None = None) -> None:
        super().__init__(data)
        chosen = (data or {}).get("version") or asked
        self.listed = listed_versions(named=named, agent=agent, asked=as_uuid(chosen))
        self.refusals = {str(version.pk): why_too_small(version) for version in self.listed}
        usable = [key for key, reason in self.refusals.items() if not reason]
        field: Any = self.fields["version"]
        field.queryset = trainable_versions()
        field.help_text = f"A run needs {needed_examples()}."
        field.initial = chosen if chosen in self.refusals else next(iter(usable), None)
        field.widget.choices = [(str(version.pk), version_label(version)) for version in self.listed]
        field.widget.refused = frozenset(self.refusals) - frozenset(usable)
        self.unready = not usable
        self.fields["max_seconds"].widget.attrs["placeholder"] = f"{longest_seconds():,}"
        self._offer_configs(field.initial, (data or {}).get("base_config", ""))
        for (metric, option), name in OPTION_FIELDS.items():
            self.fields[name] = _option_field(METRIC_KINDS[metric].options[option], option)

    def _offer_configs(self, chosen: str | None, asked: str) -> None:
        """Those of the chosen version's agent. Nothing chosen means the default, whichever it is at the start."""
        field: Any = self.fields["base_config"]
        field.queryset = approved_configs()
        agent = next((version.dataset.agent for version in self.listed if str(version.pk) == chosen), None)
        configs = listed_configs(agent, asked=as_uuid(asked)) if agent else []
        default = default_config(agent, configs) if agent else None
        field.widget.choices = [
            ("" if config == default else str(config.pk), config_label(config, agent)) for config in configs
        ]

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


def config_label(config: AgentConfig, agent: Agent | None) -> str:
    serves = " (serves now)" if agent and config.pk == agent.serving_config_id else ""
    return f"Config {config.number} of {format_date(config.created_at, 'j M Y')}{serves}"


def version_label(version: DatasetVersion) -> str:
    splits = f"{version.train_count:,} train, {version.validation_count:,} validation, {version.test_count:,} test"
    small = ": too small" if why_too_small(version) else ""
    total = f"{version.total:,} example{pluralize(version.total)}"
    return f"{version.dataset.name}, version {version.number} ({total}: {splits}){small}"
