"""Numbers of an experiment as people read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.metrics import Definition, definition_among
from experiments.models import Experiment, MetricResult
from experiments.services.results import Look
from experiments.stats.terms import Role

CERTAIN = 0.0001


@dataclass(frozen=True)
class Moment:
    """One look on the chart, in the chart's unit."""

    label: str
    estimate: float | None
    low: float | None
    high: float | None
    at: float  # users with an outcome


@dataclass(frozen=True)
class MetricFigures:
    """One metric of one treatment, in words."""

    title: str
    description: str
    role: str
    margin: str
    variant: str
    control_n: int
    control: str
    treatment_n: int
    treatment: str
    lift: str
    interval: str
    exact: bool  # too rare for the sequence: these are the exact bounds that judge a guardrail
    p: str
    tone: str  # good, bad or "": whether the sequence lies on one side of zero, and on which
    waiting: str  # why there is no interval yet
    unit: str
    moments: Sequence[Moment]


def figures_of(row: MetricResult, looks: Sequence[Look], *, experiment: Experiment) -> MetricFigures:
    """What the page shows of one stored result and the looks before it."""
    definition = definition_among(experiment.metrics, row.metric)
    low, high = _bounds(row, definition, experiment.alpha)
    return MetricFigures(
        title=definition.label,
        description=definition.described(experiment.unit),
        role=row.get_role_display().lower(),
        margin=amount(definition, row.margin) if row.role == Role.GUARDRAIL else "",
        variant=row.variant.key,
        control_n=row.control_n,
        control=value(definition, row.control_mean),
        treatment_n=row.treatment_n,
        treatment=value(definition, row.treatment_mean),
        lift=signed(definition, row.lift),
        interval="" if low is None else f"{signed(definition, low)} to {signed(definition, high)}",
        exact=low is not None and row.low is None,
        p="below 0.0001" if row.p < CERTAIN else f"{row.p:.4f}",
        tone=_tone(row, definition),
        waiting=_waiting(row),
        unit="points" if definition.percent else definition.unit,
        moments=[_moment(definition, look) for look in looks],
    )


def value(definition: Definition, number: float | None) -> str:
    """A mean: a percentage, or a number with its unit; a dash when there is none."""
    if number is None:
        return "-"
    return f"{number * 100:.1f} %" if definition.percent else f"{number:,.0f} {definition.unit}"


def amount(definition: Definition, number: float | None) -> str:
    """A difference: percentage points, or a number with its unit."""
    if number is None:
        return "-"
    if definition.percent:
        return f"{round(number * 100, 1) or 0.0:.1f} points"  # never "-0.0"
    return f"{round(number) or 0:,} {definition.unit}"


def signed(definition: Definition, number: float | None) -> str:
    """A difference with its sign."""
    return amount(definition, number) if number is None or number < 0 else f"+{amount(definition, number)}"


def plan_of(experiment: Experiment) -> list[tuple[str, str, str]]:
    """Label, role and margin of each metric that was chosen."""
    rows = []
    for item in experiment.metrics:
        definition = definition_among(experiment.metrics, item["name"])
        margin = amount(definition, item["margin"]) if item["role"] == Role.GUARDRAIL else "-"
        rows.append((definition.label, item["role"], margin))
    return rows


@dataclass(frozen=True)
class Planned:
    """What a plan can see. costs: a difference, users for one look at the end, users when looking all the time, and the
    days that takes. labels, power: the chance in percent that the difference has been shown by so many users."""

    costs: list[tuple[str, str, str, str]]
    daily: str
    lift: str
    labels: list[str]
    power: list[float]


def planned_of(experiment: Experiment, daily: float, lifts: Sequence[float] = (0.03, 0.05, 0.1)) -> Planned:
    """At most, since a rate of 50 % spreads most; `daily`: the agent's users a day."""
    from experiments.stats.planning import (  # numpy and scipy: see docs/decisions/0011
        units_for_proportions,
        units_when_peeking,
    )
    from experiments.stats.power import power_curve

    costs, taking = [], daily * experiment.share / 100
    for lift in lifts:
        fixed = units_for_proportions(0.5, lift, alpha=experiment.alpha)
        peeking = units_when_peeking(fixed, alpha=experiment.alpha)
        days = f"{math.ceil(peeking / taking):,}" if taking else "-"
        costs.append((f"{lift * 100:.0f} points", f"{fixed:,}", f"{peeking:,}", days))
    lift, planned = lifts[1], experiment.planned_units
    # The standard error of a difference of two halves with a rate of 50 % is one over the root of all units.
    curve = power_curve(lift * math.sqrt(planned), alpha=experiment.alpha, until=2.0)
    places = range(9, len(curve.share), 10)
    labels = [f"{round(float(curve.share[place]) * planned):,}" for place in places]
    power = [round(100 * float(curve.power[place]), 1) for place in places]
    return Planned(costs, f"{daily:,.0f}", f"{lift * 100:.0f} points", labels, power)


def progress_of(experiment: Experiment, units: int, hours: float) -> list[tuple[str, str, str]]:
    """Label, value and note of the numbers on top of the page."""
    return [
        ("Users", f"{units:,}", f"minimum {experiment.minimum_units:,}, planned {experiment.planned_units:,}"),
        ("Hours of running", f"{hours:,.1f}", f"minimum {experiment.minimum_hours:g}"),
        ("Traffic", f"{experiment.share:g} %", "of the agent's users take part"),
    ]


def quality_figures(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, bool]]:
    """Label, units of each arm, their share of the exposed, and whether the arms lack their promised shares."""
    labels = {"matured": "Users watched long enough", "rated": "Users who rated"}
    exposed: Mapping[str, int] = next((one["units"] for one in found if one["of"] == "exposed"), {})
    rows = []
    for one in found:
        if one["of"] not in labels:
            continue
        counts = ", ".join(f"{key} {number:,}" for key, number in one["units"].items())
        rates = [
            f"{key} {100 * number / exposed[key]:.1f} %" for key, number in one["units"].items() if exposed.get(key)
        ]
        rows.append((labels[one["of"]], counts, ", ".join(rates), bool(one["alarm"])))
    return rows


def _tone(row: MetricResult, definition: Definition) -> str:
    if row.low is None or row.high is None or row.low <= 0 <= row.high:
        return ""
    return "good" if (row.low > 0) == definition.higher_is_better else "bad"


def _bounds(row: MetricResult, definition: Definition, alpha: float) -> tuple[float | None, float | None]:
    if row.low is not None or row.role != Role.GUARDRAIL or not definition.rate:
        return row.low, row.high
    if row.control_mean is None or row.treatment_mean is None:
        return None, None
    from experiments.stats.exact import difference_bounds  # numpy and scipy: see docs/decisions/0011
    from experiments.stats.moments import SampleMoments

    control = SampleMoments(row.control_n, row.control_mean, row.control_m2)
    treatment = SampleMoments(row.treatment_n, row.treatment_mean, row.treatment_m2)
    bounds = difference_bounds(control, treatment, alpha=alpha)
    return bounds.low, bounds.high


def _waiting(row: MetricResult) -> str:
    if not row.short:
        return ""
    return f"An arm needs at least {row.short} more users with a telling outcome."


def _moment(definition: Definition, look: Look) -> Moment:
    factor = 100 if definition.percent else 1
    lift, low, high = (None if number is None else number * factor for number in (look.lift, look.low, look.high))
    return Moment(f"{look.units:,}", lift, low, high, look.units)
