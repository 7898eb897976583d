"""Numbers of an experiment as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.metrics import CATALOGUE, Definition
from experiments.models import Experiment, MetricResult
from experiments.services.results import Look

CERTAIN = 0.0001


@dataclass(frozen=True)
class Moment:
    """One look on the chart, in the chart's unit."""

    label: str
    estimate: float | None
    low: float | None
    high: float | None


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
    p: str
    tone: str  # good, bad or "": whether the sequence lies on one side of zero, and on which
    waiting: str  # why there is no interval yet
    unit: str
    moments: Sequence[Moment]


def figures_of(row: MetricResult, looks: Sequence[Look]) -> MetricFigures:
    """What the page shows of one stored result and the looks before it."""
    definition = CATALOGUE[row.metric]
    return MetricFigures(
        title=definition.label,
        description=definition.description,
        role=row.get_role_display().lower(),
        margin=amount(definition, row.margin) if row.role == "guardrail" else "",
        variant=row.variant.key,
        control_n=row.control_n,
        control=value(definition, row.control_mean),
        treatment_n=row.treatment_n,
        treatment=value(definition, row.treatment_mean),
        lift=signed(definition, row.lift),
        interval="" if row.low is None else f"{signed(definition, row.low)} to {signed(definition, row.high)}",
        p="below 0.0001" if row.p < CERTAIN else f"{row.p:.4f}",
        tone=_tone(row, definition),
        waiting=_waiting(row, definition),
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
    return f"{number * 100:.1f} points" if definition.percent else f"{number:,.0f} {definition.unit}"


def signed(definition: Definition, number: float | None) -> str:
    """A difference with its sign."""
    return amount(definition, number) if number is None or number < 0 else f"+{amount(definition, number)}"


def progress_of(experiment: Experiment, units: int, hours: float) -> list[tuple[str, str, str]]:
    """Label, value and note of the numbers on top of the page."""
    return [
        ("Users", f"{units:,}", f"minimum {experiment.minimum_units:,}, planned {experiment.planned_units:,}"),
        ("Hours of running", f"{hours:,.1f}", f"minimum {experiment.minimum_hours:g}"),
        ("Traffic", f"{experiment.share:g} %", "of the agent's users take part"),
    ]


def _tone(row: MetricResult, definition: Definition) -> str:
    if row.low is None or row.high is None or row.low <= 0 <= row.high:
        return ""
    return "good" if (row.low > 0) == definition.higher_is_better else "bad"


def _waiting(row: MetricResult, definition: Definition) -> str:
    if not row.short:
        return ""
    if row.role == "guardrail" and definition.rate:
        return "Too rare for an interval; exact bounds decide whether it is safe."
    return f"An arm needs at least {row.short} more users with a telling outcome."


def _moment(definition: Definition, look: Look) -> Moment:
    factor = 100 if definition.percent else 1
    numbers = (None if number is None else number * factor for number in (look.lift, look.low, look.high))
    return Moment(f"{look.units:,}", *numbers)
