"""Numbers of an experiment as people read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.metrics import Definition, definition_among, metric_of
from experiments.models import Experiment, ExperimentKind, MetricResult
from experiments.pages.amounts import amount, part, signed, span, value
from experiments.services.results import Look
from experiments.stats.terms import Role

if TYPE_CHECKING:
    from experiments.stats.moments import SampleMoments
    from experiments.stats.reading import Reading

CERTAIN = 0.0001
TOLD = {"good": "better", "bad": "worse", "": "no difference shown"}


@dataclass(frozen=True)
class Moment:
    """One look on the chart, in the chart's unit."""

    label: str
    estimate: float | None
    low: float | None
    high: float | None
    at: float  # units with an outcome


@dataclass(frozen=True)
class MetricFigures:
    """One metric of one treatment, in words."""

    anchor: str
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
    relative: str  # as a share of control's mean
    interval: str
    relative_interval: str
    exact: bool  # too rare for the sequence: these are the exact bounds that judge a guardrail
    p: str
    tone: str  # good, bad or "": whether the sequence lies on one side of zero, and on which
    state: str  # where it stands, in a few words
    state_tone: str  # good, bad, warn or ""
    waiting: str  # why there is no interval yet
    unit: str
    moments: Sequence[Moment]
    limit: float | None  # of a guardrail: the lift that is still accepted, in the chart's unit


def figures_of(row: MetricResult, looks: Sequence[Look], *, experiment: Experiment, compared: int = 1) -> MetricFigures:
    """What the page shows of one stored result and the looks before it; `compared` results has the look together."""
    definition = definition_among(experiment.metrics, row.metric)
    low, high = _bounds(row, definition, experiment.alpha)
    state, state_tone = state_of(row, experiment, compared)
    guardrail = row.role == Role.GUARDRAIL
    return MetricFigures(
        anchor=f"{row.variant.key}-{row.metric}",
        title=definition.label,
        description=definition.described(experiment.unit),
        role=row.get_role_display().lower(),
        margin=amount(definition, row.margin) if guardrail else "",
        variant=row.variant.key,
        control_n=row.control_n,
        control=value(definition, row.control_mean),
        treatment_n=row.treatment_n,
        treatment=value(definition, row.treatment_mean),
        lift=signed(definition, row.lift),
        relative="" if row.relative_lift is None else part(row.relative_lift),
        interval="" if low is None else span(definition, low, high),
        relative_interval=_relative_interval(row),
        exact=low is not None and (row.low is None or _asked_exact(row, experiment)),
        p=p_words(row.p),
        tone=_tone(row, definition),
        state=state,
        state_tone=state_tone,
        waiting=_waiting(row, experiment.unit),
        unit="points" if definition.percent else definition.unit,
        moments=[_moment(definition, look) for look in looks],
        limit=_limit(row, definition) if guardrail else None,
    )


def state_of(row: MetricResult, experiment: Experiment, compared: int = 1) -> tuple[str, str]:
    """Where a metric stands, and its tone: a guardrail by the one-sided bounds that the verdict goes by, of which
    those for harm share alpha among all that is compared."""
    if row.role != Role.GUARDRAIL:
        tone = _tone(row, definition_among(experiment.metrics, row.metric))
        return ("too few yet", "") if row.short else (TOLD[tone], tone)
    reading = _reading(row, experiment)
    if reading is None:
        return "too few yet", ""
    plan, alpha = experiment.planned_units, experiment.alpha
    low = reading.bounds(planned_units=plan, alpha=alpha).low
    if math.isnan(low):
        return "too few yet", ""
    if reading.bounds(planned_units=plan, alpha=alpha / compared).high < -row.margin:
        return "worse than allowed", "bad"
    return ("proven safe", "good") if low > -row.margin else ("not proven safe", "warn")


def _relative_interval(row: MetricResult) -> str:
    if row.relative_low is None or row.relative_high is None:
        return ""
    return f"{part(row.relative_low).removesuffix(' %')} to {part(row.relative_high)}"


def _asked_exact(row: MetricResult, experiment: Experiment) -> bool:
    return any(item["name"] == row.metric and item.get("exact") for item in experiment.metrics)


def p_words(p: float) -> str:
    """Four decimals."""
    return "below 0.0001" if p < CERTAIN else f"{p:.4f}"


