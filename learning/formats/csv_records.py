"""CSV with a header, read record by record and written line by line; cells are no formulas. Pure.

A spreadsheet takes a cell that begins with one of = + - @ for a formula. Such a cell is written with an apostrophe
before it, which reading takes off again, so that nothing is lost.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from learning.formats.bounds import LONGEST_LINE, BadFile, BadRow, decode_line, read_lines
from learning.formats.json_records import BOM, Records, parse
from learning.formats.rows import ALIASES, FIELDS

FORMULA = re.compile(r"'*[=+\-@\t\r]")
GUARDED = re.compile(r"'+[=+\-@\t\r]")
JSON_CELLS = {"input_context"}
MOST_COLUMNS = 200
# Bytes that may be read twice, beside twice what was read: a file of nothing but mistakes is no more work than another.
READ_AGAIN = 4_000_000


def read(file: BinaryIO, at: int = 0, number: int = 0, columns: Iterable[str] = ()) -> Records:
    """The records after line `number`, which ends `at` bytes into the file. Raises BadFile for a bad header.

    columns: names that the caller knows, besides ours and the aliases.
    """
    csv.field_size_limit(LONGEST_LINE)
    feed = _Feed(file)
    names = _header(feed, {*FIELDS, *ALIASES, *columns})
    if at:
        file.seek(at)
        feed.at, feed.number = at, number
    while True:
        feed.begin()
        try:
            cells = next(csv.reader(feed, strict=True), None)
            if cells is None:
                return
            record: dict[str, Any] | str = _record(names, cells) if cells else {}
        except (BadRow, csv.Error) as error:
            record = str(error) if isinstance(error, BadRow) else "a quotation mark is out of place, or a cell too long"
            if not feed.back_to_second_line():
                record += f"; what is up to line {feed.number} is refused with it"
        if record:
            yield feed.first, record, feed.at


class _Feed:
    """Lines for the parser of CSV. What goes wrong is given back but for its first line, unless that is much."""

    def __init__(self, file: BinaryIO) -> None:
        self.lines = read_lines(file)
        self.again: list[tuple[bytes | None, int]] = []  # to be read once more, the next one last
        self.record: list[tuple[bytes | None, int]] = []
        self.at = self.number = self.first = self.size = self.given_back = 0

    def begin(self) -> None:
        self.record, self.size, self.first = [], 0, self.number + 1

    def back_to_second_line(self) -> bool:
        """False when too much was given back before: the record goes as a whole."""
        lines = self.record[1:]
        size = sum(size for _, size in lines)
        if lines and self.given_back + size > READ_AGAIN + 2 * self.at:
            return False
        self.given_back += size
        self.again += reversed(lines)
        self.number -= len(lines)
        self.at -= size
        return True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line, size = self.again.pop() if self.again else next(self.lines)
        self.record.append((line, size))
        self.at, self.number, self.size = self.at + size, self.number + 1, self.size + size
        if line is None or self.size > LONGEST_LINE:
            raise BadRow(f"the record is longer than {LONGEST_LINE:,} bytes; is a quotation mark missing?")
        return decode_line(line.removeprefix(BOM) if self.number == 1 else line)


def _header(feed: _Feed, known: set[str]) -> list[str]:
    try:
        names = [name.strip() for name in next(csv.reader(feed, strict=True), [])]
    except (BadRow, csv.Error) as error:
        raise BadFile("the first line is no header of a CSV file") from error
    if not known & set(names):
        raise BadFile("the header names no column that is known here; name yours, such as input_text=question")
    if len(names) > MOST_COLUMNS or len(set(names)) < len(names):
        raise BadFile(f"the header names a column twice, or more than {MOST_COLUMNS}")
    return names


def _record(names: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    if len(cells) != len(names):
        raise BadRow(f"it has {len(cells)} cells where the header has {len(names)}")
    record: dict[str, Any] = {
        name: cell[1:] if cell[:1] == "'" and GUARDED.match(cell) else cell
        for name, cell in zip(names, cells, strict=True)
    }
    if record.get("input_context"):
        record["input_context"] = parse(record["input_context"])
    if record.get("tags"):
        record["tags"] = parse('{"tags":' + record["tags"] + "}")["tags"] if record["tags"][:1] == "[" else [
            tag.strip() for tag in record["tags"].split(",") if tag.strip()
        ]  # fmt: skip
    return record


def guard(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if FORMULA.match(cell) else cell


def write_line(cells: Iterable[Any]) -> str:
    """One line of CSV; None is an empty cell."""
    out = io.StringIO()
    csv.writer(out).writerow(["" if cell is None else guard(cell) if isinstance(cell, str) else cell for cell in cells])
    return out.getvalue()
