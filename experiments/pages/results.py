"""What the page and the report of an experiment show alike."""

from __future__ import annotations

from typing import Any

from experiments.models import Analysis, Experiment
from experiments.pages.figures import figures_of, plan_of, quality_figures
from experiments.services.results import looks_over_time, metric_results, quality_of


def results_context(experiment: Experiment, analysis: Analysis | None) -> dict[str, Any]:
    """The plan, and what the look found: metrics of each treatment, and whether the data can be trusted."""
    looks = looks_over_time(experiment) if analysis else {}
    rows = metric_results(analysis) if analysis else []
    metrics = [
        figures_of(row, looks[row.variant.key, row.metric], experiment=experiment, compared=len(rows)) for row in rows
    ]
    return {
        "experiment": experiment,
        "analysis": analysis,
        "metrics": metrics,
        "exact": any(metric.exact for metric in metrics),
        "several": len({metric.variant for metric in metrics}) > 1,
        "quality": quality_figures(quality_of(analysis), experiment.unit) if analysis else [],
        "plan": plan_of(experiment),
    }
