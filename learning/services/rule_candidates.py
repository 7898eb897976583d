"""What rules look at, read batch by batch in the order of keys: feedback with its execution, and executions alone.

Texts are not read here, only what decides. Nothing comes back of an execution that somebody did not consent to be
learned from, nor of one that is still running.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from learning.engines.rules import Candidate, is_sampled
from learning.models import RuleSource
from learning.services.rollup_sql import NEGATIVE, POSITIVE
from organizations.scope import current_organization_id

RECENT = 1_000  # executions of an agent that say what is slow for it
ENOUGH = 20
COLLECTION = "collection"  # the salt of the share that is collected at all

FEEDBACK = f"""
SELECT f.id, f.agent_id, f.execution_id, f.feedback_type, f.rating, f.issue_categories, f.feedback_text <> '',
  x.status, x.confidence, x.duration_ms, votes.ups, votes.downs,
  f.consent AND NOT votes.refused AND f.feedback_type <> 'correction' AND x.status <> 'running'
    AND octet_length(x.input) > 0 AS usable
FROM (
  SELECT * FROM learning_agentfeedback WHERE organization_id = %(organization)s {{chosen}} LIMIT %(limit)s
) f
LEFT JOIN learning_execution x ON x.organization_id = f.organization_id AND x.id = f.execution_id
LEFT JOIN LATERAL (
  SELECT count(*) FILTER (WHERE v.consent AND ({POSITIVE.replace("f.", "v.")})) AS ups,
    count(*) FILTER (WHERE v.consent AND ({NEGATIVE.replace("f.", "v.")})) AS downs,
    bool_or(NOT v.consent) AS refused
  FROM learning_agentfeedback v WHERE v.organization_id = f.organization_id AND v.execution_id = f.execution_id
) votes ON true
ORDER BY f.id
"""  # noqa: S608  our own conditions
EXECUTIONS = """
SELECT x.id, x.agent_id, x.id, '', NULL, '{{}}'::text[], false, x.status, x.confidence, x.duration_ms, 0, 0,
  x.status <> 'running' AND octet_length(x.input) > 0 AND NOT EXISTS (
    SELECT 1 FROM learning_agentfeedback v WHERE v.organization_id = x.organization_id AND v.execution_id = x.id
  ) AS usable
FROM (
  SELECT * FROM learning_execution WHERE organization_id = %(organization)s {chosen} LIMIT %(limit)s
) x
ORDER BY x.id
"""
STATEMENTS = {RuleSource.USER_FEEDBACK: FEEDBACK, RuleSource.EXECUTION_LOG: EXECUTIONS}
BETWEEN = "AND id > %(after)s AND id < %(before)s ORDER BY id"
NEWEST = "AND id > %(after)s AND id < %(before)s ORDER BY id DESC"
# The condition of the index feedback_joined, word for word.
JOINED = """
AND execution_external_id <> '' AND updated_at > created_at
AND updated_at > %(since)s AND updated_at <= %(until)s AND id <= %(mark)s AND execution_id IS NOT NULL
"""
JOINED_UP_TO = f"""
SELECT updated_at FROM learning_agentfeedback WHERE organization_id = %(organization)s {JOINED}
ORDER BY updated_at LIMIT 1 OFFSET %(before)s
"""  # noqa: S608  our own conditions
SLOW = """
SELECT percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms) FROM (
  SELECT duration_ms FROM learning_execution WHERE organization_id = %(organization)s AND agent_id = %(agent)s
  ORDER BY started_at DESC LIMIT %(recent)s
) recent HAVING count(duration_ms) >= %(enough)s
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What came in under `key`, and what rules want to know about it; `usable`: whether they may learn from it."""

    key: UUID
    agent_id: UUID
    execution_id: UUID | None
    candidate: Candidate
    usable: bool


def read_between(
    source: str, *, after: UUID, before: UUID, limit: int, newest: bool = False, slow: bool = False
) -> list[Found]:
    """What came in with keys between the two (both left out), in the order of keys; at most `limit`.

    newest: the newest of them; slow: whether some rule asks what is slow for an agent.
    """
    statement = STATEMENTS[RuleSource(source)].format(chosen=NEWEST if newest else BETWEEN)
    return _read(statement, {"after": after, "before": before, "limit": limit}, source, slow)


def read_joined(*, since: datetime, until: datetime, mark: UUID, slow: bool = False) -> list[Found]:
    """Feedback with keys up to `mark` that was changed in this span: mostly because its execution has come.

    All of it, in the order of keys; see `joined_up_to` for a span of bounded size.
    """
    given = {"since": since, "until": until, "mark": mark, "limit": None}
    return _read(FEEDBACK.format(chosen=JOINED), given, RuleSource.USER_FEEDBACK, slow)


def joined_up_to(*, since: datetime, until: datetime, mark: UUID, number: int) -> datetime | None:
    """Until when `number` of those pieces of feedback were changed; None when there are fewer in the whole span.

    A little more than `number` may have been: what one transaction joined has one time and is not divided.
    """
    given: dict[str, Any] = {"since": since, "until": until, "mark": mark, "before": number - 1}
    with connection.cursor() as cursor:
        cursor.execute(JOINED_UP_TO, given | {"organization": current_organization_id()})
        row = cursor.fetchone()
    return row[0] if row else None


def is_collected(execution_id: UUID) -> bool:
    """Whether an execution without feedback belongs to the share that is looked at (feedback.collection_rate)."""
    return is_sampled(str(execution_id), settings.LEARNING["feedback"]["collection_rate"], COLLECTION)


def _read(statement: str, given: dict[str, Any], source: str, slow: bool) -> list[Found]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given | {"organization": current_organization_id()})
        rows = cursor.fetchall()
    limits = slow_limits({row[1] for row in rows}) if slow else {}
    return [_found(row, source, limits.get(row[1])) for row in rows]


def slow_limits(agent_ids: Iterable[UUID]) -> dict[UUID, float]:
    """By agent, the milliseconds that 95 of 100 of its recent executions stay below; none where too few are known."""
    limits: dict[UUID, float] = {}
    with connection.cursor() as cursor:
        for agent_id in agent_ids:
            given: dict[str, Any] = {"organization": current_organization_id(), "agent": agent_id}
            cursor.execute(SLOW, given | {"recent": RECENT, "enough": ENOUGH})
            if (row := cursor.fetchone()) and row[0] is not None:
                limits[agent_id] = row[0]
    return limits


def _found(row: Sequence[Any], source: str, slow_above: float | None) -> Found:
    (
        key,
        agent_id,
        execution_id,
        kind,
        rating,
        categories,
        has_comment,
        status,
        confidence,
        duration,
        ups,
        downs,
        usable,
    ) = row
    candidate = Candidate(
        key=str(execution_id), feedback_type=kind, rating=rating, issue_categories=tuple(categories),
        has_comment=has_comment, status=status or "", confidence=confidence, duration_ms=duration,
        slow_above=slow_above, ups=ups, downs=downs,
    )  # fmt: skip
    collected = source == RuleSource.USER_FEEDBACK or is_collected(key)
    return Found(key, agent_id, execution_id, candidate, bool(usable) and collected)
