"""The number that orders items of one type: lower comes first. Pure.

Severity first, then disagreement among reviewers, then the uncertainty of the quality predictor, each as three digits
of one number, so that one column of an index holds all three.
"""

from __future__ import annotations

from typing import NamedTuple

STEPS = 999
# What users say is wrong, by how much harm it does; any other complaint is 1, none is 0.
SEVERITIES = {"unsafe": 3, "hallucination": 2, "incorrect": 2, "outdated": 2}
MOST_SEVERE = 3
LOW_RATING = 2  # stars


class Urgency(NamedTuple):
    """Severity 0 (nobody complained) to 3 (unsafe); disagreement and uncertainty 0 to 1."""

    severity: int
    disagreement: float
    uncertainty: float


def tiebreak_of(urgency: Urgency) -> float:
    """The place among items of one type: the more urgent, the lower."""
    disagreement, uncertainty = (round(share * STEPS) for share in urgency[1:])
    return -float(urgency.severity * 1_000_000 + disagreement * 1_000 + uncertainty)


def urgency_of(tiebreak: float) -> Urgency:
    """What `tiebreak_of` was given, shares rounded to a thousandth."""
    severity, rest = divmod(round(-tiebreak), 1_000_000)
    disagreement, uncertainty = divmod(rest, 1_000)
    return Urgency(severity, disagreement / STEPS, uncertainty / STEPS)


def with_disagreement(tiebreak: float, disagreement: float) -> float:
    return tiebreak_of(urgency_of(tiebreak)._replace(disagreement=disagreement))


def uncertainty_of(predicted_quality: float | None) -> float:
    """1 when the predictor cannot tell (or has not said anything), 0 when it is certain."""
    return 1.0 if predicted_quality is None else 1 - abs(2 * predicted_quality - 1)
