"""What is stored of a row of an import, as PostgreSQL's COPY reads text, with NULL written as nothing. Pure.

https://www.postgresql.org/docs/current/sql-copy.html, "Text Format": a tab between fields, a newline after a row; a
backslash, a tab and the ends of lines are written with a backslash.
"""

from __future__ import annotations

import msgspec

from learning.formats.rows import USER_NAMES, Row
from learning.formats.texts import hash_input

COLUMNS = (  # of what `fields_of` tells, in its order, and their types
    ("external_id", "text"), ("source_hash", "text"), ("example_type", "text"), ("input_text", "text"),
    ("input_context", "jsonb"), ("original_output", "text"), ("expected_output", "text"), ("rejected_output", "text"),
    ("domain", "text"), ("task_type", "text"), ("complexity", "int"), ("tags", "text[]"), ("quality_score", "float8"),
    ("weight", "float8"), ("user_id", "text"),
)  # fmt: skip
BETWEEN = len(COLUMNS) - 1


class Line(msgspec.Struct, gc=False):  # nothing in it refers back to it
    """A row on its way into the database. `fields`: its `COLUMNS`, the rest is what decides where it goes.

    `names_user`: whether it says whose it is. A row that comes with its split begins a cluster of its own, unless it
    names one.
    """

    external_id: str
    source_hash: str
    fields: str
    agent_id: str = ""
    source_type: str = ""
    cluster_key: str = ""
    split: str = ""
    names_user: bool = False


def line_of(row: Row) -> Line:
    return Line(
        external_id=row.external_id,
        source_hash=row.source_hash,
        fields=fields_of(row),
        agent_id=row.agent_id,
        source_type=row.source_type,
        cluster_key=row.cluster_key or (hash_input(row.input_text) if row.split else ""),
        split=row.split,
        names_user=bool(row.user_id) or not row.input_context.keys().isdisjoint(USER_NAMES),
    )


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
