"""Small forms of experiments and deployments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from experiments.models import MetricShape, Variant
from experiments.pages.experiment_form import ConfigChoice, candidates
from learning.models import AgentConfig

LARGEST = 1e15


class DeploymentForm(forms.Form):
    """Put an approved config before users without an experiment."""

    config = ConfigChoice(queryset=AgentConfig.objects.none(), help_text="Approved configs that do not serve now.")
    share = forms.FloatField(min_value=0.01, max_value=100, initial=100, label="Share of users, percent")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["config"].queryset = candidates()  # type: ignore[attr-defined]


class TesterForm(forms.Form):
    """Who gets which arm by hand."""

    unit = forms.CharField(max_length=200, label="Identifier")
    variant = forms.ChoiceField(label="Arm")
    note = forms.CharField(max_length=200, required=False)

    def __init__(self, *args: Any, arms: Sequence[Variant], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["variant"].choices = [(arm.key, arm.key) for arm in arms]  # type: ignore[attr-defined]
        treatment = next((arm.key for arm in arms if not arm.is_control), None)
        self.fields["variant"].initial = treatment


class LayerForm(forms.Form):
    """A layer's name, and the share of the units that its experiments leave out."""

    name = forms.CharField(max_length=200)
    holdout = forms.FloatField(
        min_value=0, max_value=99.99, initial=0, label="Holdout, percent",
        help_text="In no experiment of the layer: always what serves everybody. In steps of 0.01.",
    )  # fmt: skip


class MetricForm(forms.Form):
    """A metric that the application reports itself."""

    name = forms.CharField(
        max_length=50, label="Name", help_text="As outcomes name it: small letters, digits, underscores."
    )
    label = forms.CharField(max_length=100, label="Shown as")
    description = forms.CharField(required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    shape = forms.ChoiceField(
        choices=MetricShape.choices, label="What counts", help_text="Of each user, session or execution."
    )
    higher_is_better = forms.BooleanField(required=False, initial=True, label="Higher is better")
    unit = forms.CharField(required=False, max_length=20, help_text="Such as minutes or EUR.")
    maturity_hours = forms.FloatField(
        required=False, min_value=0, max_value=8760, label="Hours until it counts",
        help_text="After the exposure, so that everybody is watched for the same time. Left empty: at once.",
    )  # fmt: skip
    low = forms.FloatField(
        required=False, min_value=-LARGEST, max_value=LARGEST, label="Lower limit", help_text="Below counts as this."
    )
    high = forms.FloatField(
        required=False, min_value=-LARGEST, max_value=LARGEST, label="Upper limit", help_text="Above counts as this."
    )

    def values(self) -> dict[str, Any]:
        """For the services, which take nothing for what is left out."""
        data = self.cleaned_data
        return data | {"maturity_hours": data["maturity_hours"] or 0}


class MetricChangeForm(MetricForm):
    """Outcomes are reported by its name and shape, which stay."""

    name = None  # type: ignore[assignment]  # Django's way of leaving a field out
    shape = None  # type: ignore[assignment]
