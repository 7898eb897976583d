"""Reading a published version out, batch by batch, in the order of its examples, in a format of its reader.

Each batch is a transaction of its own in the organization's scope: a download lasts as long as its reader likes, and
holds two batches and no connection meanwhile. The next batch is read while this one is written. A version that loses
somebody under way is not read to its end: what was read ahead stays here, and the reader is told by an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from learning.formats.writing import TARGETS, write
from learning.models import TEST_SPLIT_READ, DatasetVersion, Split, TrainingDataset
from learning.services.reading_ahead import reading_ahead
from organizations import audit
from organizations.errors import Conflict, Missing, Refused
from organizations.scope import current_organization_id, organization_scope

BATCH = 1_000
OPEN = (Split.TRAIN.value, Split.VALIDATION.value)
ALL = "all"
FIRST = UUID(int=0)
PARSE = msgspec.json.Decoder().decode
READ = """
SELECT i.example_id::text, i.example_type, i.input_text, i.input_context::text, i.original_output, i.expected_output,
  i.rejected_output, i.weight, i.split, i.cluster_key, i.group_key, i.content_hash
FROM learning_datasetexample i
WHERE i.organization_id = %(organization)s AND i.version_id = %(version)s AND i.example_id > %(after)s
  AND i.split = ANY(%(splits)s)
ORDER BY i.example_id LIMIT %(most)s
"""
# Their pages are collected before the first is read, so that the next are on their way from the disk: an index scan
# asks for one after another. And no plan joins a batch with all examples of the organization, from the first one on.
TOGETHER = "SET LOCAL enable_indexscan TO off"
AS_BEFORE = "SET LOCAL enable_indexscan TO DEFAULT"
DESCRIBE = """
SELECT e.id::text, coalesce(nullif(e.external_id, ''), e.id::text), a.external_id, e.source_type, e.domain, e.task_type,
  e.complexity, e.tags, e.quality_score
FROM learning_learningexample e
JOIN learning_agent a ON a.organization_id = e.organization_id AND a.id = e.agent_id
WHERE e.organization_id = %(organization)s AND e.id = ANY(%(examples)s::uuid[])
"""
IS_WHOLE = """
SELECT EXISTS (SELECT FROM learning_datasetversion
  WHERE organization_id = %(organization)s AND id = %(version)s AND erased_at IS NULL)
