"""One look at an experiment: outcomes in, a stored analysis with a verdict out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from experiments.metrics import Shape, definition_for, metric_of
from experiments.models import Analysis, Experiment, ExperimentKind, MetricResult, Variant
from experiments.services.outcomes import COUNTED, Outcomes, load_outcomes
from experiments.services.results import latest_analysis
from experiments.stats.reading import Reading, read_strata
from experiments.stats.sample_ratio import SampleRatio, sample_ratio_of_epochs
from experiments.stats.terms import too_many_crossed
from experiments.stats.verdict import Decision, Progress, Rules, decide
from organizations.transitions import IllegalTransition

PValues = Mapping[tuple[str, str], float]  # (variant key, metric name) -> the smallest p so far


def analyse_experiment(*, experiment: Experiment) -> Analysis:
    """Look now and store what was found; looks of one experiment come one after the other.

    Raises IllegalTransition when it is not live: the last look at one that has ended is the verdict that counts.
    """
    with transaction.atomic():
        # The lock keeps the running minimum of p whole: two looks at once would both start from the same one.
        # It is the weaker one, or every user met meanwhile would wait: an exposure refers to the experiment.
        experiment = Experiment.objects.select_for_update(no_key=True).get(pk=experiment.pk)
        if not experiment.live:
            raise IllegalTransition(f"This experiment is {experiment.status}; what was found last stays.", "status")
        variants = list(experiment.variants.select_related("config").order_by("position"))
        outcomes = load_outcomes(experiment=experiment, variants=variants)
        last = latest_analysis(experiment)
        readings = read_outcomes(experiment, variants, outcomes, _smallest_p(last))
        checks = check_quality(outcomes, last)
        hours = experiment.hours()
        units = outcomes.units.total()
        crossed = too_many_crossed(outcomes.crossed, units)
        # Those who crossed are left out of the matured: then their shares say nothing else than that.
        broken = checks["exposed"].alarm or (checks["matured"].alarm and not crossed)
        progress = Progress(units, hours, broken, crossed)
        decision = decide([reading for _, reading in readings], progress, rules_of(experiment))
        return _store(experiment, variants, outcomes, readings, checks, decision, hours, last)


def rules_of(experiment: Experiment) -> Rules:
    return Rules(
        planned_units=experiment.planned_units,
        minimum_units=experiment.minimum_units,
        minimum_hours=experiment.minimum_hours,
        alpha=experiment.alpha,
        unit=experiment.unit,
        serves=experiment.kind != ExperimentKind.AA,
    )


def read_outcomes(
    experiment: Experiment, variants: list[Variant], outcomes: Outcomes, smallest_p: PValues
) -> list[tuple[str, Reading]]:
    """Each metric of each treatment against control, with the metric's name in the catalogue."""
    control = next(variant.key for variant in variants if variant.is_control)
    found = []
    for variant in (variant for variant in variants if not variant.is_control):
        for item in experiment.metrics:
            definition = definition_for(item)
            reading = read_strata(
                metric_of(item),
                variant.key,
                outcomes.strata[item["name"]],
                control=control,
                planned_units=experiment.planned_units,
                alpha=experiment.alpha,
                few_values=definition.few_values,
                ratio=definition.shape == Shape.RATIO,
                previous_p=smallest_p.get((variant.key, item["name"]), 1.0),
            )
            found.append((item["name"], reading))
    return found


def _smallest_p(last: Analysis | None) -> PValues:
    if last is None:
        return {}
    return {(row.variant.key, row.metric): row.p for row in last.results.select_related("variant")}


def check_quality(outcomes: Outcomes, last: Analysis | None) -> dict[str, SampleRatio]:
    """Whether the arms have their promised shares of the units that were exposed, that matured, and that rated."""
    before = last.quality if last and isinstance(last.quality, dict) else {}
    highest = {name: before.get(name, {}).get("log_e", 0.0) for name in COUNTED}
    if last:
        highest["exposed"] = max(highest["exposed"], last.sample_ratio_log_e)
    return {name: sample_ratio_of_epochs(outcomes.epochs[name], highest=highest[name]) for name in COUNTED}


def _quality(outcomes: Outcomes, checks: Mapping[str, SampleRatio]) -> dict[str, Any]:
    units = {"exposed": outcomes.units, "matured": outcomes.matured, "rated": outcomes.rated}
    return {
        name: {"units": dict(units[name]), "log_e": one.log_e, "alarm": one.alarm, "p": _known(one.fixed_p)}
        for name, one in checks.items()
    }


def _store(
    experiment: Experiment,
    variants: list[Variant],
    outcomes: Outcomes,
    readings: list[tuple[str, Reading]],
    checks: Mapping[str, SampleRatio],
    decision: Decision,
    hours: float,
    last: Analysis | None,
) -> Analysis:
    by_key = {variant.key: variant for variant in variants}
    ratio = checks["exposed"]
    analysis = Analysis.objects.create(
        experiment=experiment,
        number=last.number + 1 if last else 1,
        units={variant.key: outcomes.units[variant.key] for variant in variants},
        crossed_units=outcomes.crossed,
        hours=hours,
        sample_ratio_log_e=ratio.log_e,
        sample_ratio_alarm=ratio.alarm,
        sample_ratio_p=_known(ratio.fixed_p),
        quality=_quality(outcomes, checks),
        verdict=decision.verdict.value,
        winner=by_key[decision.winner] if decision.winner else None,
        sentence=decision.sentence,
        missing=list(decision.missing),
        units_needed=decision.units_needed,
    )
    MetricResult.objects.bulk_create(
        _result(analysis, by_key[reading.arm], name, reading) for name, reading in readings
    )
    return analysis


def _result(analysis: Analysis, variant: Variant, name: str, reading: Reading) -> MetricResult:
    return MetricResult(
        analysis=analysis,
        variant=variant,
        metric=name,
        role=reading.metric.role.value,
        margin=reading.metric.margin,
        control_n=reading.control.n,
        control_mean=_known(reading.control.mean),
        control_m2=reading.control.m2,
        treatment_n=reading.treatment.n,
        treatment_mean=_known(reading.treatment.mean),
        treatment_m2=reading.treatment.m2,
        lift=_known(reading.difference.estimate),
        standard_error=_known(reading.difference.standard_error),
        low=_known(reading.interval.low),
        high=_known(reading.interval.high),
        relative_lift=_known(reading.relative),
        relative_low=_known(reading.relative_interval.low),
        relative_high=_known(reading.relative_interval.high),
        p=reading.p,
        short=reading.short,
    )


def _known(value: float) -> float | None:
    """Unknown numbers are NULL, never nan, which PostgreSQL would sort and compare."""
    return value if math.isfinite(value) else None
