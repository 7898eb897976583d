"""Keeping what a look at the opinions found: a report with its rows."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from learning.engines.insight.words import feature_words, number
from learning.models import (
    Agent,
    FeedbackQualityCorrelation,
    InsightReport,
    LearningPattern,
    PatternType,
    QualityModel,
    ReviewerPreferenceModel,
)
from learning.services.insight_quality import predict_waiting
from learning.services.insight_reviewers import plain, preferred_json, reviewer_rows
from organizations import audit

if TYPE_CHECKING:
    from learning.engines.insight import Insight
    from learning.engines.insight.correlations import Correlation
    from learning.engines.insight.patterns import Pattern
    from learning.engines.insight.rules import Rule
    from learning.engines.insight.terms import Term
    from learning.engines.insight.thresholds import Threshold
    from learning.services.insight_runs import Learned

FEWEST = 10  # opinions, as the engine wants them for a pair
METRICS = (
    "error", "mean_error", "reviewer_error", "accuracy", "mean_accuracy", "reviewer_accuracy", "coverage", "cases",
)  # fmt: skip
MOST_PATTERNS = 40  # of each kind


def keep_findings(*, agent: Agent, learned: Learned, since: datetime, until: datetime, trigger: str) -> InsightReport:
    """A new report of the agent with all its rows."""
    insight = learned.insight
    with transaction.atomic():
        Agent.objects.select_for_update(no_key=True).only("pk").get(pk=agent.pk)
        newest = InsightReport.objects.filter(agent=agent).aggregate(newest=Max("number"))["newest"] or 0
        report = InsightReport.objects.create(
            agent=agent, number=newest + 1, trigger=trigger, since=since, until=until, opinions=insight.n,
            judged=insight.judged, enough=insight.n >= FEWEST, summary=_summary(learned),
            preferred=preferred_json(insight.preferred, learned.read.compared),
        )  # fmt: skip
        FeedbackQualityCorrelation.objects.bulk_create(
            _correlation(report, place, one) for place, one in enumerate(insight.correlations)
        )
        found = [*_patterns(insight), *_thresholds(insight), *_terms(insight), *_rules(insight)]
        LearningPattern.objects.bulk_create(
            LearningPattern(report=report, place=place, **values) for place, values in enumerate(found)
        )
        ReviewerPreferenceModel.objects.bulk_create(reviewer_rows(report, insight, learned.read.columns.who))
        _keep_quality(report, insight)
        audit.record(
            action="insight.learned", target=report,
            after={"agent": agent.external_id, "number": report.number, "opinions": report.opinions},
        )  # fmt: skip
        predict_waiting(agent=agent)
    return report


def _summary(learned: Learned) -> dict[str, Any]:
    opinions, kinds = learned.read.columns.opinions, [kind for kind, _ in learned.read.columns.who]
    return {
        "users": kinds.count("user"),
        "experts": kinds.count("expert"),
        "executions": learned.read.sources,
        "features": sorted(opinions.features),
        "aspects": sorted(opinions.aspects),
    }


def _correlation(report: InsightReport, place: int, one: Correlation) -> FeedbackQualityCorrelation:
    estimates = {
        name: getattr(one, name) for name in ("spearman", "pearson", "clustered", "clustered_pearson", "partial")
    }
    told = {name: asdict(value) if value else None for name, value in estimates.items()}
    tested = one.tested
    return FeedbackQualityCorrelation(
        report=report, place=place, feature=one.feature, aspect=one.aspect, state=str(one.status), n=one.n,
        correlation=tested.value if tested else None, low=tested.low if tested else None,
        high=tested.high if tested else None, p_value=tested.p_value if tested else None, adjusted_p=one.adjusted,
        significant=one.significant,
        details=plain(told | {"reviewers": one.reviewers, "cases": one.cases, "basis": str(one.basis),
                              "adjusted_pearson": one.adjusted_pearson}),
    )  # fmt: skip


def _patterns(insight: Insight) -> list[dict[str, Any]]:
    return [_pattern(one) for one in insight.patterns if one.significant][:MOST_PATTERNS]


def _pattern(one: Pattern) -> dict[str, Any]:
    better = one.difference > 0
    return {
        "pattern_type": PatternType.SUCCESSFUL_DECISION if better else PatternType.FAILURE_PATTERN,
        "name": one.name,
        "text": f"{_share(one.having.value)} succeed with it, {_share(one.lacking.value)} without.",
        "n": int(one.having.n + one.lacking.n),
        "confidence_low": one.low, "confidence_high": one.high, "adjusted_p": one.adjusted,
        "details": plain(asdict(one) | {"lift": one.lift}),
    }  # fmt: skip


def _thresholds(insight: Insight) -> list[dict[str, Any]]:
    return [_threshold(one) for one in insight.thresholds[:MOST_PATTERNS]]


def _threshold(one: Threshold) -> dict[str, Any]:
    side, other = ("at least", "less") if one.above else ("below", "more")
    return {
        "pattern_type": PatternType.QUALITY_THRESHOLD,
        "name": one.feature,
        "text": f"{_share(one.better.value)} succeed with {feature_words(one.feature)} {side} {number(one.cut)}, "
        f"{_share(one.worse.value)} with {other}.",
        "n": int(one.better.n + one.worse.n),
        "confidence_low": one.low, "confidence_high": one.high, "adjusted_p": one.adjusted,
        "details": plain(asdict(one)),
    }  # fmt: skip


def _terms(insight: Insight) -> list[dict[str, Any]]:
    return [_term(one) for one in insight.terms[:MOST_PATTERNS]]


def _term(one: Term) -> dict[str, Any]:
    return {
        "pattern_type": PatternType.TERM, "name": one.word,
        "text": f"In {one.good} successful and {one.bad} failed cases.",
        "n": one.good + one.bad, "adjusted_p": one.adjusted, "details": plain(asdict(one)),
    }  # fmt: skip


def _rules(insight: Insight) -> list[dict[str, Any]]:
    return [_rule(one) for one in insight.rules[:MOST_PATTERNS]]


def _rule(one: Rule) -> dict[str, Any]:
    conditions = " and ".join(
        f"{feature_words(each.feature)} {'above' if each.above else 'at most'} {number(each.cut)}"
        for each in one.conditions
    )
    end = "success" if one.success else "failure"
    return {
        "pattern_type": PatternType.RULE, "name": f"{conditions}: {end}",
        "text": f"Right for {_share(one.held_out.value)} of the held-out opinions that it fits; {end} is "
        f"{_share(one.base)} of all.",
        "n": int(one.held_out.n), "confidence_low": one.held_out.low, "confidence_high": one.held_out.high,
        "details": plain(asdict(one)),
    }  # fmt: skip


def _keep_quality(report: InsightReport, insight: Insight) -> None:
    found = insight.quality
    metrics = {name: getattr(found, name) for name in METRICS} | {"gain": asdict(found.gain) if found.gain else None}
    QualityModel.objects.create(
        report=report, used=found.used, kind=found.kind, reason=found.reason, n=found.n, metrics=plain(metrics),
        content=found.model.as_json() if found.model else {},
    )  # fmt: skip


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.0%}"
