"""What the page of one report shows: its findings in words, as charts, each with the address of what is behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from learning.engines.insight.words import aspect_words, feature_words
from learning.models import (
    FeedbackQualityCorrelation,
    Improvement,
    InsightReport,
    LearningPattern,
    PatternType,
    QualityModel,
    ReviewerPreferenceModel,
)
from learning.services.insight_reading import Drift, drift_of_weights, drifts_of, findings_of, preferences_of

SHOWN_CORRELATIONS, SHOWN_REVIEWERS, SHOWN_REPORTS, SHOWN_WEIGHTS = 12, 20, 10, 3
FEWEST_SHOWN = 5  # opinions or pairs of a user; with fewer their profile is that of everybody
GROUPS = (
    ("Decisions and circumstances that go with success", PatternType.SUCCESSFUL_DECISION),
    ("Decisions and circumstances that go with failure", PatternType.FAILURE_PATTERN),
    ("Quality thresholds", PatternType.QUALITY_THRESHOLD),
    ("Rules", PatternType.RULE),
    ("Telling words", PatternType.TERM),
)
DIFFERENCES = (PatternType.SUCCESSFUL_DECISION, PatternType.FAILURE_PATTERN)


@dataclass(frozen=True)
class Mark:
    """An estimate as the chart of intervals takes it."""

    label: str
    estimate: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True)
class Link:
    """A number with the address of what stands behind it."""

    number: int
    text: str
    url: str


@dataclass(frozen=True)
class Group:
    """Patterns of one kind: (row, its name, its links)."""

    title: str
    rows: list[tuple[LearningPattern, str, list[Link]]]
    marks: list[Mark]


@dataclass(frozen=True)
class Reviewer:
    """One line of the reviewers. moved: the words for what weighs otherwise than at first."""

    row: ReviewerPreferenceModel
    name: str
    drift: Drift
    url: str
    pairs_url: str
    weights: list[str] = field(default_factory=list)
    moved: str = ""


def content_of(report: InsightReport) -> dict[str, Any]:
    """Everything that the page shows of a report and of its agent's recommendations."""
    found = findings_of(report)
    measured = [row for row in found.correlations if row.correlation is not None][:SHOWN_CORRELATIONS]
    groups = [_group(report, title, kind, found.patterns) for title, kind in GROUPS]
    reviewers = _reviewers(report)
    return {
        "correlations": [(row, *_pair_words(row), _pair_url(report, row)) for row in measured],
        "correlation_marks": [mark for row in measured if (mark := _correlation_mark(row))],
        "significant": sum(row.significant for row in found.correlations),
        "untold": sum(row.state != "measured" for row in found.correlations),
        "groups": [group for group in groups if group.rows],
        "quality": found.quality,
        "errors": _errors(found.quality),
        "opinions_url": rows_url(report),
        "judged_url": rows_url(report, judged="1"),
        "preferred_marks": _preferred_marks(report),
        "preferred_moved": _list(feature_words(name) for name in drift_of_weights(report)),
        "pairs_url": rows_url(report, pairs="1"),
        "reviewers": reviewers,
        "severities": [mark for one in reviewers if (mark := _severity_mark(one))],
        "improvements": [(one, evidence_links(one)) for one in _improvements(report)],
        "reports": InsightReport.objects.filter(agent=report.agent).order_by("-number")[:SHOWN_REPORTS],
    }


def rows_url(report: InsightReport, **asked: str) -> str:
    """The page with what stands behind a number."""
    return reverse("insight-rows", args=[report.agent_id, report.number]) + "?" + urlencode(asked)


def evidence_links(one: Improvement) -> list[Link]:
    """What stands behind a recommendation, in the report that it is from."""
    told, report = one.evidence, one.report
    if isinstance(told.get("terms"), list):
        named = [str(term.get("word", "")) for term in told["terms"] if isinstance(term, dict)]
        return [Link(0, f"“{word}”", rows_url(report, word=word, judged="1")) for word in named if word]
    if told.get("pattern"):
        return _with_and_without(report, str(told["pattern"]), told.get("having_n"), told.get("lacking_n"))
    if told.get("feature"):
        number = int(told.get("better_n") or 0) + int(told.get("worse_n") or 0)
        return [Link(number, "opinions", rows_url(report, feature=str(told["feature"]), judged="1"))]
    return []


def _improvements(report: InsightReport) -> Iterable[Improvement]:
    rows = Improvement.objects.filter(agent=report.agent).select_related("config", "report")
    return rows.order_by("-status", "id")[:50]


def _group(report: InsightReport, title: str, kind: PatternType, patterns: Sequence[LearningPattern]) -> Group:
    rows = [row for row in patterns if row.pattern_type == kind]
    marks = [mark for row in rows if (mark := _difference_mark(row))] if kind in DIFFERENCES else []
    return Group(title, [(row, _name(row), _pattern_links(report, row)) for row in rows], marks[:SHOWN_CORRELATIONS])


