"""Rows of a file, one after the other: JSON lines, or CSV with a header."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import chain
from typing import Any, TextIO

LONGEST_LINE = 4_000_000  # characters


class BadFile(Exception):
    """The file as a whole cannot be read; the text says why."""


def read_rows(file: TextIO) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """(line number, the row, or why it is none). Raises BadFile. Never holds more than a line."""
    first = file.readline(LONGEST_LINE).removeprefix("\ufeff")
    if first.lstrip().startswith("["):
        raise BadFile(
            "This is one JSON list. Write one object a line: jq -c '.[]' FILE, or '.data[]' for an API's page."
        )
    lines = chain([first], iter(lambda: file.readline(LONGEST_LINE), ""))
    return _json_rows(lines) if first.lstrip().startswith("{") else _csv_rows(lines, first)


def _json_rows(lines: Iterator[str]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if len(line) >= LONGEST_LINE:
            raise BadFile(f"Line {number} is longer than {LONGEST_LINE:,} characters.")
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        yield number, row if isinstance(row, dict) else "the line is no JSON object"


def _csv_rows(lines: Iterator[str], header: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    if "," not in header:
        raise BadFile("The file begins neither with a JSON object nor with the header of a CSV.")
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.DictReader(lines)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadFile(f"Line {reader.line_num} is no CSV: {error}") from error
        whole = None not in row and None not in row.values()
        yield reader.line_num, row if whole else "the line has another number of columns than the header"
