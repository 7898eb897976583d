"""A file as batches of checked rows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from learning.formats.bounds import BadFile, BadRow
from learning.formats.catalogue import AUTO, FORMATS, detect, records_of, row_of
from learning.formats.containers import Part, parts_of
from learning.formats.rows import unused_names
from learning.formats.staging import Line, line_of

ROWS = 5_000
PLACE = ("part", "at", "number")  # what a cursor has
CHARACTERS = 4_000_000
ENOUGH_NAMES = 50  # that are not used: more of them tell nobody more


class Refusal(NamedTuple):
    """Why a record is no row. `field`: what is at fault in it; empty where it is the record as a whole."""

    number: int
    field: str
    reason: str


@dataclass
class Batch:
    """Rows, as they are stored, by their numbers, and why others are none.

    `unused`: names in any record that no field of ours takes. `cursor`: where to go on after it, for `read_batches`.
    """

    part: str
    format: str
    rows: list[tuple[int, Line]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    unused: set[str] = field(default_factory=set)
    characters: int = 0
    cursor: dict[str, int] = field(default_factory=dict)

    def add(self, number: int, record: dict[str, Any] | str, columns: Mapping[str, str]) -> None:
        """Take a record, or the reason why it is none."""
        self._note_unused(record, columns)
        try:
            if isinstance(record, str):
                raise BadRow(record)
            row = row_of(self.format, record, columns)
        except BadRow as reason:
            self.refused.append(Refusal(number, reason.field, str(reason)))
            return
        self.rows.append((number, line_of(row)))
        self.characters += row.size

    def _note_unused(self, record: dict[str, Any] | str, columns: Mapping[str, str]) -> None:
        if len(self.unused) < ENOUGH_NAMES and isinstance(record, dict) and FORMATS[self.format].meaning is None:
            self.unused |= unused_names(record, columns)

    @property
    def count(self) -> int:
        return len(self.rows) + len(self.refused)

    @property
    def is_full(self) -> bool:
        return self.count >= ROWS or self.characters > CHARACTERS


def read_batches(
    path: Path,
    name: str = AUTO,
    columns: Mapping[str, str] | None = None,
    cursor: Mapping[str, int] | None = None,
) -> Iterator[Batch]:
    """Every record of a file, an archive or a folder, after `cursor`. Raises BadFile.

    Where a file breaks off, what came before is kept and the place is refused.
    """
    at = cursor or {}
    parts = parts_of(path)
    for place, part in enumerate(parts):
        if place < at.get("part", 0):
            continue
        chosen = detect(part) if name == AUTO else name
        shown = part.name if len(parts) > 1 else ""
        here = at if place == at.get("part", 0) else {}
        yield from _read_part(part, place, Batch(shown, chosen), columns or {}, here)


def _read_part(
    part: Part, place: int, batch: Batch, columns: Mapping[str, str], start: Mapping[str, int]
) -> Iterator[Batch]:
    number = start.get("number", 0)
    records = records_of(part, batch.format, start.get("at", 0), number, known=columns.values())
    try:
        for number, record, at in records:
            batch.add(number, record, columns)
            if batch.is_full:
                batch.cursor = {"part": place, "at": at, "number": number}
                yield batch
                batch = Batch(batch.part, batch.format)
    except BadFile as error:
        if not number:
            raise  # nothing was read: the file is not what it was said to be
        batch.refused.append(Refusal(number + 1, "", f"{error}; nothing after it was read"))
    batch.cursor = {"part": place + 1, "at": 0, "number": 0}
    yield batch
