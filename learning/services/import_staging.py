"""The rows of an import on their way into the database: by COPY into a table of the session, and by one statement on.

COPY itself cannot write into a table under row-level security. The session's table is empty again when the transaction
ends, whatever its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from learning.formats.staging import COLUMNS
from organizations.scope import current_organization_id

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('learning.imports:' || %s::text, 0))"
OURS = (("id", "uuid"), ("agent_id", "uuid"), ("source_type", "text"), ("cluster_key", "text"))  # told beside a row
# A row stays in its page as long as it fits, and long texts are not compressed: they are read once, at once.
FRESH = f"""
CREATE TEMPORARY TABLE IF NOT EXISTS staged_import (
  {", ".join(f"{name} {kind}{' STORAGE EXTERNAL' if kind == 'text' else ''}" for name, kind in (*OURS, *COLUMNS))}
) WITH (toast_tuple_target = 8160) ON COMMIT DELETE ROWS;
DELETE FROM pg_temp.staged_import
"""  # noqa: S608  our own names
FILL = "COPY pg_temp.staged_import FROM STDIN (NULL '')"
INSERT = """
INSERT INTO learning_learningexample (id, organization_id, created_at, updated_at, agent_id, example_type, source_type,
  input_text, input_context, original_output, expected_output, rejected_output, domain, task_type, complexity, tags,
  quality_score, review_status, weight_override, external_id, source_hash, cluster_key, "user")
SELECT r.id, %(organization)s, now(), now(), r.agent_id, r.example_type, r.source_type, r.input_text, r.input_context,
  coalesce(r.original_output, ''), coalesce(r.expected_output, ''), coalesce(r.rejected_output, ''),
  coalesce(r.domain, a.domain), coalesce(r.task_type, ''), r.complexity, coalesce(r.tags, '{}'), r.quality_score,
  %(status)s, r.weight, r.external_id, r.source_hash, coalesce(r.cluster_key, ''), coalesce(r.user_id, '')
FROM pg_temp.staged_import r
JOIN learning_agent a ON a.organization_id = %(organization)s AND a.id = r.agent_id
ON CONFLICT (organization_id, agent_id, external_id) WHERE NOT (external_id = '') DO NOTHING
"""
WRITTEN = """
SELECT r.agent_id::text, r.external_id FROM pg_temp.staged_import r
JOIN learning_learningexample e ON e.organization_id = %(organization)s AND e.id = r.id
"""
# As everybody does who locks several: otherwise two would wait for each other, and one be ended for it.
LOCK_ROWS = """
SELECT count(*) FROM (
  SELECT e.id FROM learning_learningexample e
  WHERE e.organization_id = %(organization)s AND e.id IN (SELECT r.id FROM pg_temp.staged_import r)
  ORDER BY e.id FOR NO KEY UPDATE) locked
"""
# A changed example is judged again, unless whoever imports it approves what the file says.
UPDATE = """
UPDATE learning_learningexample e SET updated_at = now(), example_type = r.example_type, input_text = r.input_text,
  input_context = r.input_context, original_output = coalesce(r.original_output, ''),
  expected_output = coalesce(r.expected_output, ''), rejected_output = coalesce(r.rejected_output, ''),
  domain = coalesce(r.domain, e.domain), task_type = coalesce(r.task_type, ''), complexity = r.complexity,
  tags = coalesce(r.tags, '{}'), quality_score = r.quality_score, weight_override = r.weight,
  source_hash = r.source_hash, earlier_hashes = CASE WHEN e.source_hash = '' OR e.source_hash = ANY(e.earlier_hashes)
    THEN e.earlier_hashes ELSE e.earlier_hashes || e.source_hash END, "user" = coalesce(r.user_id, e."user"),
  review_status = CASE WHEN %(status)s = 'approved' OR e.review_status = 'pending'
    THEN %(status)s ELSE 'pending' END
FROM pg_temp.staged_import r
WHERE e.organization_id = %(organization)s AND e.id = r.id
"""
# Rows of a batch that others of it replaced: nobody was told what they say, but they may come again.
PASSED = """
UPDATE learning_learningexample e SET earlier_hashes = ARRAY(
  SELECT DISTINCT u.hash FROM unnest(e.earlier_hashes || p.hashes) AS u(hash) ORDER BY u.hash)
FROM (SELECT t.id, array_agg(t.hash ORDER BY t.hash) AS hashes
  FROM unnest(%(ids)s::uuid[], %(hashes)s::text[]) AS t(id, hash) GROUP BY t.id) p
WHERE e.organization_id = %(organization)s AND e.id = p.id
"""


def lock_imports() -> None:
    """No other import of this organization stores rows until the transaction ends.

    A batch holds many rows, in the order of its file: two at once could wait for each other's, and one would fail.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [current_organization_id()])


def insert_rows(*, lines: list[str], status: str) -> set[tuple[str, str]] | None:
    """Store what nobody had before: None where that is all of it, otherwise (agent's id, external id) of what it was.

    lines: what `line_of` makes.
    """
    with connection.cursor() as cursor:
        _stage(cursor, lines)
        cursor.execute(INSERT, {"organization": current_organization_id(), "status": status})
        if cursor.rowcount == len(lines):
            return None
        if not cursor.rowcount:
            return set()
        cursor.execute(WRITTEN, {"organization": current_organization_id()})
        return set(cursor.fetchall())


def update_rows(*, lines: list[str], status: str) -> None:
    """Let the examples with these ids say what the rows say."""
    with connection.cursor() as cursor:
        _stage(cursor, lines)
        cursor.execute(LOCK_ROWS, {"organization": current_organization_id()})
        cursor.execute(UPDATE, {"organization": current_organization_id(), "status": status})


def note_passed(*, hashes: Sequence[tuple[str, str]]) -> None:
    """(id, hash of a row) that an example was on its way to what it says now."""
    ids, passed = [pk for pk, _ in hashes], [one for _, one in hashes]
    with connection.cursor() as cursor:
        cursor.execute(PASSED, {"organization": current_organization_id(), "ids": ids, "hashes": passed})


def line_of(*, pk: object, agent_id: str, source_type: str, cluster_key: str, fields: str) -> str:
    """A line of COPY; none of the words before `fields` needs a backslash."""
    return f"{pk}\t{agent_id}\t{source_type}\t{cluster_key}\t{fields}\n"


def _stage(cursor: Any, lines: Iterable[str]) -> None:
    cursor.execute(FRESH)
    with cursor.copy(FILL) as copy:
        copy.write("".join(lines).encode())
