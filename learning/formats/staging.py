"""A row of an import as PostgreSQL's COPY reads it in text format, with NULL written as nothing. Pure.

https://www.postgresql.org/docs/current/sql-copy.html, "Text Format": a tab between fields, a newline after a row; a
backslash, a tab and the ends of lines are written with a backslash.
"""

from __future__ import annotations

from learning.formats.rows import Row

COLUMNS = (  # of what `fields_of` tells, in its order, and their types
    ("external_id", "text"), ("source_hash", "text"), ("example_type", "text"), ("input_text", "text"),
    ("input_context", "jsonb"), ("original_output", "text"), ("expected_output", "text"), ("rejected_output", "text"),
    ("domain", "text"), ("task_type", "text"), ("complexity", "int"), ("tags", "text[]"), ("quality_score", "float8"),
    ("weight", "float8"), ("user_id", "text"),
)  # fmt: skip
BETWEEN = len(COLUMNS) - 1


def fields_of(row: Row) -> str:
    """What is stored of a row; what is empty is NULL.

    Without what is decided where it is stored: its id, agent, source and cluster.
    """
    told = (
        row.external_id, row.source_hash, row.example_type, row.input_text,
        row.context_json, row.original_output, row.expected_output, row.rejected_output,
        row.domain, row.task_type, _number(row.complexity), _list(row.tags), _number(row.quality_score),
        _number(row.weight), row.user_id,
    )  # fmt: skip
    text = "\t".join(told)
    if "\\" in text or "\n" in text or "\r" in text or text.count("\t") != BETWEEN:
        return "\t".join(map(_escape, told))
    return text


def _escape(field: str) -> str:
    return field.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _list(values: list[str]) -> str:
    """An array as PostgreSQL reads it."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}" if values else ""
