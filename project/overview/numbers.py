"""The numbers of the dashboard and of GET stats, asked from each app's services. Reads only."""

from __future__ import annotations

from typing import Any

from annotation.services import overview as review
from experiments.services import overview as live
from experiments.services.standing import aa_record
from learning.services import overview as learning


def stats() -> dict[str, int]:
    """What GET /api/learning/stats answers."""
    return {
        "pending_annotations": review.pending_annotations(),
        "annotated_today": review.annotated_today(),
        "total_examples": learning.count_examples()["total"],
        "active_experiments": live.active_experiments(),
        "running_training": learning.count_runs()["running"],
    }


def dashboard() -> dict[str, Any]:
    """What the dashboard shows beside `stats`."""
    return {
        "stats": stats(),
        "examples": learning.count_examples(),
        "executions": learning.count_executions(),
        "versions": learning.count_published_versions(),
        "days": learning.feedback_per_day(),
        "runs": learning.recent_runs(),
        "experiments": live.recent_experiments(),
        "deployments": live.serving_deployments(),
        "aa": aa_record(),
    }
