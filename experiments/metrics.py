"""What an experiment can compare: metrics from executions and feedback, and those that an application reports itself.

One outcome a unit. An entry of `Experiment.metrics` is {"name", "role", "margin"} and, where they differ from the
catalogue's, "maturity_hours", "winsorise": [low or None, high or None] and "exact": true, which asks for bounds of a
rate that are exact at any number of units; a metric of the application carries its whole definition
("definition": {...}) as it was when the experiment was made.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from experiments.stats.terms import Metric, Role


class Shape(enum.StrEnum):
    """What the outcome of a unit is made of: whether it happened, how often, its mean, or a sum over a sum."""

    BINARY = "binary"
    COUNT = "count"
    CONTINUOUS = "continuous"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric. `few_values` says that outcomes repeat, so that rare ones delay inference.

    `maturity_hours`: a unit counts so long after its exposure, with what came until then; 0: at once, with whatever
    comes. `low` and `high`: outcomes beyond count as these. `past`: what the unit did before the experiment sharpens
    the comparison. In `description` {unit} stands for what an experiment assigns.
    """

    label: str
    description: str
    higher_is_better: bool = True
    percent: bool = True
    unit: str = ""
    rate: bool = False
    few_values: bool = True
    shape: Shape = Shape.CONTINUOUS
    maturity_hours: float = 0
    low: float | None = None
    high: float | None = None
    past: bool = True
    custom: bool = False

    def described(self, unit: str = "user") -> str:
        """The description in words of what an experiment assigns: a user, a session, an execution."""
        return self.description.replace("{unit}", unit)


CATALOGUE: dict[str, Definition] = {
    "net_satisfaction": Definition(
        "net satisfaction",
        "Thumbs up or 4-5 stars count +1, thumbs down or 1-2 stars -1, no rating 0. Defined for every exposed {unit}.",
    ),
    "satisfaction": Definition(
        "satisfaction",
        "Share of the ratings that are a thumbs up or 4-5 stars; {unit}s without a rating are left out.",
        rate=True,
    ),
    "rating": Definition(
        "mean rating", "Mean of the ratings of a {unit} in stars, 1 to 5; {unit}s without stars are left out.",
        percent=False, unit="stars", few_values=False,
    ),
    "accuracy": Definition(
        "accuracy",
        'The application\'s score (metadata {"score": {"accuracy": 0 to 1}}), else the accuracy rating of feedback.',
        rate=True,
    ),
    "correction_rate": Definition(
        "correction rate", "Share of the executions of a {unit} that were corrected.", higher_is_better=False, rate=True
    ),
    "report_rate": Definition(
        "report rate", "Share of the executions of a {unit} that an issue was reported of.",
        higher_is_better=False, rate=True,
    ),
    "error_rate": Definition(
        "error rate", "Share of the executions of a {unit} that failed.", higher_is_better=False, rate=True
    ),
    "latency": Definition(
        "latency", "Mean duration of the executions of a {unit}.", higher_is_better=False, percent=False, unit="ms",
        few_values=False,
    ),
    "tokens": Definition(
        "tokens", "Mean tokens of the executions of a {unit}, input and output together.", higher_is_better=False,
        percent=False, unit="tokens", few_values=False,
    ),
    "cost": Definition(
        "cost", "Mean cost of the executions of a {unit}, in the currency that the application reports.",
        higher_is_better=False, percent=False, few_values=False,
    ),
}  # fmt: skip

DEFAULT_METRICS: list[dict[str, Any]] = [
    {"name": "net_satisfaction", "role": Role.SUCCESS.value, "margin": 0},
    {"name": "error_rate", "role": Role.GUARDRAIL.value, "margin": 0.05},
]
STORED = {field.name for field in fields(Definition)} - {"custom"}


def definition_of(name: str) -> Definition:
    """What is told of a metric, also of one that results were stored for and the catalogue has no more."""
    gone = "This metric is not measured any more."
    return CATALOGUE.get(name) or Definition(name.replace("_", " "), gone, percent=False)


def definition_among(items: Any, name: str) -> Definition:
    """What is told of a metric of an experiment with these metrics, which may be the application's own."""
    for item in items if isinstance(items, list) else []:
        if isinstance(item, Mapping) and item.get("name") == name and isinstance(item.get("definition"), Mapping):
            return definition_for(item)
    return definition_of(name)


def definition_for(item: Mapping[str, Any]) -> Definition:
    """What an experiment measures by one entry of its metrics."""
    given = item.get("definition")
    if isinstance(given, Mapping):
        known = {key: value for key, value in given.items() if key in STORED}
        found = Definition(**known | {"shape": Shape(given["shape"]), "custom": True, "past": False})
    else:
        found = definition_of(item["name"])
    low, high = item.get("winsorise") or (None, None)
    return replace(
        found,
        maturity_hours=float(item.get("maturity_hours") or found.maturity_hours),
        low=found.low if low is None else low,
        high=found.high if high is None else high,
    )


def metric_of(item: Mapping[str, Any]) -> Metric:
    """What the statistics need to know of one entry of `Experiment.metrics`."""
    definition = definition_for(item)
    return Metric(
        name=definition.label,
        role=Role(item["role"]),
        higher_is_better=definition.higher_is_better,
        margin=float(item.get("margin", 0)),
        percent=definition.percent,
        unit=definition.unit,
        rate=definition.rate,
        exact=bool(item.get("exact")),
    )
