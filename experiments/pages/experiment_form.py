"""The form of an experiment: what is compared, what decides, how long, and who takes part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import F, QuerySet

from experiments.bucketing import BUCKETS
from experiments.metrics import DEFAULT_METRICS
from experiments.models import Experiment, ExperimentKind, Layer, Unit
from experiments.pages.metric_fields import MetricFields
from experiments.pages.planner import Design
from experiments.services.creation import CONTROL, SMALLEST_PLAN, TREATMENT, ArmPlan, same_twice
from experiments.services.layers import free_share
from learning.models import Agent, AgentConfig, ConfigStatus
from organizations.identifiers import as_uuid

MOST_UNITS = 100_000_000
MOST_HOURS = 100_000
MOST_LISTED = 100
CANDIDATES = ("config", "config_2", "config_3")
SHARES = ("share", "share_2", "share_3")
KINDS = [
    (ExperimentKind.AB.value, "A/B: candidates against what serves, with fixed shares"),
    (ExperimentKind.BANDIT.value, "Bandit: the shares move to the better arms while it runs"),
    (ExperimentKind.AA.value, "A/A: what serves against itself, to check the numbers; it serves nothing"),
]
PLAIN = ("name", "hypothesis", "unit", "layer", "minimum_units", "minimum_hours", "alpha", "traffic")


class ConfigChoice(forms.ModelChoiceField):
    """A config with the agent that it belongs to."""

    def label_from_instance(self, config: Any) -> str:
        return f"{config.agent.name}, config {config.number}"


class DraftForm(MetricFields):
    """What can be changed until an experiment starts."""

    name = forms.CharField(max_length=200)
    hypothesis = forms.CharField(
        required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What should get better, and why.",
    )  # fmt: skip
    unit = forms.ChoiceField(
        choices=[(one.value, f"{one.label}s") for one in Unit],
        help_text="What keeps one arm and counts as one outcome. Users, unless nobody notices a change.",
    )  # fmt: skip
    minimum_units = forms.IntegerField(
        min_value=2,
        max_value=MOST_UNITS,
        label="Minimum of units",
        help_text="Nobody wins before. Of all arms together.",
    )
    minimum_hours = forms.FloatField(
        min_value=0, max_value=MOST_HOURS, label="Minimum of hours", help_text="168 are a full week."
    )
    planned_units = forms.IntegerField(
        required=False, min_value=2, max_value=MOST_UNITS, label="Planned units",
        help_text="Intervals are narrowest at so many. Left empty: the minimum.",
    )  # fmt: skip
    alpha = forms.FloatField(
        min_value=0.0001, max_value=0.5, label="Significance", help_text="0.05: one false winner in twenty at most."
    )
    traffic = forms.FloatField(min_value=0.01, max_value=100, initial=100, label="Units that take part, percent")
    layer = forms.ModelChoiceField(
        Layer.objects.none(), required=False, empty_label="none: it alone decides for the agent",
        help_text="Experiments of one layer share the traffic, and nobody is in two.",
    )  # fmt: skip
    layer_percentage = forms.FloatField(
        required=False, min_value=0.01, max_value=100, label="Share of the layer, percent", help_text="Left empty: 100."
    )

    def __init__(self, *args: Any, metrics: Sequence[Mapping[str, Any]] = DEFAULT_METRICS, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rules = settings.LEARNING["experiments"]
        self.fields["minimum_units"].initial = getattr(settings, "EXPERIMENT_MIN_SAMPLES", 1000)
        self.fields["minimum_hours"].initial = rules["min_duration_hours"]
        self.fields["alpha"].initial = rules["significance_threshold"]
        layers: Any = self.fields["layer"]
        layers.queryset = Layer.objects.order_by("name")
        layers.label_from_instance = lambda layer: f"{layer.name} ({free_share(layer):g} % free)"
        self.offer_metrics(metrics)

    def values(self) -> dict[str, Any]:
        """For create_experiment and update_draft."""
        data = self.cleaned_data
        found = {name: data[name] for name in PLAIN}
        found["planned_units"] = self.planned()
        found["layer_percentage"] = data["layer_percentage"] or 100 if data["layer"] else 100
        return found | {"metrics": self.metrics()}

    def planned(self) -> int:
        given: int | None = self.cleaned_data.get("planned_units")
        return given or max(self.cleaned_data.get("minimum_units", 0), SMALLEST_PLAN)

    def design_for(self, agent: Agent, shares: Sequence[float]) -> Design | None:
        """What a plan of the form so far depends on; None while something that it depends on is missing or wrong."""
        data, metrics = self.cleaned_data, self.metrics()
        needed = ("unit", "alpha", "traffic", "minimum_units", "planned_units", "layer", "layer_percentage")
        if any(name not in data for name in needed) or not any(item["role"] == "success" for item in metrics):
            return None
        of_layer = data["layer_percentage"] or 100 if data["layer"] else 100
        taking = data["traffic"] / 100 * of_layer / 100
        return Design(agent, data["unit"], metrics, shares, taking, data["alpha"], self.planned())


class ExperimentForm(DraftForm):
    """A new experiment. One A/A asks for an agent, everything else for candidates of one agent."""

    kind = forms.ChoiceField(choices=KINDS, label="Kind")
    agent = forms.ModelChoiceField(
        Agent.objects.none(),
        help_text="One that serves a config. Another is listed once its page under Agents tells what it does today.",
        error_messages={
            "required": "Choose the agent whose traffic is dealt into two arms.",
            "invalid_choice": "Nothing serves this agent yet. Tell what it does today, on its page under Agents.",
        },
    )  # fmt: skip
    config = ConfigChoice(
        AgentConfig.objects.none(), label="Candidate", help_text="Approved, of an agent that serves another.",
        error_messages={"required": "Choose what is compared with what serves now."},
    )  # fmt: skip
    config_2 = ConfigChoice(AgentConfig.objects.none(), required=False, label="Second candidate")
    config_3 = ConfigChoice(AgentConfig.objects.none(), required=False, label="Third candidate")
    share = forms.FloatField(required=False, min_value=0.01, max_value=99.99, label="Share, percent")
    share_2 = forms.FloatField(required=False, min_value=0.01, max_value=99.99, label="Share, percent")
    share_3 = forms.FloatField(required=False, min_value=0.01, max_value=99.99, label="Share, percent")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        agents: Any = self.fields["agent"]
        agents.queryset = Agent.objects.filter(serving_config__isnull=False).order_by("name")
        alone = self["kind"].value() == ExperimentKind.AA
        self.fields["name"].required = not alone
        for name, asked in (("agent", alone), ("config", not alone)):
            self.fields[name].required = asked or not self.is_bound  # the one that is not asked for is not shown
        comparable = candidates().filter(agent__serving_config__isnull=False)
        self.listed = _listed(comparable, self["config"].value())
        for name in CANDIDATES:
            field: Any = self.fields[name]
            field.queryset = comparable
            labels = [(str(config.pk), field.label_from_instance(config)) for config in self.listed]
            field.widget.choices = [("", "---------"), *labels]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("kind") == ExperimentKind.AA:
            return data
        chosen = self.chosen()
        if len({config.agent_id for config, _ in chosen}) > 1:
            self.add_error("config_2", "All candidates belong to one agent.")
        if len({config.pk for config, _ in chosen}) < len(chosen):
            self.add_error("config_2", "Each candidate is another config.")
        given = [share for _, share in chosen if share is not None]
        if given and len(given) < len(chosen):
            self.add_error("share", "Give a share to every candidate, or to none: then all arms get equal parts.")
        if sum(given) >= 100:
            self.add_error("share", "Leave a part for control: together the candidates get less than 100 %.")
        return data

    def chosen(self) -> list[tuple[AgentConfig, float | None]]:
        """Candidates with their shares in percent, as far as they are given."""
        data = self.cleaned_data
        rows = ((data.get(name), data.get(share)) for name, share in zip(CANDIDATES, SHARES, strict=True))
        return [(config, share) for config, share in rows if config is not None]

    def called(self) -> str:
        """Its name; an A/A may go without one."""
        agent = self.of_agent()
        return self.cleaned_data["name"] or f"A/A of {agent.name if agent else ''}"[:200]

    def of_agent(self) -> Agent | None:
        """Whose traffic it is."""
        if self.cleaned_data.get("kind") == ExperimentKind.AA:
            return self.cleaned_data.get("agent")
        return next((config.agent for config, _ in self.chosen()), None)

    def arms(self) -> list[ArmPlan]:
        """Control, which is what serves now and gets what is left, and the candidates."""
        agent = self.of_agent()
        if agent is None or agent.serving_config is None:
            return []
        if self.cleaned_data["kind"] == ExperimentKind.AA:
            return same_twice(agent=agent)
        chosen = self.chosen()
        equal = BUCKETS // (len(chosen) + 1) * 100 / BUCKETS
        shares = [equal if share is None else share for _, share in chosen]
        control = ArmPlan(CONTROL, agent.serving_config, round(100 - sum(shares), 6), is_control=True)
        keys = [TREATMENT] if len(chosen) == 1 else [f"config-{config.number}" for config, _ in chosen]
        named = zip(keys, chosen, shares, strict=True)
        return [control, *(ArmPlan(key, config, share) for key, (config, _), share in named)]

    def design(self) -> Design | None:
        """See `design_for`."""
        arms = self.arms()
        if len(arms) < 2 or arms[0].percentage <= 0:
            return None
        return self.design_for(arms[0].config.agent, [arm.percentage / 100 for arm in arms])


def _listed(rows: QuerySet[AgentConfig], asked: Any) -> list[AgentConfig]:
    """The newest, and the one that is asked for."""
    listed = list(rows[:MOST_LISTED])
    key = as_uuid(str(asked or ""))
    missing = key is not None and key not in {row.pk for row in listed}
    return [*listed, *rows.filter(pk__in=[key])] if missing else listed


def initial_of(experiment: Experiment) -> dict[str, Any]:
    """What a draft's form shows first."""
    plain = {name: getattr(experiment, name) for name in PLAIN if name != "traffic"}
    return plain | {
        "traffic": experiment.share,
        "minimum_hours": f"{experiment.minimum_hours:g}",
        "planned_units": experiment.planned_units,
        "layer_percentage": experiment.layer_share if experiment.layer_id else None,
    }


def candidates() -> QuerySet[AgentConfig]:
    """Approved configs that do not serve their agent now, newest first."""
    rows = AgentConfig.objects.filter(status=ConfigStatus.APPROVED).exclude(pk=F("agent__serving_config"))
    return (
        rows.select_related("agent__serving_config").defer("content", "agent__serving_config__content").order_by("-id")
    )
