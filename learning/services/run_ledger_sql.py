"""The statements of the ledger, which writes many times a second: one keeps all that was settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import uuid_utils.compat
from django.db import connection
from django.utils import timezone
from psycopg.types.json import Jsonb

from learning.llm_ledger import Settled
from organizations.scope import current_organization_id

# The key may be referred to meanwhile (log lines, chunks): its lock leaves that alone.
LOCK = """
SELECT status, attempt, cancel_requested, seconds, claimed_at, llm_calls, input_tokens, output_tokens, held_tokens,
  cost, held_cost, status = 'cancelled' AND failure_reason <> ''
FROM learning_trainingrun WHERE organization_id = %s AND id = %s FOR NO KEY UPDATE"""
WRITE = """
WITH kept AS (
  INSERT INTO learning_llmresponse (organization_id, created_at, updated_at, id, key, model, text, input_tokens,
    output_tokens, seconds)
  SELECT %(organization)s, now(), now(), * FROM unnest(%(ids)s::uuid[], %(keys)s::text[], %(models)s::text[],
    %(texts)s::text[], %(asked)s::int[], %(answered)s::int[], %(seconds)s::float8[])
  ON CONFLICT (organization_id, key) DO NOTHING
), done AS (
  UPDATE learning_evaluationchunk c SET status = 'done', requests = '[]', refused = d.refused, heartbeat_at = now(),
    updated_at = now()
  FROM unnest(%(chunks)s::uuid[], %(attempts)s::int[], %(refused)s::jsonb[]) AS d(id, attempt, refused)
  WHERE c.organization_id = %(organization)s AND c.id = d.id AND c.attempt = d.attempt AND c.status = 'running'
)
UPDATE learning_trainingrun SET llm_calls = llm_calls + %(calls)s,
  estimated_calls = estimated_calls + %(estimated_calls)s, input_tokens = input_tokens + %(input_tokens)s,
  output_tokens = output_tokens + %(output_tokens)s, held_tokens = held_tokens + %(held_tokens)s,
  cost = CASE WHEN %(unpriced)s THEN NULL ELSE cost + %(cost)s END, held_cost = held_cost + %(held_cost)s
WHERE organization_id = %(organization)s AND id = %(run)s"""
# The oldest that nobody has, or whose worker went silent. A helper gets none while there are enough of them.
CLAIM = """
WITH free AS MATERIALIZED (  -- once: a subquery of the UPDATE may be run again for each row, and lock more each time
  SELECT id FROM learning_evaluationchunk
  WHERE organization_id = %(organization)s AND run_id = %(run)s AND attempt < %(most)s
    AND (%(helper)s = '' OR %(helpers)s > (
      SELECT count(DISTINCT other.helper) FROM learning_evaluationchunk other
      WHERE other.organization_id = %(organization)s AND other.run_id = %(run)s AND other.status = 'running'
        AND other.heartbeat_at >= statement_timestamp() - %(silence)s AND other.helper NOT IN ('', %(helper)s)))
    AND (status = 'pending' OR (status = 'running' AND heartbeat_at < statement_timestamp() - %(silence)s))
  ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE learning_evaluationchunk c SET status = 'running', attempt = attempt + 1, helper = %(helper)s,
  heartbeat_at = statement_timestamp()
FROM free WHERE c.organization_id = %(organization)s AND c.id = free.id
RETURNING c.id, c.attempt, c.keys, c.requests"""


class RunRow(NamedTuple):
    """What the ledger reads of a run."""

    status: str
    attempt: int
    cancel_requested: bool
    seconds: float  # that attempts before this one took
    claimed_at: datetime | None
    llm_calls: int
    input_tokens: int
    output_tokens: int
    held_tokens: int
    cost: Decimal | None
    held_cost: Decimal
    forgotten: bool  # ended because a person whose data it read is being erased: a person who cancels gives no reason

    @property
    def worked_seconds(self) -> float:
        """That were worked on the run until now."""
        return self.seconds + (0.0 if self.claimed_at is None else (timezone.now() - self.claimed_at).total_seconds())


@dataclass(frozen=True)
class Change:
    """By how much the columns of a run change. `unpriced`: a part of it has no price.

    `estimated_calls`: those whose tokens are estimated, because the server did not count them.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    held_tokens: int = 0
    cost: Decimal = Decimal(0)
    held_cost: Decimal = Decimal(0)
    unpriced: bool = False
    estimated_calls: int = 0

    def __add__(self, other: Change) -> Change:
        return Change(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.held_tokens + other.held_tokens,
            self.cost + other.cost,
            self.held_cost + other.held_cost,
            self.unpriced or other.unpriced,
            self.estimated_calls + other.estimated_calls,
        )


@dataclass(frozen=True)
class DoneChunk:
    """A chunk at its end; `refused`: the keys without an answer, and why."""

    pk: UUID
    attempt: int
    refused: Mapping[str, str]


def lock_run(run_id: UUID) -> RunRow | None:
    """The run, ours alone until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [current_organization_id(), run_id])
        row = cursor.fetchone()
    return None if row is None else RunRow(*row)


def write_change(run_id: UUID, change: Change, settled: Sequence[Settled], done: Iterable[DoneChunk]) -> None:
    """The answers (refusals are not remembered), the chunks that are done, and what the run has used by now."""
    # In one order: two runs that are answered the same would wait for each other.
    kept = sorted((one for one in settled if not one.completion.error), key=lambda one: one.call.key)
    chunks = list(done)
    values: dict[str, Any] = {
        **{name: getattr(change, name) for name in Change.__dataclass_fields__},
        "organization": current_organization_id(),
        "run": run_id,
        "ids": [uuid_utils.compat.uuid7() for _ in kept],
        "keys": [one.call.key for one in kept],
        "models": [one.call.request.model[:200] for one in kept],
        "texts": [one.completion.text for one in kept],
        "asked": [one.completion.input_tokens for one in kept],
        "answered": [one.completion.output_tokens for one in kept],
        "seconds": [one.completion.seconds for one in kept],
        "chunks": [one.pk for one in chunks],
        "attempts": [one.attempt for one in chunks],
        "refused": [Jsonb(dict(one.refused)) for one in chunks],
    }
    with connection.cursor() as cursor:
        cursor.execute(WRITE, values)
