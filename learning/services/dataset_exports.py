"""Reading a published version out, batch by batch, in the order of its examples, in a format of its reader.

Each batch is a transaction of its own in the organization's scope: a download lasts as long as its reader likes, and
holds neither memory nor a connection meanwhile. The next batch is read while this one is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from learning.formats.schemas import COLUMNS
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
READ = """
SELECT i.example_id::text, coalesce(nullif(e.external_id, ''), i.example_id::text), a.external_id,
  i.example_type, e.source_type, i.input_text, i.input_context::text, i.original_output, i.expected_output,
  i.rejected_output, e.domain, e.task_type, e.complexity, e.tags, e.quality_score, i.weight, i.split, i.cluster_key,
  i.group_key, i.content_hash
FROM learning_datasetexample i
JOIN learning_learningexample e ON e.organization_id = i.organization_id AND e.id = i.example_id
JOIN learning_agent a ON a.organization_id = e.organization_id AND a.id = e.agent_id
WHERE i.organization_id = %(organization)s AND i.version_id = %(version)s AND i.example_id > %(after)s
  AND i.split = ANY(%(splits)s)
ORDER BY i.example_id LIMIT %(most)s
"""


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
        raise Conflict("Somebody in this version was forgotten. Export the version that replaced it.", "version")
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
    """The file in pieces. Outside of any scope, or inside that of the organization."""
    return write(export.format, _batches(export), export.skip)


def _batches(export: Export) -> Iterator[list[dict[str, Any]]]:
    with reading_ahead() as read_soon:
        soon: Callable[[], list[tuple[Any, ...]]] = read_soon(_read, export, export.after)
        while rows := soon():
            last = len(rows) < BATCH
            if not last:
                soon = read_soon(_read, export, UUID(rows[-1][0]))
            yield [_item(row) for row in rows]
            if last:
                return


def _read(export: Export, after: UUID) -> list[tuple[Any, ...]]:
    parameters: dict[str, Any] = {
        "organization": export.organization_id, "version": export.version_id, "after": after,
        "splits": list(export.splits), "most": BATCH,
    }  # fmt: skip
    with organization_scope(export.organization_id), connection.cursor() as cursor:
        cursor.execute(READ, parameters)
        return list(cursor.fetchall())


def _item(row: tuple[Any, ...]) -> dict[str, Any]:
    item = dict(zip(COLUMNS, row, strict=True))
    context = item["input_context"]
    item["input_context"] = {} if context == "{}" else json.loads(context)
    return item
