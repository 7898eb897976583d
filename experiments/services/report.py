"""An experiment as a document: what was planned, what was found, and how it came about. Reads only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from experiments.metrics import definition_among, definition_for
from experiments.models import Analysis, Experiment, ExperimentKind, MetricResult, OutcomeSum, Variant
from experiments.services.results import latest_analysis, looks_over_time, metric_results, quality_of
from experiments.stats.terms import Role

if TYPE_CHECKING:
    from experiments.stats.scores import Comparison

Bounds = dict[str, float]  # low and high; empty where there are none


def report_of(experiment: Experiment) -> dict[str, Any]:
    """Everything that a reader who was not there needs, as values of JSON (times are datetimes)."""
    analysis = latest_analysis(experiment)
    variants = list(experiment.variants.select_related("config").order_by("position"))
    return {
        "experiment": {
            "id": str(experiment.pk),
            "name": experiment.name,
            "agent": experiment.agent.external_id,
            "hypothesis": experiment.hypothesis,
            "status": experiment.status,
            "started_at": experiment.started_at,
            "ended_at": experiment.ended_at,
        },
        "plan": {
            "metrics": experiment.metrics,
            "unit": experiment.unit,
            "traffic_percentage": experiment.share,
            "significance_threshold": experiment.alpha,
            "planned_units": experiment.planned_units,
            "min_samples": experiment.minimum_units,
            "min_duration_hours": experiment.minimum_hours,
            "variants": [
                {
                    "key": variant.key,
                    "config_id": str(variant.config_id),
                    "config_number": variant.config.number,
                    "percentage": variant.share,
                    "is_control": variant.is_control,
                }
                for variant in variants
            ],
        },
        "result": _result(analysis) if analysis else None,
        "metrics": _metrics(experiment, variants, analysis) if analysis else [],
        "looks": _looks(experiment),
    }


def _result(analysis: Analysis) -> dict[str, Any]:
    return {
        "verdict": analysis.verdict,
        "winning_variant": analysis.winner.key if analysis.winner else None,
        "sentence": analysis.sentence,
        "missing": analysis.missing,
        "units": analysis.counted,
        "crossed_units": analysis.crossed_units,
        "hours": analysis.hours,
        "sample_ratio_alarm": analysis.sample_ratio_alarm,
        "quality": quality_of(analysis),
        "analysed_at": analysis.created_at,
    }


def _metrics(experiment: Experiment, variants: Sequence[Variant], analysis: Analysis) -> list[dict[str, Any]]:
    bounds = _bounds(experiment) if experiment.kind != ExperimentKind.BANDIT else {}  # of all units alike
    control = next((variant.position for variant in variants if variant.is_control), None)
    return [
        _metric(row, experiment, *(bounds.get((row.metric, arm), {}) for arm in (control, row.variant.position)))
        for row in metric_results(analysis)
    ]


def _metric(row: MetricResult, experiment: Experiment, control: Bounds, treatment: Bounds) -> dict[str, Any]:
    definition = definition_among(experiment.metrics, row.metric)
    return {
        "metric": row.metric,
        "label": definition.label,
        "role": row.role,
        "margin": row.margin if row.role == Role.GUARDRAIL else None,
        "variant": row.variant.key,
        "control": {"n": row.control_n, "mean": row.control_mean} | control,
        "treatment": {"n": row.treatment_n, "mean": row.treatment_mean} | treatment,
        "lift": row.lift,
        "low": row.low,
        "high": row.high,
        "relative": {"lift": row.relative_lift, "low": row.relative_low, "high": row.relative_high},
        "always_valid_p": row.p,
        "fixed_horizon": _fixed(row, experiment),
    }


def _bounds(experiment: Experiment) -> dict[tuple[str, int | None], Bounds]:
    """By metric and arm: of the rates, exact at any time. They are those of the plain shares: a mean that is adjusted
    by what its units did before has none."""
    from experiments.stats.exact import rate_bounds  # numpy and scipy: see docs/decisions/0011
    from experiments.stats.moments import SampleMoments

    rates = [item["name"] for item in experiment.metrics if definition_for(item).rate]
    rows = OutcomeSum.objects.filter(experiment=experiment, metric__in=rates, n__gt=0)
    found: dict[tuple[str, int | None], Bounds] = {}
    for metric, arm, n, totals in rows.values_list("metric", "arm", "n", "totals"):
        bounds = rate_bounds(SampleMoments(n, float(totals[0] / n), 0.0), alpha=experiment.alpha)
        found[metric, arm] = {"low": bounds.low, "high": bounds.high}
    return found


def _fixed(row: MetricResult, experiment: Experiment) -> dict[str, Any] | None:
    """The usual test, as if this had been the only look: beside what may be looked at all the time, never instead.

    Welch's, or z for a bandit, whose strata have different shares.
    """
    if row.control_mean is None or row.treatment_mean is None or not row.standard_error:
        return None
    from experiments.stats.fixed import welch, z_test  # numpy and scipy: see docs/decisions/0011
    from experiments.stats.relative import relative_interval

    bandit = experiment.kind == ExperimentKind.BANDIT
    comparison = _comparison(row, row.control_mean, row.treatment_mean, row.standard_error)
    found = (z_test if bandit else welch)(comparison, alpha=experiment.alpha)
    relative = relative_interval(comparison, alpha=experiment.alpha)
    return {
        "test": "z" if bandit else "Welch",
        "p": found.p,
        "low": found.interval.low,
        "high": found.interval.high,
        "relative_low": relative.low if math.isfinite(relative.low) else None,
        "relative_high": relative.high if math.isfinite(relative.high) else None,
    }


def _comparison(row: MetricResult, control: float, treatment: float, error: float) -> Comparison:
    """What the last look has compared: the standard error tells how far the two means vary together."""
    from experiments.stats.scores import Comparison

    variances = [m2 / (n - 1) / n for m2, n in ((row.control_m2, row.control_n), (row.treatment_m2, row.treatment_n))]
    return Comparison(
        control=control,
        treatment=treatment,
        control_variance=variances[0],
        treatment_variance=variances[1],
        covariance=(sum(variances) - error**2) / 2,
        control_units=row.control_n,
        treatment_units=row.treatment_n,
    )


def _looks(experiment: Experiment) -> list[dict[str, Any]]:
    return [
        {"variant": variant, "metric": metric, "units": one.units, "lift": one.lift, "low": one.low, "high": one.high}
        for (variant, metric), looks in looks_over_time(experiment).items()
        for one in looks
    ]
