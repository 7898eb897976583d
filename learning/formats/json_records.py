"""JSON records: one object a line, or one list of objects. Never more than one record in memory. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from learning.formats.bounds import CHUNK, LONGEST_LINE, BadRow, decode_line, read_lines
from learning.formats.rows import DEEPEST, check_depth

BOM = b"\xef\xbb\xbf"
# A whole text, a text whose end was not read yet, or a bracket.
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|"(?:[^"\\]|\\.)*+\\?\Z|[\[\]{}]', re.DOTALL)
BETWEEN = re.compile(rb"[\s,]*")
Records = Iterator[tuple[int, dict[str, Any] | str, int]]  # (number, record or why it is none, bytes read so far)


def read(file: BinaryIO, at: int = 0, number: int = 0) -> Records:
    """The records after the first `number`, which end `at` bytes into the file."""
    head = file.read(CHUNK)
    file.seek(at)
    if head.removeprefix(BOM).lstrip().startswith(b"["):
        return _read_list(file, at, number)
    return _read_lines(file, at, number)


def parse(text: str) -> dict[str, Any]:
    """The object in a text. Raises BadRow."""
    try:
        value = _decode(text)
        if text.count("[") + text.count("{") > DEEPEST:
            check_depth(value)
    except RecursionError as error:
        raise BadRow(f"it is nested deeper than {DEEPEST} levels") from error
    except ValueError as error:
        raise BadRow(f"it is no JSON: {_place(error)}") from error
    if not isinstance(value, dict):
        raise BadRow("it is no JSON object")
    return value


def _decode(text: str) -> Any:
    """What a quick parser takes means the same to the one that says what is wrong, and where. Raises ValueError."""
    try:
        return QUICK(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return DECODER.decode(text)


def _place(error: ValueError) -> str:
    """What the parser says, never what it read."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    return str(error)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


QUICK = msgspec.json.Decoder().decode
DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def _read_lines(file: BinaryIO, at: int, number: int) -> Records:
    for line, size in read_lines(file):
        number, at = number + 1, at + size
        if line is None:
            yield number, f"the line is longer than {LONGEST_LINE:,} bytes", at
            continue
        if number == 1:
            line = line.removeprefix(BOM)
        if line.strip():
            yield number, _record(line), at


def _record(line: bytes) -> dict[str, Any] | str:
    try:
        return parse(decode_line(line))
    except BadRow as reason:
        return str(reason)


def _read_list(file: BinaryIO, at: int, number: int) -> Records:
    if at == 0:
        at = _skip_opening(file)
    buffer = b""
    while True:
        buffer, blank, end = _next_object(file, buffer)
        at += blank
        if end is None:
            return
        number += 1
        if end < 0:
            yield number, BROKEN[end], at
            return
        at += end
        yield number, _record(BETWEEN.sub(b"", buffer[:end], count=1)), at
        buffer = buffer[end:]


TOO_LONG, NO_OBJECT, CUT_OFF, BLANK = -1, -2, -3, -4
BROKEN = {
    TOO_LONG: f"the object is longer than {LONGEST_LINE:,} bytes; nothing after it was read",
    NO_OBJECT: "it is no JSON object; nothing after it was read",
    CUT_OFF: "the file ends before the object does",
    BLANK: f"there are more than {LONGEST_LINE:,} bytes of blanks; nothing after them was read",
}


def _skip_opening(file: BinaryIO) -> int:
    position = file.read(CHUNK).index(b"[") + 1
    file.seek(position)
    return position


def _next_object(file: BinaryIO, buffer: bytes) -> tuple[bytes, int, int | None]:
    """(what was read and not used, how many blanks before it were dropped, the end of the next object in it).

    The end is None at the end of the list, or says why there is no object.
    """
    blank = 0
    while True:
        start = BETWEEN.match(buffer).end()  # type: ignore[union-attr]
        if start < len(buffer):
            end = _end_or_reason(buffer, start)
            if end != CUT_OFF:
                return buffer, blank, end
        else:
            buffer, blank = b"", blank + start
            if blank > LONGEST_LINE:
                return buffer, blank, BLANK
        more = file.read(max(CHUNK, len(buffer)))  # an object at most
        if not more:
            return buffer, blank, CUT_OFF
        buffer += more


def _end_or_reason(buffer: bytes, start: int) -> int | None:
    """CUT_OFF: the buffer ends before it."""
    if buffer[start : start + 1] == b"]":
        return None
    if buffer[start : start + 1] != b"{":
        return NO_OBJECT
    end = _end_of_object(buffer, start)
    if end is not None and end - start <= LONGEST_LINE:
        return end
    return TOO_LONG if len(buffer) - start > LONGEST_LINE else CUT_OFF


def _end_of_object(buffer: bytes, start: int) -> int | None:
    depth = 0
    for token in TOKEN.finditer(buffer, start):
        sign = token.group()
        if sign in (b"{", b"["):
            depth += 1
        elif sign in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                return token.end()
    return None
