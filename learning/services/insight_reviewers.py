"""What was found about reviewers, and about what they prefer, as rows and JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from learning.models import InsightReport, ReviewerPreferenceModel

if TYPE_CHECKING:
    from learning.engines.insight import Insight
    from learning.engines.insight.estimates import Estimate
    from learning.engines.insight.pairs import OwnPreference, Preferred
    from learning.engines.insight.preferences import Profile

MOST_REVIEWERS = 500


def plain(value: Any) -> Any:
    """For JSON: numbers that are none become null."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def preferred_json(preferred: Preferred, compared: int) -> dict[str, Any]:
    """For InsightReport.preferred. compared: how many of the pairs were shown side by side."""
    accuracy = preferred.accuracy
    found: dict[str, Any] = plain({
        "n": preferred.n, "reviewers": preferred.reviewers, "compared": compared,
        "corrected": preferred.n - compared, "reason": preferred.reason, "predictable": preferred.predictable,
        "accuracy": accuracy.value if accuracy else None, "accuracy_low": accuracy.low if accuracy else None,
        "accuracy_high": accuracy.high if accuracy else None,
        "weights": [
            {"feature": one.feature, **asdict(one.weight), "p_value": one.p_value, "adjusted": one.adjusted}
            for one in preferred.weights
        ],
    })  # fmt: skip
    return found


def reviewer_rows(
    report: InsightReport, insight: Insight, who: Sequence[tuple[str, Any]]
) -> list[ReviewerPreferenceModel]:
    """The busiest first; those who only chose between answers come last."""
    choices = {one.reviewer: one for one in insight.preferred.own}
    rows = [_row(report, who[one.reviewer], one, choices.pop(one.reviewer, None)) for one in insight.profiles]
    rows += [_row(report, who[code], None, one) for code, one in choices.items()]
    return rows[:MOST_REVIEWERS]


def _row(
    report: InsightReport, who: tuple[str, Any], profile: Profile | None, choices: OwnPreference | None
) -> ReviewerPreferenceModel:
    kind, name = who
    row = ReviewerPreferenceModel(report=report, n=0, **({"reviewer_id": name} if kind == "expert" else {"user": name}))
    if profile is not None:
        _add_profile(row, profile)
    if choices is not None:
        row.pairs, row.pair_accuracy = choices.n, choices.accuracy.value
        row.pair_weights = _json(choices.weights)
    return row


def _add_profile(row: ReviewerPreferenceModel, one: Profile) -> None:
    row.n, row.mean = one.n, min(1.0, max(0.0, one.mean))
    row.own_share, row.threshold, row.predictable = one.own_share, one.threshold, one.predictable
    row.accuracy, row.chance = one.accuracy.value, one.chance.value
    if one.severity is not None:
        row.severity, row.severity_low, row.severity_high = one.severity.value, one.severity.low, one.severity.high
    row.weights, row.aspect_weights = _json(one.weights), _json(one.aspects)


def _json(weights: Mapping[str, Estimate]) -> dict[str, Any]:
    found: dict[str, Any] = plain({name: asdict(one) for name, one in weights.items()})
    return found