def plan_of(experiment: Experiment) -> list[tuple[str, str, str, str]]:
    """Label, role, margin, and what else was declared, of each metric that was chosen."""
    rows = []
    for item in experiment.metrics:
        definition = definition_among(experiment.metrics, item["name"])
        margin = amount(definition, item["margin"]) if item["role"] == Role.GUARDRAIL else "-"
        declared = [*_declared(definition), *(["exact bounds"] if item.get("exact") else [])]
        rows.append((definition.label, item["role"], margin, ", ".join(declared)))
    return rows


def progress_of(experiment: Experiment, units: int, hours: float) -> list[tuple[str, float, float, str]]:
    """Label, value, what it has to reach, and a note, of what must have passed before anybody can win."""
    of_units, of_hours = experiment.minimum_units, experiment.minimum_hours
    told = f"{units:,} of at least {of_units:,}, planned for {experiment.planned_units:,}"
    most = of_units if units < of_units else max(of_units, experiment.planned_units)
    found = [(f"{experiment.unit}s".capitalize(), float(units), float(most), told)]
    if of_hours:
        found.append(("Hours of running", hours, of_hours, f"{hours:,.1f} of at least {of_hours:g}"))
    return found


def quality_figures(found: Sequence[Mapping[str, Any]], unit: str) -> list[tuple[str, str, str, bool]]:
    """Label, units of each arm, their share of the exposed, and whether the arms lack their promised shares."""
    units = f"{unit}s".capitalize()
    labels = {"matured": f"{units} watched long enough", "rated": f"{units} with a rating"}
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


def _declared(definition: Definition) -> list[str]:
    """When an outcome counts, and between which limits, where that was said before the start."""
    told = [f"counts after {definition.maturity_hours:g} hours"] if definition.maturity_hours else []
    if definition.low is not None:
        told.append(f"at least {value(definition, definition.low)}")
    if definition.high is not None:
        told.append(f"at most {value(definition, definition.high)}")
    return told


def _tone(row: MetricResult, definition: Definition) -> str:
    if row.low is None or row.high is None or row.low <= 0 <= row.high:
        return ""
    return "good" if (row.low > 0) == definition.higher_is_better else "bad"


def _limit(row: MetricResult, definition: Definition) -> float:
    factor = 100 if definition.percent else 1
    return factor * (-row.margin if definition.higher_is_better else row.margin)


def _bounds(row: MetricResult, definition: Definition, alpha: float) -> tuple[float | None, float | None]:
    if row.low is not None or row.role != Role.GUARDRAIL or not definition.rate:
        return row.low, row.high
    if row.control_mean is None or row.treatment_mean is None:
        return None, None
    from experiments.stats.exact import difference_bounds  # numpy and scipy: see docs/decisions/0011

    control, treatment = _samples(row)
    bounds = difference_bounds(control, treatment, alpha=alpha)
    return bounds.low, bounds.high


def _reading(row: MetricResult, experiment: Experiment) -> Reading | None:
    """What the verdict was made of; None while nothing is known."""
    item = next((one for one in experiment.metrics if one["name"] == row.metric), None)
    if item is None or row.lift is None or row.control_mean is None or row.treatment_mean is None:
        return None
    from experiments.stats.reading import NOTHING, Reading  # numpy and scipy: see docs/decisions/0011
    from experiments.stats.sequence import Difference

    error = math.nan if row.standard_error is None else row.standard_error
    control, treatment = _samples(row)
    return Reading(
        metric=metric_of(item),
        arm=row.variant.key,
        control=control,
        treatment=treatment,
        difference=Difference(row.lift, error, row.control_n + row.treatment_n),
        interval=NOTHING,
        p=row.p,
        short=row.short,
        shares_changed=experiment.kind == ExperimentKind.BANDIT,
    )


def _samples(row: MetricResult) -> tuple[SampleMoments, SampleMoments]:
    """Of arms with a mean."""
    from experiments.stats.moments import SampleMoments  # numpy: see docs/decisions/0011

    means = (row.control_mean or 0.0, row.treatment_mean or 0.0)
    return SampleMoments(row.control_n, means[0], row.control_m2), SampleMoments(
        row.treatment_n, means[1], row.treatment_m2
    )


def _waiting(row: MetricResult, unit: str) -> str:
    return f"An arm needs at least {row.short} more {unit}s with a telling outcome." if row.short else ""


def _moment(definition: Definition, look: Look) -> Moment:
    factor = 100 if definition.percent else 1
    lift, low, high = (None if number is None else number * factor for number in (look.lift, look.low, look.high))
    return Moment(f"{look.units:,}", lift, low, high, look.units)
