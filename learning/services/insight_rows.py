"""The executions behind a number of a report, read anew from the window that it was about."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from learning.models import InsightReport
from learning.services.insight_opinions import Opinion, read_opinions

MOST_OPINIONS = 2_000  # that are looked at, the newest
MOST_ROWS = 100


@dataclass(frozen=True)
class Row:
    """One opinion: what it was about, the value of the feature or whether the property holds, and what was said."""

    execution_id: UUID | None
    example_id: UUID | None
    said_by: str
    value: float | None
    said: float | None
    quality: float | None


@dataclass(frozen=True)
class Rows:
    """The newest rows; `looked_at`: opinions that were looked at, `found` of them fit."""

    rows: list[Row]
    looked_at: int
    found: int


def rows_behind(*, report: InsightReport, feature: str = "", aspect: str = "", holds: str = "", word: str = "") -> Rows:
    """Opinions that know the feature and the aspect, or whose execution has the property, or the word in its answer.

    What was deleted since, or is past its retention, is not there any more.
    """
    from learning.engines.insight.terms import words_of
    from learning.services.insight_features import Described, describe

    opinions = read_opinions(agent=report.agent, since=report.since, until=report.until)[:MOST_OPINIONS]
    described = describe(opinions)
    checks: list[Callable[[Described], bool]] = []
    if holds:
        checks.append(lambda known: holds in known.properties)
    if word:
        checks.append(lambda known: word in words_of(known.answer))
    found = []
    for one in opinions:
        known = described.get(one.execution_id or one.example_id)  # type: ignore[arg-type]
        if known is None or not all(check(known) for check in checks):
            continue
        row = _row(one, known, feature, aspect)
        if (not feature or row.value is not None) and (not aspect or row.said is not None):
            found.append(row)
    return Rows(found[:MOST_ROWS], len(opinions), len(found))


def _row(one: Opinion, known: Any, feature: str, aspect: str) -> Row:
    value = _number(known.features.get(feature))
    return Row(one.execution_id, one.example_id, one.who[0], value, _number(one.aspects.get(aspect)), one.quality)


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
