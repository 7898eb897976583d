"""What a difference costs in units and days, and how likely a verdict is: told before anybody presses Start."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.metrics import Definition, Shape, definition_for
from experiments.models import Experiment, ExperimentStatus
from experiments.pages.amounts import amount, value
from experiments.services.baselines import Baseline, baseline_of
from experiments.services.traffic import units_a_day
from experiments.stats.terms import Role
from learning.models import Agent

FEWEST = 30  # outcomes that a spread is taken from
POINTS = (0.03, 0.05, 0.1)  # differences of a rate, and of anything else as parts of its mean
RARE, PARTS = 0.15, (0.1, 0.25, 0.5)  # of a rate below this, parts of it
WIDEST = {"net_satisfaction": 1.0}  # the standard deviation when half of the units say the best, half the worst
RATE = 0.5  # the same of a rate


@dataclass(frozen=True, slots=True)
class Design:
    """What a plan depends on. shares: of the arms, control first, together 1; taking: the share of the agent's units
    that takes part."""

    agent: Agent
    unit: str
    metrics: Sequence[Mapping[str, Any]]
    shares: Sequence[float]
    taking: float
    alpha: float
    planned_units: int


@dataclass(frozen=True, slots=True)
class Cost:
    """A difference, units for one look at the end, units when looking all the time, and the days that takes."""

    lift: str
    fixed: str
    peeking: str
    days: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan can see. labels, power: the chance in percent that `lift` has been shown by so many units."""

    metric: str
    basis: str
    costs: list[Cost]
    daily: str
    planned_units: int
    lift: str = ""
    labels: Sequence[str] = ()
    power: Sequence[float] = ()
    chance: float | None = None  # at the planned units, in percent


def design_of(experiment: Experiment) -> Design | None:
    """Of a draft; None for one that compares nothing."""
    variants = sorted(experiment.variants.all(), key=lambda row: not row.is_control)
    if len(variants) < 2 or not any(one["role"] == Role.SUCCESS for one in experiment.metrics):
        return None
    whole = sum(row.buckets for row in variants)
    return Design(
        agent=experiment.agent,
        unit=experiment.unit,
        metrics=experiment.metrics,
        shares=[row.buckets / whole for row in variants],
        taking=experiment.share / 100 * experiment.layer_share / 100,
        alpha=experiment.alpha,
        planned_units=experiment.planned_units,
    )


def plan_of_draft(experiment: Experiment) -> dict[str, Any]:
    """What a draft can see, for _plan.html; nothing once it has started."""
    design = design_of(experiment) if experiment.status == ExperimentStatus.DRAFT else None
    return plan_context(design) | {"kind": experiment.kind} if design else {}


def plan_context(design: Design) -> dict[str, Any]:
    return {"planned": planned_of(design), "unit": design.unit, "taking": f"{design.taking * 100:g}"}


def planned_of(design: Design) -> Planned:
    """For the first success metric, by what it was in the last week where that is known."""
    item = next(one for one in design.metrics if one["role"] == Role.SUCCESS)
    definition = definition_for(item)
    baseline = baseline_of(agent=design.agent, unit=design.unit, item=item)
    daily = units_a_day(agent=design.agent, unit=design.unit)
    known = baseline.measured >= FEWEST and bool(baseline.deviation)
    deviation = baseline.deviation if known else _widest(item["name"], definition)
    lifts = _lifts(definition, baseline.mean if known else None)
    told = _basis(definition, baseline, design.unit, known=known)
    if not deviation or not lifts:
        return Planned(definition.label, told, [], f"{daily:,.0f}", design.planned_units)
    price = _Price(design, deviation, (baseline.share or 1.0) if known else 1.0)
    costs = [price.cost(_told(definition, lift, baseline.mean), lift, daily) for lift in lifts]
    curve = price.curve(lifts[1])
    places = range(9, len(curve.share), 10)
    return Planned(
        metric=definition.label,
        basis=told,
        costs=costs,
        daily=f"{daily:,.0f}",
        planned_units=design.planned_units,
        lift=_told(definition, lifts[1], baseline.mean),
        labels=[f"{round(float(curve.share[place]) * design.planned_units):,}" for place in places],
        power=[round(100 * float(curve.power[place]), 1) for place in places],
        chance=round(100 * curve.at_plan, 1),
    )


class _Price:
    """Units of all arms together, for the smallest treatment against control."""

    def __init__(self, design: Design, deviation: float, measured: float) -> None:
        self.design, self.deviation, self.measured = design, deviation, measured
        self.control, self.treatment = design.shares[0], min(design.shares[1:])
        compared = sum(one["role"] == Role.SUCCESS for one in design.metrics) * (len(design.shares) - 1)
        self.alpha = design.alpha / compared  # as the first step of Holm's procedure asks

    def cost(self, told: str, lift: float, daily: float) -> Cost:
        from experiments.stats.planning import units_for_means, units_when_peeking  # numpy: docs/decisions/0011

        both = self.control + self.treatment
        share = self.treatment / both
        fixed = units_for_means(self.deviation, lift, alpha=self.alpha, treatment_share=share)
        peeking = units_when_peeking(fixed, alpha=self.alpha)
        once, always = (math.ceil(units / both / self.measured) for units in (fixed, peeking))
        taking = daily * self.design.taking
        return Cost(told, f"{once:,}", f"{always:,}", f"{math.ceil(always / taking):,}" if taking else "-")

    def curve(self, lift: float) -> Any:
        """The chance of a verdict up to twice the planned units."""
        from experiments.stats.power import power_curve  # numpy: docs/decisions/0011

        units = self.design.planned_units * self.measured
        error = self.deviation * math.sqrt(1 / (units * self.control) + 1 / (units * self.treatment))
        return power_curve(lift / error, alpha=self.alpha, until=2.0)


def _widest(name: str, definition: Definition) -> float | None:
    """The largest standard deviation that the outcome of a unit can have; None where it has no bounds."""
    if definition.custom:
        return RATE if definition.shape == Shape.BINARY else None
    return RATE if definition.rate else WIDEST.get(name)


def _lifts(definition: Definition, mean: float | None) -> list[float]:
    """Differences that somebody may want to see; none where their size means nothing yet."""
    if definition.rate and mean and mean < RARE:
        return [part * mean for part in PARTS]
    if definition.percent:
        return list(POINTS)
    return [part * abs(mean) for part in POINTS] if mean else []


def _told(definition: Definition, lift: float, mean: float | None) -> str:
    if lift in POINTS and definition.percent:
        return f"{lift * 100:g} points"
    told = amount(definition, lift)
    return f"{told} ({lift / abs(mean) * 100:.0f} %)" if mean else told


def _basis(definition: Definition, baseline: Baseline, unit: str, *, known: bool) -> str:
    if known:
        spread = amount(definition, baseline.deviation)
        return (
            f"In the last week {baseline.measured:,} of {baseline.units:,} {unit}s had an outcome,"
            f" {value(definition, baseline.mean)} on average with a standard deviation of {spread}."
        )
    few = f"fewer than {FEWEST} {unit}s had an outcome in the last week"
    if baseline.measured >= FEWEST:
        few = f"the outcomes of the last week are all alike, {value(definition, baseline.mean)}"
    if definition.percent:
        return f"At most: {few}, so the widest spread is assumed."
    return f"Nobody can say yet what a difference costs: {few}."
