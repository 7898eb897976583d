"""The part of an experiment's form that says what is measured: one row for each metric there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField

from experiments.metrics import CATALOGUE, DEFAULT_METRICS, Definition, definition_for
from experiments.models import CustomMetric
from experiments.stats.terms import Role

MOST = 20  # metrics of one experiment
MOST_OWN = 50  # of the application's own that are offered
LARGEST = 1e15
ROLES = [("", "not measured"), (Role.SUCCESS.value, "must get better"), (Role.GUARDRAIL.value, "must not get worse")]
PARTS = ("role", "margin", "hours", "low", "high")
USUAL_MARGIN = 5  # percentage points
NO_MARGIN = "Say by how much it may get worse. 0 asks for proof that it does not get worse at all."


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A metric with its fields; `unit` is that of its margin, low and high. No limits for what lies in known bounds."""

    name: str
    label: str
    description: str
    unit: str
    own: bool
    role: BoundField
    margin: BoundField
    hours: BoundField
    limits: tuple[BoundField, ...]


class MetricFields(forms.Form):
    """Margins of shares are typed in percentage points, all else in the metric's unit."""

    def offer_metrics(self, chosen: Sequence[Mapping[str, Any]] = DEFAULT_METRICS) -> None:
        """Make the fields, filled in as `chosen`, which are entries of `Experiment.metrics`."""
        self.definitions = _definitions()
        items = {item["name"]: item for item in chosen}
        for name, definition in self.definitions.items():
            for part, field in _fields(definition, items.get(name, {})).items():
                field.widget.attrs["aria-label"] = f"{field.label} of {definition.label}"
                self.fields[f"{name}-{part}"] = field

    def metric_rows(self) -> Iterator[MetricRow]:
        for name, definition in self.definitions.items():
            role, margin, hours = (self[f"{name}-{part}"] for part in ("role", "margin", "hours"))
            limits = tuple(self[f"{name}-{part}"] for part in ("low", "high") if f"{name}-{part}" in self.fields)
            unit = "points" if definition.percent else definition.unit
            told = definition.described()
            yield MetricRow(name, definition.label, told, unit, definition.custom, role, margin, hours, limits)

    def refined(self) -> bool:
        """Whether something is typed, or wrong, in the part of the form that is folded otherwise."""
        return any(
            field.value() not in (None, "") or field.errors
            for row in self.metric_rows()
            for field in (row.hours, *row.limits)
        )

    def clean(self) -> dict[str, Any]:
        """What was typed for a metric that is not measured is not looked at."""
        data = super().clean() or {}
        for name in self.definitions:
            if data.get(f"{name}-role"):
                self._check(name, data)
            else:
                for part in PARTS:
                    self.errors.pop(f"{name}-{part}", None)
        roles = [data.get(f"{name}-role") for name in self.definitions]
        if Role.SUCCESS.value not in roles:
            self.add_error(None, "Choose at least one metric that must get better.")
        if sum(map(bool, roles)) > MOST:
            self.add_error(None, f"At most {MOST} metrics can be measured.")
        return data

    def metrics(self) -> list[dict[str, Any]]:
        """Entries of `Experiment.metrics`, those for success first. Good as far as the form is."""
        found = [self._item(name) for name in self.definitions if self.cleaned_data.get(f"{name}-role")]
        return sorted(found, key=lambda item: item["role"] != Role.SUCCESS.value)

    def _check(self, name: str, data: Mapping[str, Any]) -> None:
        margin, low, high = (data.get(f"{name}-{part}") for part in ("margin", "low", "high"))
        guardrail = data[f"{name}-role"] == Role.GUARDRAIL.value
        if guardrail and margin is None and f"{name}-margin" not in self.errors:
            self.add_error(f"{name}-margin", NO_MARGIN)
        if low is not None and high is not None and low >= high:
            self.add_error(f"{name}-low", "The lower limit lies below the upper one.")

    def _item(self, name: str) -> dict[str, Any]:
        role, margin, hours, low, high = (self.cleaned_data.get(f"{name}-{part}") for part in PARTS)
        item: dict[str, Any] = {"name": name, "role": role}
        if role == Role.GUARDRAIL.value:
            item["margin"] = round((margin or 0) / _scale(self.definitions[name]), 12)
        if hours:
            item["maturity_hours"] = hours
        if low is not None or high is not None:
            item["winsorise"] = [low, high]
        return item


def _definitions() -> dict[str, Definition]:
    own = CustomMetric.objects.order_by("name")[:MOST_OWN]
    return CATALOGUE | {
        metric.name: definition_for({"name": metric.name, "definition": metric.definition()}) for metric in own
    }


def _fields(definition: Definition, item: Mapping[str, Any]) -> dict[str, forms.Field]:
    low, high = item.get("winsorise") or (None, None)
    margin = USUAL_MARGIN if definition.percent else None
    if item.get("role") == Role.GUARDRAIL.value:
        margin = round(item.get("margin", 0) * _scale(definition), 10)
    limits = {"low": _number("Lower limit", low, -LARGEST), "high": _number("Upper limit", high, -LARGEST)}
    return {
        "role": forms.ChoiceField(choices=ROLES, required=False, initial=item.get("role", ""), label="Role"),
        "margin": _number("How much worse", margin, 0, most=1e9),
        "hours": _number("Hours until it counts", item.get("maturity_hours"), 0, most=8760),
        **({} if definition.percent else limits),
    }


def _number(label: str, initial: float | None, least: float, most: float = LARGEST) -> forms.FloatField:
    shown = None if initial is None else f"{initial:.12g}"
    widget = forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"})
    return forms.FloatField(required=False, min_value=least, max_value=most, initial=shown, label=label, widget=widget)


def _scale(definition: Definition) -> float:
    return 100 if definition.percent else 1