"""
FORGOTTEN = "Somebody in this version was forgotten. Export the version that replaced it."


@dataclass(frozen=True)
class Export:
    """A version that is to be read out. `after`: the last example that the reader has; `skip`: lines it has."""

    organization_id: UUID
    version_id: UUID
    manifest_hash: str
    format: str
    splits: Sequence[str]
    file_name: str
    after: UUID = FIRST
    skip: int = 0

    @property
    def tag(self) -> str:
        """The same version in the same format has it. Weak: what an example is tagged with may change later."""
        return f'W/"{self.manifest_hash[:40]}-{self.format}-{"-".join(self.splits)}-{self.after.hex[-12:]}-{self.skip}"'


def open_export(
    *, version: DatasetVersion, format: str = "jsonl", split: str = "", after: UUID | None = None, skip: int = 0
) -> Export:
    """What `stream_export` is to read. Without `split` the open splits; "test" and "all" break the seal, audited.

    Raises Refused, and Conflict for a version whose person was forgotten. Who may is the caller's to say.
    """
    if format not in TARGETS:
        raise Refused(f"The formats are: {', '.join(TARGETS)}.", "format")
    if split not in ("", ALL, *Split.values):
        raise Refused(f"The splits are: {', '.join(Split.values)}, {ALL}.", "split")
    if version.erased_at is not None:
        raise Conflict(FORGOTTEN, "version")
    splits = [*OPEN] if not split else [*Split.values] if split == ALL else [split]
    if is_sealed(split):
        told = {"export": format, "examples": version.test_count}
        audit.record(action=TEST_SPLIT_READ, target=version, after=told)
    name = "".join(sign if sign.isalnum() and sign.isascii() else "-" for sign in version.dataset.name)[:80]
    file_name = f"{name}-{version.number}{f'-{split}' if split else ''}.{TARGETS[format].ending}"
    return Export(
        current_organization_id(), version.pk, version.manifest_hash, format, splits, file_name, after or FIRST, skip
    )


def is_sealed(split: str) -> bool:
    """Whether an export of this split reads the sealed test examples."""
    return split in (Split.TEST, ALL)


def find_version(*, dataset: TrainingDataset, number: int | None = None) -> DatasetVersion:
    """The version with that number, or the newest, which is one that nobody was erased from. Raises Missing."""
    versions = dataset.versions.select_related("dataset").order_by("-number")
    whole = versions.filter(erased_at=None) if number is None else versions.filter(number=number)
    found = whole.first() or (versions.first() if number is None else None)
    if found is None:
        raise Missing("This dataset has no such version." if number else "This dataset has no version yet.", "version")
    return found


def stream_export(export: Export) -> Iterator[bytes]:
    """The file in pieces. Outside of any scope, or inside that of the organization.

    Raises Conflict in the middle of it when somebody is forgotten whom the version holds: the rest would be another
    file than the one that was begun.
    """
    return write(export.format, _batches(export), export.skip)


def _batches(export: Export) -> Iterator[list[dict[str, Any]]]:
    with reading_ahead() as read_soon:
        soon: Callable[[], tuple[list[dict[str, Any]], UUID | None]] = read_soon(_read, export, export.after)
        more = True
        while more:
            items, last = soon()
            more = last is not None
            # Read a while ago, or after an erasure had taken something away: either shows now, before it goes out.
            checked = read_soon(_check_whole, export)
            if more:
                soon = read_soon(_read, export, last)
            checked()
            if items:
                yield items


def _read(export: Export, after: UUID) -> tuple[list[dict[str, Any]], UUID | None]:
    """The next items, and the last of them when there may be more."""
    more = {"after": after, "splits": list(export.splits), "most": BATCH}
    with organization_scope(export.organization_id), connection.cursor() as cursor:
        cursor.execute(READ, _naming(export) | more)
        rows = cursor.fetchall()
        cursor.execute(TOGETHER)
        cursor.execute(DESCRIBE, {"organization": export.organization_id, "examples": [row[0] for row in rows]})
        described = {row[0]: row for row in cursor.fetchall()}
        cursor.execute(AS_BEFORE)  # for the caller's transaction, where there is one
    # An example that is missing was erased between the two: its version is not whole any more, and nothing goes out.
    items = [_item(row, described[row[0]]) for row in rows if row[0] in described]
    return items, UUID(rows[-1][0]) if len(rows) == BATCH else None


def _check_whole(export: Export) -> None:
    """Raises Conflict when somebody was forgotten whom the version held."""
    with organization_scope(export.organization_id), connection.cursor() as cursor:
        cursor.execute(IS_WHOLE, _naming(export))
        if cursor.fetchone() != (True,):
            raise Conflict(FORGOTTEN, "version")


def _naming(export: Export) -> dict[str, Any]:
    return {"organization": export.organization_id, "version": export.version_id}


def _item(row: tuple[Any, ...], about: tuple[Any, ...]) -> dict[str, Any]:
    """In the order of COLUMNS."""
    pk, kind, asked, context, original, expected, rejected, weight, split, cluster, group, content = row
    _, external, agent, source, domain, task_type, complexity, tags, quality = about
    return {
        "example_id": pk, "external_id": external, "agent_id": agent, "example_type": kind,
        "source_type": source, "input_text": asked, "input_context": {} if context == "{}" else PARSE(context),
        "original_output": original, "expected_output": expected, "rejected_output": rejected, "domain": domain,
        "task_type": task_type, "complexity": complexity, "tags": tags, "quality_score": quality, "weight": weight,
        "split": split, "cluster_key": cluster, "group_key": group, "content_hash": content,
    }  # fmt: skip
