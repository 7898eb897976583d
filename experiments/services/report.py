"""An experiment as a document: what was planned, what was found, and every look. Reads only."""

from __future__ import annotations

from typing import Any

from experiments.metrics import definition_among
from experiments.models import Analysis, Experiment, MetricResult
from experiments.services.results import latest_analysis, looks_over_time, metric_results, quality_of
from experiments.stats.terms import Role


def report_of(experiment: Experiment) -> dict[str, Any]:
    """Everything that a reader who was not there needs, as values of JSON (times are datetimes)."""
    analysis = latest_analysis(experiment)
    variants = experiment.variants.select_related("config").order_by("position")
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
        "metrics": [_metric(row, experiment) for row in (metric_results(analysis) if analysis else [])],
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


def _metric(row: MetricResult, experiment: Experiment) -> dict[str, Any]:
    return {
        "metric": row.metric,
        "label": definition_among(experiment.metrics, row.metric).label,
        "role": row.role,
        "margin": row.margin if row.role == Role.GUARDRAIL else None,
        "variant": row.variant.key,
        "control": {"n": row.control_n, "mean": row.control_mean},
        "treatment": {"n": row.treatment_n, "mean": row.treatment_mean},
        "lift": row.lift,
        "low": row.low,
        "high": row.high,
        "always_valid_p": row.p,
        "fixed_horizon": _fixed(row, experiment.alpha),
    }


def _fixed(row: MetricResult, alpha: float) -> dict[str, Any] | None:
    """Welch's test, as if this had been the only look: beside what may be looked at all the time, never instead."""
    if row.control_mean is None or row.treatment_mean is None or min(row.control_n, row.treatment_n) < 2:
        return None
    if row.control_m2 + row.treatment_m2 <= 0:
        return None
    from experiments.stats.fixed import welch  # numpy and scipy: see docs/decisions/0011
    from experiments.stats.scores import Comparison

    n0, n1 = row.control_n, row.treatment_n
    found = welch(
        Comparison(
            control=row.control_mean,
            treatment=row.treatment_mean,
            control_variance=row.control_m2 / (n0 - 1) / n0,
            treatment_variance=row.treatment_m2 / (n1 - 1) / n1,
            covariance=0.0,
            control_units=n0,
            treatment_units=n1,
        ),
        alpha=alpha,
    )
    return {"test": "Welch", "p": found.p, "low": found.interval.low, "high": found.interval.high}


def _looks(experiment: Experiment) -> list[dict[str, Any]]:
    return [
        {"variant": variant, "metric": metric, "units": one.units, "lift": one.lift, "low": one.low, "high": one.high}
        for (variant, metric), looks in looks_over_time(experiment).items()
        for one in looks
    ]