def _name(row: LearningPattern) -> str:
    return feature_words(row.name).capitalize() if row.pattern_type == PatternType.QUALITY_THRESHOLD else row.name


def _pattern_links(report: InsightReport, row: LearningPattern) -> list[Link]:
    if row.pattern_type == PatternType.QUALITY_THRESHOLD:
        return [Link(row.n, "opinions", rows_url(report, feature=row.name, judged="1"))]
    if row.pattern_type == PatternType.TERM:
        return [Link(row.n, "cases", rows_url(report, word=row.name, judged="1"))]
    if row.pattern_type == PatternType.RULE:
        return [Link(row.n, "held out of these", rows_url(report, rule=str(row.pk), judged="1"))]
    having, lacking = (row.details.get(side) or {} for side in ("having", "lacking"))
    return _with_and_without(report, row.name, having.get("n"), lacking.get("n"))


def _with_and_without(report: InsightReport, name: str, having: Any, lacking: Any) -> list[Link]:
    return [
        Link(int(having or 0), "with it", rows_url(report, holds=name, judged="1")),
        Link(int(lacking or 0), "without", rows_url(report, lacks=name, judged="1")),
    ]


def _difference_mark(row: LearningPattern) -> Mark | None:
    value = row.details.get("difference")
    if value is None or row.confidence_low is None or row.confidence_high is None:
        return None
    low, high = min(value, row.confidence_low), max(value, row.confidence_high)
    return Mark(row.name, 100 * value, 100 * low, 100 * high)


def _pair_words(row: FeedbackQualityCorrelation) -> tuple[str, str]:
    return feature_words(row.feature), aspect_words(row.aspect)


def _pair_url(report: InsightReport, row: FeedbackQualityCorrelation) -> str:
    return rows_url(report, feature=row.feature, aspect=row.aspect)


def _correlation_mark(row: FeedbackQualityCorrelation) -> Mark | None:
    if row.correlation is None or row.low is None or row.high is None:
        return None
    feature, aspect = _pair_words(row)
    return Mark(f"{feature} with {aspect}", row.correlation, row.low, row.high)


def _errors(quality: QualityModel | None) -> tuple[list[str], list[float]] | None:
    """What the bars of the quality predictor show: its squared error beside those of the two baselines."""
    told = quality.metrics if quality else {}
    named = {"the predictor": "error", "the mean": "mean_error", "the reviewer's mean": "reviewer_error"}
    values = [told.get(name) for name in named.values()]
    return (list(named), [float(one) for one in values if one is not None]) if None not in values else None


def _preferred_marks(report: InsightReport) -> list[Mark]:
    weights = report.preferred.get("weights", [])
    return [Mark(feature_words(one["feature"]), one["value"], one["low"], one["high"]) for one in weights]


def _reviewers(report: InsightReport) -> list[Reviewer]:
    rows = [one for one in preferences_of(report) if one.reviewer_id or max(one.n, one.pairs) >= FEWEST_SHOWN]
    rows = rows[:SHOWN_REVIEWERS]
    drifts = drifts_of(report, rows)
    return [_reviewer(report, row, place, drifts[row.pk]) for place, row in enumerate(rows, start=1)]


def _reviewer(report: InsightReport, row: ReviewerPreferenceModel, place: int, drift: Drift) -> Reviewer:
    """An expert by name; a user by their place, since their pseudonym says nothing to people."""
    name = row.reviewer.get_username() if row.reviewer_id and row.reviewer else f"user {place}"
    url, pairs_url = (rows_url(report, reviewer=str(row.pk), **more) for more in ({}, {"pairs": "1"}))
    weights = [_told("Counts", _aspect, row.aspect_weights), _told("Chooses", feature_words, row.pair_weights)]
    moved = _list(_aspect(one) if one in row.aspect_weights else feature_words(one) for one in drift.weights)
    return Reviewer(row, name, drift, url, pairs_url, [one for one in weights if one], moved)


def _told(verb: str, words: Callable[[str], str], weights: Mapping[str, Any]) -> str:
    """The strongest weights that are surely not 0, in words."""
    known = {name: one for name, one in weights.items() if isinstance(one, dict)}
    sure = [name for name, one in known.items() if one["low"] > 0 or one["high"] < 0]
    sure.sort(key=lambda name: -abs(known[name]["value"]))
    named = [f"{words(name)} ({known[name]['value']:+.2f})" for name in sure[:SHOWN_WEIGHTS]]
    return f"{verb}: {_list(named)}" if named else ""


def _aspect(name: str) -> str:
    """Without whose it is: that stands beside it."""
    return name.partition(".")[2].replace("_", " ")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


def _severity_mark(one: Reviewer) -> Mark | None:
    row = one.row
    if row.severity is None or row.severity_low is None or row.severity_high is None:
        return None
    return Mark(one.name, row.severity, row.severity_low, row.severity_high)
