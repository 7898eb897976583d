"""What may be read from a file that a stranger made: lines, compressed data and names, all bounded. Pure."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO
from zipfile import BadZipFile

LONGEST_LINE = 1_000_000  # bytes
FREE = 64_000_000  # bytes that compressed data may become, however small it is
RATIO = 200  # after that it may become so many times its size: text shrinks to a twentieth, not to a thousandth
CHUNK = 65_536
LONGEST_NAME = 200  # characters of a member of an archive: it stands before each problem of its rows


class BadFile(Exception):
    """The rest of the file cannot be read; the text says why."""


class BadRow(Exception):
    """One row cannot be taken; the text says why and never quotes what the row says.

    `field`: the name of what is at fault; empty where it is the row as a whole.
    """

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.field = field


def read_lines(file: BinaryIO, longest: int = LONGEST_LINE) -> Iterator[tuple[bytes | None, int]]:
    """(the line with its end, or None when it is longer than `longest` bytes; how many bytes it took)."""
    while line := file.readline(longest + 1):
        if len(line) <= longest:
            yield line, len(line)
        else:
            yield None, len(line) + _skip_line(file, line)


def _skip_line(file: BinaryIO, line: bytes) -> int:
    """How many more bytes there were until its end; they are not kept."""
    skipped = 0
    while line and not line.endswith(b"\n"):
        line = file.readline(CHUNK)
        skipped += len(line)
    return skipped


def decode_line(line: bytes) -> str:
    """The text of a line. Raises BadRow when it is no UTF-8."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRow(f"it is not UTF-8: byte {error.start + 1} of the line cannot be read") from error


class Inflated(io.RawIOBase):
    """Decompressed data, refused when it grows beyond all measure: small files that become enormous ones."""

    def __init__(self, inner: Any, spent: Callable[[], int]) -> None:
        self.inner, self.spent, self.given = inner, spent, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            number: int = self.inner.readinto(buffer)
        except (zlib.error, EOFError, OSError, BadZipFile) as error:
            raise BadFile("the compressed data is damaged or cut off") from error
        self.given += number
        if self.given > FREE and self.given > RATIO * self.spent():
            raise BadFile(f"it becomes more than {RATIO} times as large when it is decompressed")
        return number

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Backwards it begins again; an import that goes on where it stopped has been there before."""
        position: int = self.inner.seek(offset, whence)
        return position

    def tell(self) -> int:
        position: int = self.inner.tell()
        return position

    def close(self) -> None:
        self.inner.close()
        super().close()


def check_name(name: str) -> None:
    """Raises BadFile when the name of a member of an archive is too long or leads out of it."""
    if len(name) > LONGEST_NAME:
        raise BadFile(f"a name in the archive is longer than {LONGEST_NAME} characters")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\x00" in name:
        raise BadFile("a name in the archive leads out of it: plain names and folders only")
