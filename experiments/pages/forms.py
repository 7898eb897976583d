"""Forms of experiments and deployments."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.db.models import F, QuerySet

from experiments.metrics import CATALOGUE
from learning.models import AgentConfig, ConfigStatus

MOST_UNITS = 100_000_000
MOST_HOURS = 100_000
METRICS = [(name, definition.label) for name, definition in CATALOGUE.items()]


class ConfigChoice(forms.ModelChoiceField):
    """A config with the agent that it belongs to."""

    def label_from_instance(self, config: Any) -> str:
        return f"{config.agent.name}, config {config.number}"


class ExperimentForm(forms.Form):
    """A candidate against what serves now, half of the users each."""

    config = ConfigChoice(
        queryset=AgentConfig.objects.none(),
        label="Candidate",
        help_text="Approved, of an agent that serves another.",
    )
    name = forms.CharField(max_length=200)
    hypothesis = forms.CharField(
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What should get better, and why.",
    )
    success = forms.ChoiceField(choices=METRICS, label="Must get better", initial="net_satisfaction")
    guardrail = forms.ChoiceField(
        choices=[("", "none"), *METRICS], required=False, label="Must not get worse", initial="error_rate"
    )
    margin = forms.FloatField(
        min_value=0,
        max_value=1e9,
        initial=0.05,
        help_text="How much worse the guardrail may get. 0.05 is five percentage points; for latency, milliseconds.",
    )
    traffic = forms.FloatField(min_value=0.01, max_value=100, initial=100, label="Users that take part, percent")
    minimum_units = forms.IntegerField(
        min_value=2, max_value=MOST_UNITS, label="Minimum of users", help_text="No winner before."
    )
    minimum_hours = forms.FloatField(
        min_value=0, max_value=MOST_HOURS, label="Minimum of hours", help_text="168 hours are a full week."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        comparable = candidates().filter(agent__serving_config__isnull=False)
        self.fields["config"].queryset = comparable  # type: ignore[attr-defined]
        self.fields["minimum_units"].initial = getattr(settings, "EXPERIMENT_MIN_SAMPLES", 1000)
        self.fields["minimum_hours"].initial = settings.LEARNING["experiments"]["min_duration_hours"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("guardrail") and data.get("guardrail") == data.get("success"):
            self.add_error("guardrail", "Choose another metric than the one that must get better.")
        return data

    def metrics(self) -> list[dict[str, Any]]:
        chosen: list[dict[str, Any]] = [{"name": self.cleaned_data["success"], "role": "success"}]
        if self.cleaned_data["guardrail"]:
            guardrail, margin = self.cleaned_data["guardrail"], self.cleaned_data["margin"]
            chosen.append({"name": guardrail, "role": "guardrail", "margin": margin})
        return chosen


class DeploymentForm(forms.Form):
    """Put an approved config before users without an experiment."""

    config = ConfigChoice(queryset=AgentConfig.objects.none(), help_text="Approved configs that do not serve now.")
    share = forms.FloatField(min_value=0.01, max_value=100, initial=100, label="Share of users, percent")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["config"].queryset = candidates()  # type: ignore[attr-defined]


def candidates() -> QuerySet[AgentConfig]:
    """Approved configs that do not serve their agent now, newest first."""
    rows = AgentConfig.objects.filter(status=ConfigStatus.APPROVED).exclude(pk=F("agent__serving_config"))
    return rows.select_related("agent").order_by("-id")
