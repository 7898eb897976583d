"""What an experiment can compare. Every metric comes from executions and feedback; one outcome a user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.stats.terms import Metric, Role


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric of the catalogue. `few_values` says that outcomes repeat, so that rare ones delay inference."""

    label: str
    description: str
    higher_is_better: bool = True
    percent: bool = True
    unit: str = ""
    rate: bool = False
    few_values: bool = True


CATALOGUE: dict[str, Definition] = {
    "net_satisfaction": Definition(
        "net satisfaction",
        "Thumbs up or 4-5 stars count +1, thumbs down or 1-2 stars -1, no rating 0. Defined for every exposed user.",
    ),
    "satisfaction": Definition(
        "satisfaction", "Share of the ratings that are a thumbs up or 4-5 stars; users without a rating are left out.",
        rate=True,
    ),
    "accuracy": Definition(
        "accuracy",
        'The application\'s score (metadata {"score": {"accuracy": 0 to 1}}), else the accuracy rating of feedback.',
        rate=True,
    ),
    "correction_rate": Definition(
        "correction rate", "Share of a user's executions that were corrected.", higher_is_better=False, rate=True
    ),
    "error_rate": Definition(
        "error rate", "Share of a user's executions that failed.", higher_is_better=False, rate=True
    ),
    "latency": Definition(
        "latency", "Mean duration of a user's executions.", higher_is_better=False, percent=False, unit="ms",
        few_values=False,
    ),
}  # fmt: skip

DEFAULT_METRICS: list[dict[str, Any]] = [
    {"name": "net_satisfaction", "role": Role.SUCCESS.value, "margin": 0},
    {"name": "error_rate", "role": Role.GUARDRAIL.value, "margin": 0.05},
]


def metric_of(item: Mapping[str, Any]) -> Metric:
    """What the statistics need to know of one entry of `Experiment.metrics`."""
    definition = CATALOGUE[item["name"]]
    return Metric(
        name=definition.label,
        role=Role(item["role"]),
        higher_is_better=definition.higher_is_better,
        margin=float(item.get("margin", 0)),
        percent=definition.percent,
        unit=definition.unit,
        rate=definition.rate,
    )
