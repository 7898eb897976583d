"""Feedback that came before its execution: it waits, and is joined when the execution comes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from organizations.scope import current_organization_id

# An example keeps the texts that somebody gave it meanwhile; only what is missing is filled in.
JOIN = """
WITH joined AS (
  UPDATE learning_agentfeedback f SET execution_id = k.id, updated_at = now()
  FROM learning_executionkey k
  WHERE f.organization_id = %(organization)s AND f.execution_id IS NULL AND f.execution_external_id <> ''
    AND f.created_at >= %(since)s AND k.organization_id = f.organization_id AND k.agent_id = f.agent_id
    AND k.external_id = f.execution_external_id AND (%(ids)s::uuid[] IS NULL OR k.id = ANY(%(ids)s::uuid[]))
  RETURNING f.id, f.execution_id
), filled AS (
  UPDATE learning_learningexample e SET updated_at = now(), source_execution_id = x.id,
    input_text = CASE WHEN e.input_text = '' THEN x.input ELSE e.input_text END,
    input_context = CASE WHEN e.input_context = '{}'::jsonb THEN x.context ELSE e.input_context END,
    original_output = CASE WHEN e.original_output = '' THEN x.output ELSE e.original_output END
  FROM joined JOIN learning_execution x ON x.id = joined.execution_id
  WHERE e.organization_id = %(organization)s AND e.source_feedback_id = joined.id
)
SELECT count(*) FROM joined
"""
LONG_AGO = timedelta(days=36500)


def join_early_feedback(*, execution_ids: Sequence[UUID] | None = None, younger_than: timedelta = LONG_AGO) -> int:
    """Give waiting feedback its execution, and the examples made of it their texts; how many were joined.

    `execution_ids` looks at these executions alone. The sweep looks at all: it finds the pairs that were stored by two
    requests at the same moment, neither of which could see the other.
    """
    parameters: dict[str, Any] = {
        "organization": current_organization_id(),
        "since": timezone.now() - younger_than,
        "ids": list(execution_ids) if execution_ids is not None else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(JOIN, parameters)
        return int(cursor.fetchone()[0])
