"""Reading what the human-feedback learner found. Light: no engine is loaded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from learning.models import (
    Agent,
    FeedbackQualityCorrelation,
    InsightReport,
    LearningPattern,
    QualityModel,
    ReviewerPreferenceModel,
)

MOST_SHOWN = 500
MOST_VERSIONS = 20


@dataclass(frozen=True)
class Findings:
    """The rows of one report in their order."""

    correlations: list[FeedbackQualityCorrelation]
    patterns: list[LearningPattern]
    quality: QualityModel | None


def newest_report(*, agent: Agent) -> InsightReport | None:
    return InsightReport.objects.filter(agent=agent).order_by("-number").first()


def were_predictions_made_since(moment: datetime) -> bool:
    """Whether a look has foretold anew what people will say of examples that wait."""
    return InsightReport.objects.filter(created_at__gte=moment).exists()


def findings_of(report: InsightReport) -> Findings:
    """The first MOST_SHOWN rows of each kind."""
    return Findings(
        list(report.correlations.order_by("place")[:MOST_SHOWN]),
        list(report.patterns.order_by("place")[:MOST_SHOWN]),
        report.quality_models.first(),
    )


def preferences_of(report: InsightReport) -> list[ReviewerPreferenceModel]:
    """The reviewers of a report, the busiest first."""
    return list(report.preferences.select_related("reviewer").order_by("-n", "-pairs", "id")[:MOST_SHOWN])


@dataclass(frozen=True)
class Drift:
    """How a reviewer went over the last reports, the oldest first. points: (number, severity). moved: the first and the
    last severity have intervals with nothing in common. weights: the names of aspects and features whose weights have.
    """

    points: list[tuple[int, float]]
    moved: bool
    weights: list[str]


def drifts_of(report: InsightReport, profiles: Sequence[ReviewerPreferenceModel]) -> dict[UUID, Drift]:
    """By profile, over the reports up to this one, in one query."""
    numbers = range(report.number - MOST_VERSIONS + 1, report.number + 1)
    rows = ReviewerPreferenceModel.objects.filter(report__agent=report.agent_id, report__number__in=numbers).filter(
        Q(reviewer__in=[one.reviewer_id for one in profiles if one.reviewer_id])
        | Q(user__in=[one.user for one in profiles if one.user])
    )
    history = defaultdict(list)
    for row in rows.select_related("report").order_by("report__number"):
        history[row.reviewer_id or row.user].append(row)
    return {one.pk: _drift(history[one.reviewer_id or one.user]) for one in profiles}


def drift_of_weights(report: InsightReport) -> list[str]:
    """The features whose weight in choosing between two answers has moved since the oldest of the last reports."""
    before = InsightReport.objects.filter(
        agent=report.agent_id, number__lt=report.number, number__gt=report.number - MOST_VERSIONS
    )
    named = ({one["feature"]: one for one in row.preferred.get("weights", [])} for row in before.order_by("number"))
    first = next((weights for weights in named if weights), {})
    return _moved(first, {one["feature"]: one for one in report.preferred.get("weights", [])})


def _drift(rows: list[ReviewerPreferenceModel]) -> Drift:
    known = [row for row in rows if row.severity is not None]
    points = [(row.report.number, row.severity) for row in known if row.severity is not None]
    moved = len(known) > 1 and _apart(*_ends(known[0]), *_ends(known[-1]))
    weights = []
    for name in ("aspect_weights", "pair_weights"):
        told = [found for row in rows if (found := getattr(row, name))]
        weights += _moved(told[0], told[-1]) if len(told) > 1 else []
    return Drift(points, moved, weights)


def _moved(first: Mapping[str, Any], last: Mapping[str, Any]) -> list[str]:
    both = [name for name in last if name in first]
    return [name for name in both if _apart(*_bounds(first[name]), *_bounds(last[name]))]


def _ends(row: ReviewerPreferenceModel) -> tuple[float | None, float | None]:
    return row.severity_low, row.severity_high


def _bounds(weight: Mapping[str, float | None]) -> tuple[float | None, float | None]:
    return weight.get("low"), weight.get("high")


def _apart(first_low: float | None, first_high: float | None, last_low: float | None, last_high: float | None) -> bool:
    """Two intervals have nothing in common; False where an end is not known."""
    if first_low is None or first_high is None or last_low is None or last_high is None:
        return False
    return first_high < last_low or last_high < first_low
