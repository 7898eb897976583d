"""Reading what the human-feedback learner found. Light: no engine is loaded."""

from __future__ import annotations

from dataclasses import dataclass

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


def findings_of(report: InsightReport) -> Findings:
    """The first MOST_SHOWN rows of each kind."""
    return Findings(
        list(report.correlations.order_by("place")[:MOST_SHOWN]),
        list(report.patterns.order_by("place")[:MOST_SHOWN]),
        report.quality_models.first(),
    )


def preferences_of(report: InsightReport) -> list[ReviewerPreferenceModel]:
    """The reviewers of a report, the busiest first."""
    return list(report.preferences.select_related("reviewer").order_by("-n", "id")[:MOST_SHOWN])


@dataclass(frozen=True)
class Drift:
    """How a reviewer's severity went over the last reports, the oldest first; `moved`: the first and the last
    interval have nothing in common.
    """

    points: list[tuple[int, float]]
    moved: bool


def drift_of(profile: ReviewerPreferenceModel) -> Drift:
    """Of the reports up to the profile's own."""
    rows = ReviewerPreferenceModel.objects.filter(
        report__agent=profile.report.agent_id, report__number__lte=profile.report.number, severity__isnull=False
    )
    person = {"reviewer": profile.reviewer_id} if profile.reviewer_id else {"user": profile.user}
    found = list(rows.filter(**person).select_related("report").order_by("-report__number")[:MOST_VERSIONS])[::-1]
    points = [(row.report.number, row.severity) for row in found if row.severity is not None]
    return Drift(points, len(found) > 1 and _apart(found[0], found[-1]))


def _apart(one: ReviewerPreferenceModel, other: ReviewerPreferenceModel) -> bool:
    ends = (one.severity_low, one.severity_high, other.severity_low, other.severity_high)
    if any(end is None for end in ends):
        return False
    first_low, first_high, last_low, last_high = (float(end) for end in ends if end is not None)
    return first_high < last_low or last_high < first_low
