"""What stands behind a number of a report, read anew from the window that it was about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from learning.models import InsightReport, LearningPattern, ReviewerPreferenceModel
from learning.services.insight_opinions import Opinion, read_opinions

if TYPE_CHECKING:
    from learning.services.insight_choices import Chosen
    from learning.services.insight_features import Described, Known

MOST_OPINIONS = 2_000  # that are looked at, the newest
MOST_ROWS = 100


@dataclass(frozen=True)
class Asked:
    """Which opinions: those that know the feature and the aspect, whose execution has the property `holds` or has
    `lacks` not, has the word in its answer, or fits the conditions of a rule; of one reviewer; only those that say
    whether the answer was good (`judged`). What is empty is not asked for.
    """

    feature: str = ""
    aspect: str = ""
    holds: str = ""
    lacks: str = ""
    word: str = ""
    rule: LearningPattern | None = None
    reviewer: ReviewerPreferenceModel | None = None
    judged: bool = False


@dataclass(frozen=True)
class Row:
    """One opinion: what it was about, the value of the feature, what was said of the aspect, and the quality."""

    execution_id: UUID | None
    example_id: UUID | None
    said_by: str
    value: float | None
    said: float | None
    quality: float | None


@dataclass(frozen=True)
class Rows:
    """A part of the rows, the newest first, from place `first` (0 and up) on; `looked_at`: opinions that were looked
    at, `found` of them fit.
    """

    rows: Sequence[Any]
    looked_at: int
    found: int
    first: int = 0

    @property
    def before(self) -> int | None:
        """Where the part before this one begins."""
        return max(0, self.first - MOST_ROWS) if self.first else None

    @property
    def last(self) -> int:
        """The number of the last one, counted from 1."""
        return self.first + len(self.rows)

    @property
    def after(self) -> int | None:
        return self.last if self.last < self.found else None


def rows_behind(*, report: InsightReport, asked: Asked, first: int = 0) -> Rows:
    """What was deleted since, or is past its retention, is not there any more."""
    from learning.services.insight_features import describe

    opinions = read_opinions(agent=report.agent, since=report.since, until=report.until)
    if asked.reviewer is not None:
        who = _who(asked.reviewer)
        opinions = [one for one in opinions if one.who == who]
    opinions = opinions[:MOST_OPINIONS]
    known = describe(opinions, keep=False)
    rows = [row for one in opinions if (row := _row(one, known, asked))]
    return _part(rows, len(opinions), first)


def choices_behind(*, report: InsightReport, reviewer: ReviewerPreferenceModel | None = None, first: int = 0) -> Rows:
    """The choices between two answers, of one reviewer or of all: each a Chosen."""
    from learning.services.insight_choices import read_choices

    choices: list[Chosen] = read_choices(agent=report.agent, since=report.since, until=report.until, keep=False)
    if reviewer is not None:
        choices = [one for one in choices if one.who == _who(reviewer)]
    return _part(choices, len(choices), first)


def _part(found: Sequence[Any], looked_at: int, first: int) -> Rows:
    first = min(first, max(0, len(found) - 1) // MOST_ROWS * MOST_ROWS)
    return Rows(found[first : first + MOST_ROWS], looked_at, len(found), first)


def _who(reviewer: ReviewerPreferenceModel) -> tuple[str, Any]:
    return ("expert", reviewer.reviewer_id) if reviewer.reviewer_id else ("user", reviewer.user)


def _row(one: Opinion, known: Known, asked: Asked) -> Row | None:
    """None where the opinion is not asked for."""
    described = known.of(one)
    if described is None or (asked.judged and one.quality is None) or not _fits(described, asked):
        return None
    features = known.features_of(one)
    value, said = _number(features.get(asked.feature)), _number(one.aspects.get(asked.aspect))
    if (asked.feature and value is None) or (asked.aspect and said is None):
        return None
    return Row(one.execution_id, one.example_id, one.who[0], value, said, one.quality)


def _fits(described: Described, asked: Asked) -> bool:
    from learning.engines.insight.terms import words_of

    if asked.holds and asked.holds not in described.properties:
        return False
    if asked.lacks and asked.lacks in described.properties:
        return False
    if asked.word and asked.word not in words_of(described.answer):
        return False
    conditions = asked.rule.details.get("conditions", []) if asked.rule else []
    return all(_holds(described, one) for one in conditions)


def _holds(described: Described, condition: dict[str, Any]) -> bool:
    """A missing value does not fit: what the rule took for it, the median of a whole look, is not known here."""
    value = _number(described.features.get(condition.get("feature", "")))
    return value is not None and (value > condition["cut"]) == condition["above"]


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
