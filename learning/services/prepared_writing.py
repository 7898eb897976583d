"""What preparing found out about examples, written in one statement for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from learning.formats.rows import ENCODER
from learning.models import LearningExample
from organizations.scope import current_organization_id

TEXTS = ("input_text", "input_context", "original_output", "expected_output", "rejected_output")
FOUND = ("redaction_found", "quality_flags", "input_hash", "content_hash", "prepared_version")
PLACE = ("cluster_key", "is_bridge", "is_representative")
# What a row does not name stays as it is in the table: texts that hold nothing personal, places that were there before,
# and clusters that were merged meanwhile.
WRITE = f"""
UPDATE learning_learningexample e SET updated_at = %(now)s,
  {", ".join(f"{name} = r.{name}" for name in FOUND)},
  {", ".join(f"{name} = coalesce(r.{name}, e.{name})" for name in (*TEXTS, *PLACE))}
FROM json_to_recordset(%(rows)s::json) AS r(id uuid, redaction_found jsonb, quality_flags text[], input_hash text,
  content_hash text, prepared_version int, input_text text, input_context jsonb, original_output text,
  expected_output text, rejected_output text, cluster_key text, is_bridge bool, is_representative bool)
WHERE e.organization_id = %(organization)s AND e.id = r.id
"""  # noqa: S608  our own names


def write_prepared(examples: Sequence[LearningExample], *, redacted: set[UUID], placed: set[UUID]) -> None:
    """In the caller's transaction. redacted, placed: which have other texts, and another place, than in the table.

    All have the `updated_at` of the first.
    """
    if not examples:
        return
    rows = [_row(example, example.pk in redacted, example.pk in placed) for example in examples]
    values: dict[str, Any] = {
        "rows": ENCODER.encode(rows), "now": examples[0].updated_at, "organization": current_organization_id(),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(WRITE, values)


def _row(example: LearningExample, redacted: bool, placed: bool) -> dict[str, Any]:
    names = [*FOUND, *(TEXTS if redacted else ()), *(PLACE if placed else ())]
    return {"id": str(example.pk)} | {name: getattr(example, name) for name in names}
