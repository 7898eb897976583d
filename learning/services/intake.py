"""What the intake of executions and of feedback have in common: one outcome for each item, and each item once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from organizations.errors import Refused
from organizations.scope import current_organization_id

MAX_BATCH = 1000  # items
_in_order = json.JSONEncoder(sort_keys=True, default=str).encode  # made once: json.dumps makes one each time


@dataclass(frozen=True)
class Outcome:
    """What became of one item: stored under `id` (now, or by the same request before: `replayed`), or refused."""

    id: UUID | None = None
    replayed: bool = False
    refusal: Refused | None = None

    def stored_id(self) -> UUID:
        """The id of the stored row. Raises the refusal when there is none."""
        if self.refusal is not None:
            raise self.refusal
        assert self.id is not None  # noqa: S101  an outcome has one or the other
        return self.id


def digest_of(item: Mapping[str, Any]) -> str:
    """SHA-256 of what was asked for, whatever the order of its fields."""
    return hashlib.sha256(_in_order(item).encode()).hexdigest()


def insert_rows(statement: str, rows: Sequence[Mapping[str, Any]], **parameters: Any) -> set[UUID]:
    """Run an INSERT that reads its rows from `json_to_recordset(%(rows)s)`; the ids that it returns.

    The values travel as one JSON parameter, so that one row and a thousand take the same statement and one round trip.
    """
    given = {"rows": json.dumps(rows, default=str), "organization": current_organization_id(), **parameters}
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return {row[0] for row in cursor.fetchall()}
