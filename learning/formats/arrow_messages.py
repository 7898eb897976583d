"""An arrow stream whose messages are looked at before pyarrow acts on them. Pure.

Each message says in its head (a flatbuffer, Message.fbs of Apache Arrow) how long its body is and whether the buffers
in it are compressed. pyarrow makes room for whatever is said there, so it is checked first.
"""

from __future__ import annotations

import io
import struct
from typing import Any, BinaryIO, cast

from learning.formats.bounds import CHUNK, BadFile

LARGEST_HEAD = 16_000_000  # bytes
LARGEST_BODY = 256_000_000  # bytes of a batch of rows, and of all dictionaries together
CONTINUED = b"\xff\xff\xff\xff"
DICTIONARY, RECORDS = 2, 3  # kinds of messages
ROWS_IN_A_BYTE = 8  # a row takes a bit at least, in a column of flags


def checked_stream(file: BinaryIO) -> BinaryIO:
    """The same bytes. Reading raises BadFile at a message that is compressed, too large, or no message."""
    return cast(BinaryIO, io.BufferedReader(_Messages(file), CHUNK))


class _Messages(io.RawIOBase):
    def __init__(self, file: BinaryIO) -> None:
        self.file, self.head, self.body, self.dictionaries = file, b"", 0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.head and not self.body:
            self._next()
        if self.head:
            piece, self.head = self.head[: len(buffer)], self.head[len(buffer) :]
        else:
            piece = self.file.read(min(len(buffer), self.body))
            self.body -= len(piece)
        buffer[: len(piece)] = piece
        return len(piece)

    def _next(self) -> None:
        start = self.file.read(4)
        if start == CONTINUED:
            start += self.file.read(4)
        size = int.from_bytes(start[-4:], "little")
        if size > LARGEST_HEAD:
            raise BadFile("it is damaged, or no arrow stream")
        said = self.file.read(size)
        self.head = start + said
        if size:  # else the stream ends here
            self.body = self._check(said)

    def _check(self, said: bytes) -> int:
        """How long the body is. Raises BadFile."""
        try:
            message = _Table(said, struct.unpack_from("<I", said)[0])
            kind, body = message.number(1, "<B"), message.number(3, "<q")
            batch = message.table(2) if kind in (DICTIONARY, RECORDS) else None
            if kind == DICTIONARY and batch:
                batch = batch.table(1)
            rows, packed = (batch.number(0, "<q"), batch.at_field(3)) if batch else (0, None)
        except struct.error as error:
            raise BadFile("it is damaged, or no arrow stream") from error
        if packed is not None:
            raise BadFile("its buffers are compressed: write them plainly, or compress the file as a whole")
        self.dictionaries += body if kind == DICTIONARY else 0
        if not 0 <= body <= LARGEST_BODY or self.dictionaries > LARGEST_BODY:
            raise BadFile(f"a batch of rows is larger than {LARGEST_BODY // 1_000_000} MB: write smaller ones")
        if not 0 <= rows <= ROWS_IN_A_BYTE * body:
            raise BadFile("a batch says that it has more rows than it holds")
        return body


class _Table:
    """A table of a flatbuffer: its fields by number, which are not there when they have their default."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at
        self.fields = at - self._unpack("<i", at)

    def at_field(self, number: int) -> int | None:
        place = 4 + 2 * number
        inside = place < self._unpack("<H", self.fields)
        offset = self._unpack("<H", self.fields + place) if inside else 0
        return self.at + offset if offset else None

    def number(self, number: int, kind: str) -> int:
        at = self.at_field(number)
        return 0 if at is None else self._unpack(kind, at)

    def table(self, number: int) -> _Table | None:
        at = self.at_field(number)
        return None if at is None else _Table(self.data, at + self._unpack("<I", at))

    def _unpack(self, kind: str, at: int) -> int:
        if at < 0:
            raise struct.error("before the beginning")
        return int(struct.unpack_from(kind, self.data, at)[0])
