"""The part of an experiment's form that says what is measured: one row for each metric there is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField

from experiments.metrics import CATALOGUE, DEFAULT_METRICS, Definition, Shape, definition_for
from experiments.models import CustomMetric
from experiments.stats.terms import Role

MOST = 20  # metrics of one experiment
MOST_OWN = 50  # of the application's own that are offered
LARGEST = 1e15
ROLES = [("", "not measured"), (Role.SUCCESS.value, "must get better"), (Role.GUARDRAIL.value, "must not get worse")]
PARTS = ("role", "margin", "hours", "low", "high", "tail", "exact")
FINE = PARTS[2:]  # what is folded until somebody needs it
TAILED = {"latency", "tokens", "cost"}
# The part of a form that a service means by what it names.
MEANT = {"margin": "margin", "winsorise": "low", "winsorise_share": "tail", "exact": "exact"}
USUAL_MARGIN = 5  # percentage points
NO_MARGIN = "Say by how much it may get worse. 0 asks for proof that it does not get worse at all."


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A metric with its fields; `unit` is that of its margin and limits. limits: lowest, highest and the tail to cut,
    for what has no bounds; exact: for a rate."""

    name: str
    label: str
    description: str
    unit: str
    own: bool
    role: BoundField
    margin: BoundField
    hours: BoundField
    limits: tuple[BoundField, ...]
    exact: BoundField | None


class MetricFields(forms.Form):
    """Margins of shares are typed in percentage points, all else in the metric's unit."""

    def offer_metrics(self, chosen: Sequence[Mapping[str, Any]] = DEFAULT_METRICS) -> None:
        """Make the fields, filled in as `chosen`, which are entries of `Experiment.metrics`."""
        self.own = {metric.name: metric.definition() for metric in CustomMetric.objects.order_by("name")[:MOST_OWN]}
        told = {name: definition_for({"name": name, "definition": own}) for name, own in self.own.items()}
        self.definitions = CATALOGUE | told
        items = {item["name"]: item for item in chosen}
        for name, definition in self.definitions.items():
            for part, field in _fields(name, definition, items.get(name, {})).items():
                field.widget.attrs["aria-label"] = f"{field.label} of {definition.label}"
                self.fields[f"{name}-{part}"] = field

    def metric_rows(self) -> Iterator[MetricRow]:
        for name, definition in self.definitions.items():
            parts = {part: self[f"{name}-{part}"] for part in PARTS if f"{name}-{part}" in self.fields}
            yield MetricRow(
                name=name,
                label=definition.label,
                description=definition.described(),
                unit="points" if definition.percent else definition.unit,
                own=definition.custom,
                role=parts["role"],
                margin=parts["margin"],
                hours=parts["hours"],
                limits=tuple(parts[part] for part in ("low", "high", "tail") if part in parts),
                exact=parts.get("exact"),
            )

    def refined(self) -> bool:
        """Whether something is typed, or wrong, in the part of the form that is folded otherwise."""
        fine = [self[name] for name in self.fields if name.partition("-")[2] in FINE]
        return any(field.value() not in (None, "", False) or field.errors for field in fine)

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
        if data.get(f"{name}-tail") and (low is not None or high is not None):
            self.add_error(f"{name}-tail", "Give either limits, or the part to cut.")

    def refuse(self, message: str, field: str | None) -> None:
        """Put what a service refused beside the field that it names."""
        found = re.fullmatch(r"metrics\.(\d+)\.(\w+)", field or "")
        if found and int(found[1]) < len(self.metrics()):
            field = f"{self.metrics()[int(found[1])]['name']}-{MEANT.get(found[2], 'role')}"
        self.add_error(field if field in self.fields else None, message)

    def _item(self, name: str) -> dict[str, Any]:
        role, margin, hours, low, high, tail, exact = (self.cleaned_data.get(f"{name}-{part}") for part in PARTS)
        item: dict[str, Any] = {"name": name, "role": role}
        if role == Role.GUARDRAIL.value:
            item["margin"] = round((margin or 0) / _scale(self.definitions[name]), 12)
        if hours:
            item["maturity_hours"] = hours
        if low is not None or high is not None:
            item["winsorise"] = [low, high]
        if tail:
            item["winsorise_share"] = round(tail / 100, 12)
        if exact:
            item["exact"] = True
        return item | ({"definition": self.own[name]} if name in self.own else {})


def _fields(name: str, definition: Definition, item: Mapping[str, Any]) -> dict[str, forms.Field]:
    low, high = item.get("winsorise") or (None, None)
    margin = USUAL_MARGIN if definition.percent else None
    if item.get("role") == Role.GUARDRAIL.value:
        margin = round(item.get("margin", 0) * _scale(definition), 10)
    found: dict[str, forms.Field] = {
        "role": forms.ChoiceField(choices=ROLES, required=False, initial=item.get("role", ""), label="Role"),
        "margin": _number("How much worse", margin, 0, most=1e9),
        "hours": _number("Hours until it counts", item.get("maturity_hours"), 0, most=8760),
    }
    if not definition.percent:
        found["low"] = _number("Lower limit", low, -LARGEST)
        found["high"] = _number("Upper limit", high, -LARGEST)
    if _has_tail(name, definition):
        found["tail"] = _number("Highest percent to cut", None, 0.01, most=49.99)
    if definition.rate:
        found["exact"] = forms.BooleanField(required=False, initial=bool(item.get("exact")), label="Exact bounds")
    return found


def _has_tail(name: str, definition: Definition) -> bool:
    return definition.shape in (Shape.COUNT, Shape.CONTINUOUS) if definition.custom else name in TAILED


def _number(label: str, initial: float | None, least: float, most: float = LARGEST) -> forms.FloatField:
    shown = None if initial is None else f"{initial:.12g}"
    widget = forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"})
    return forms.FloatField(required=False, min_value=least, max_value=most, initial=shown, label=label, widget=widget)


def _scale(definition: Definition) -> float:
    return 100 if definition.percent else 1
