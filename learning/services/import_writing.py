"""Storing rows of an import: what is new, what changed and what is known is found and written set by set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection
from uuid_utils import uuid7

from learning.formats.rows import ENCODER
from learning.formats.staging import Line
from learning.models import ReviewStatus, SourceType, SplitAssignment
from learning.services.clusters import lock_splits
from learning.services.import_staging import insert_rows, line_of, lock_imports, note_passed, update_rows
from organizations.scope import current_organization_id

MADE = (SourceType.SYNTHETIC.value, SourceType.BENCHMARK.value)  # sources that a row may say of itself
Key = tuple[str, str]  # the agent's id and the external id
KNOWN = """
SELECT e.agent_id::text, e.external_id, e.source_hash, e.id::text
FROM json_to_recordset(%(keys)s::json) AS k(agent_id uuid, external_id text)
JOIN learning_learningexample e ON e.organization_id = %(organization)s AND e.agent_id = k.agent_id
  AND e.external_id = k.external_id AND e.external_id <> ''
"""


@dataclass
class Stored:
    """What became of a batch. `refused`: the places of rows that are known with other content."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[int] = field(default_factory=list)


class Seen:
    """What a dry run met so far, on disk: what an import finds in the database."""

    def __init__(self) -> None:
        import sqlite3  # of no use to a process that serves pages

        self.database = sqlite3.connect("", check_same_thread=False)  # a file without a name, gone with the connection
        self.database.execute("CREATE TABLE seen (agent TEXT, external TEXT, hash TEXT, PRIMARY KEY (agent, external))")

    def look_up(self, keys: Sequence[Key]) -> dict[Key, tuple[str, str]]:
        found: dict[Key, tuple[str, str]] = {}
        for key in keys:
            row = self.database.execute("SELECT hash FROM seen WHERE agent = ? AND external = ?", key).fetchone()
            if row:
                found[key] = (row[0], "")
        return found

    def remember(self, rows: Sequence[Line]) -> None:
        given = [(row.agent_id, row.external_id, row.source_hash) for row in rows]
        self.database.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", given)

    def close(self) -> None:
        self.database.close()


def need_not_wait() -> None:
    """Let the caller's transaction end before the disk has it, for what a crash may take back as a whole.

    An import's rows go with its place in the file, and its last step waits for the disk, which then has all before.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")


def store_rows(
    *, rows: Sequence[Line], update: bool, approve: bool, source_type: str, seen: Seen | None = None
) -> Stored:
    """Store a batch in the caller's transaction; with `seen` only say what would become of it.

    rows: `agent_id` is our id by now.
    """
    first: dict[Key, Line] = {}
    for row in rows:
        first.setdefault((row.agent_id, row.external_id), row)
    status = (ReviewStatus.APPROVED if approve else ReviewStatus.PENDING).value
    if not first:
        return Stored()
    if not seen:
        lock_imports()
    # What is new shows when it is written: two imports of the same file at a time store each row once.
    new = set() if seen else _insert(first, status, source_type)
    known = _known([key for key in first if key not in new])
    if seen:
        known |= seen.look_up([*first])
        new = set(first) - set(known)
    stored, changed, passed = _sort(rows, first, new, known, update)
    if seen:
        seen.remember([*(first[key] for key in new), *changed.values()])
        return stored
    # Before rows are locked that are changed: whoever prepares them locks splits first.
    _keep_splits([row for key, row in first.items() if key in new and row.cluster_key and row.split])
    if changed:
        known |= _known([key for key in changed if key in new])
        _update(changed, known, status, source_type)
        if passed:
            note_passed(hashes=[(known[key][1], one) for key, one in passed])
    return stored


def _sort(
    rows: Sequence[Line], first: dict[Key, Line], new: set[Key], known: dict[Key, tuple[str, str]], update: bool
) -> tuple[Stored, dict[Key, Line], list[tuple[Key, str]]]:
    """What each row means, in the order of the file, the rows that are to replace what is known, and the hashes of
    those that were to do so and are replaced themselves.
    """
    stored, changed, passed = Stored(new=len(new)), dict[Key, Line](), list[tuple[Key, str]]()
    if len(new) == len(rows):
        return stored, changed, passed
    for place, row in enumerate(rows):
        key = (row.agent_id, row.external_id)
        if row is first[key] and key in new:
            continue
        before = changed.get(key) or (first[key] if key in new else None)
        if row.source_hash == (before.source_hash if before else known[key][0]):
            stored.unchanged += 1
        elif update:
            if key in changed:
                passed.append((key, changed[key].source_hash))
            changed[key] = row
            stored.updated += 1
        else:
            stored.refused.append(place)
    return stored, changed, passed


def _insert(rows: dict[Key, Line], status: str, source_type: str) -> set[Key]:
    """Those that nobody had before."""
    lines = [_line(uuid7(), row, source_type) for row in rows.values()]
    new = insert_rows(lines=lines, status=status)
    return set(rows) if new is None else new


def _update(rows: dict[Key, Line], known: dict[Key, tuple[str, str]], status: str, source_type: str) -> None:
    lines = [_line(known[key][1], row, source_type) for key, row in rows.items()]
    update_rows(lines=lines, status=status)


def _line(pk: object, row: Line, source_type: str) -> str:
    made = row.source_type if row.source_type in MADE else source_type
    return line_of(
        pk=pk,
        agent_id=row.agent_id,
        source_type=made,
        cluster_key=row.cluster_key,
        fields=row.fields,
    )


def _known(keys: Sequence[Key]) -> dict[Key, tuple[str, str]]:
    """(hash of the row it was imported as, id) of the examples that are there."""
    if not keys:
        return {}
    asked = [{"agent_id": agent, "external_id": external} for agent, external in keys]
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, {"keys": ENCODER.encode(asked), "organization": current_organization_id()})
        return {(agent, external): (digest, pk) for agent, external, digest, pk in cursor.fetchall()}


def _keep_splits(rows: Sequence[Line]) -> None:
    """A cluster that comes with its split stays in it, unless this organization has assigned another."""
    splits = {row.cluster_key: row.split for row in rows}
    if not splits:
        return
    lock_splits()
    SplitAssignment.objects.bulk_create(
        (SplitAssignment(key=key, split=split) for key, split in sorted(splits.items())), ignore_conflicts=True
    )
