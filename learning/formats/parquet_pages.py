"""What the rows of a Parquet file may become in memory, by the heads of its pages. Pure.

The footer says sizes too, but nothing holds it to them; the decompressed size and the number of values in the head of a
page are what the reader makes room for. The heads are Thrift's compact protocol (parquet.thrift of Apache Parquet).
A page that refers to a dictionary is small however long the texts are, so the longest text of each counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from learning.formats.bounds import BadFile

Head = dict[int, Any]
MOST_PAGES = 200_000  # of a file
LONGEST_FIXED = 1_000  # bytes of a value of fixed length
LARGEST_LOOKED_INTO = 8_000_000  # bytes of a dictionary; the longest text of a larger one is taken to be all of it
MOST_LOOKED_INTO = 256_000_000  # bytes of all dictionaries of a file
FIRST_VERSION, DICTIONARY, SECOND_VERSION = 0, 2, 3  # kinds of pages
HEADS = {FIRST_VERSION: 5, DICTIONARY: 7, SECOND_VERSION: 8}
BY_DICTIONARY, DELTA_LENGTH, DELTA_BYTES = (2, 8), 6, 7  # encodings
STOP, TRUE, FALSE, BYTE, DOUBLE, BINARY, STRUCT = 0, 1, 2, 3, 7, 8, 12  # Thrift's types; 4 to 6 are integers
VALUE = 8  # bytes
DAMAGED = "it is damaged, or no Parquet file"


@dataclass
class _Page:
    """`referring`: how many of its values refer to the dictionary. `longest`: text of a dictionary, in bytes."""

    size: int
    referring: int = 0
    longest: int = 0


@dataclass
class _Budget:
    """What is left of the work that measuring may be."""

    pages: int = field(default_factory=lambda: MOST_PAGES)
    looked_into: int = field(default_factory=lambda: MOST_LOOKED_INTO)

    def take_page(self) -> None:
        self.pages -= 1
        if self.pages < 0:
            raise BadFile(f"it has more than {MOST_PAGES:,} pages: write larger ones")

    def take_dictionary(self, size: int) -> bool:
        may = size <= min(LARGEST_LOOKED_INTO, self.looked_into)
        self.looked_into -= size if may else 0
        return may


def measure_pages(file: BinaryIO, source: Any, largest: int) -> int:
    """The most bytes that a row takes by texts it shares with others. source: a pyarrow FileMetaData.

    Raises BadFile when a group of rows becomes more than `largest` bytes; lists of shared texts count in full there.
    """
    most, budget = 0, _Budget()
    for place in range(source.num_row_groups):
        group, size, row = source.row_group(place), 0, 0
        for column in range(group.num_columns):
            shape = source.schema.column(column)
            longest = referring = 0
            for page in _pages(file, group.column(column), shape, budget):
                size, longest = size + page.size, max(longest, page.longest)
                referring += page.referring
                _check_size(size, largest)
            if shape.max_repetition_level:
                _check_size(size := size + referring * longest, largest)
            elif referring:
                row += longest
        most = max(most, row)
    return most


def _check_size(size: int, largest: int) -> None:
    if size > largest:
        raise BadFile(f"a group of rows is larger than {largest // 1_000_000} MB: write smaller ones")


def _pages(file: BinaryIO, chunk: Any, shape: Any, budget: _Budget) -> Iterator[_Page]:
    """The pages of a column, as far as pyarrow reads: until it has the values that the footer says."""
    width = shape.length if shape.physical_type == "FIXED_LEN_BYTE_ARRAY" else VALUE
    if width > LONGEST_FIXED:
        raise BadFile(f"a column's values are longer than {LONGEST_FIXED:,} bytes each")
    at, dictionary = chunk.data_page_offset, chunk.dictionary_page_offset
    if chunk.has_dictionary_page and dictionary and 0 < dictionary < at:
        at = dictionary
    end, left = at + chunk.total_compressed_size, chunk.num_values
    while left > 0 and at < end:
        budget.take_page()
        file.seek(at)
        head = _struct(file)
        kind, size, packed = _whole(head.get(1)), _whole(head.get(2)), _whole(head.get(3))
        at = file.tell() + packed
        said = head.get(HEADS.get(kind, 0))  # the part of the head that is of this kind
        if not isinstance(said, dict):
            yield _Page(size)
            continue
        values, encoding = _whole(said.get(1)), said.get(4 if kind == SECOND_VERSION else 2)
        if encoding == DELTA_BYTES:
            raise BadFile("its texts are written as changes of the one before (DELTA_BYTE_ARRAY): write them plainly")
        together = shape.max_repetition_level > 0 or encoding == DELTA_LENGTH or kind == DICTIONARY
        page = _Page(max(size, values * max(width, VALUE) if together else 0))
        if kind == DICTIONARY:
            if shape.physical_type == "BYTE_ARRAY":
                looked = budget.take_dictionary(size) and packed <= LARGEST_LOOKED_INTO
                page.longest = _longest(file.read(packed), size, chunk.compression) if looked else size
        else:
            left -= values
            page.referring = values if encoding in BY_DICTIONARY else 0
        yield page


def _longest(packed: bytes, size: int, compression: str) -> int:
    """Bytes of the longest text of a dictionary; all of it where that cannot be told."""
    import pyarrow  # its reader is in use

    if compression != "UNCOMPRESSED":
        try:
            packed = pyarrow.Codec(compression.lower()).decompress(packed, size, asbytes=True)
        except (pyarrow.ArrowException, ValueError, OSError):
            return size
    at = longest = 0
    while at < len(packed):
        length = int.from_bytes(packed[at : at + 4], "little")
        at, longest = at + 4 + length, max(longest, length)
    return min(longest, size)


def _whole(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**31:
        raise BadFile(DAMAGED)
    return value


def _struct(file: BinaryIO, depth: int = 0) -> Head:
    """The fields of a structure by their numbers. Raises BadFile for what no head of a page has."""
    if depth > 4:
        raise BadFile(DAMAGED)
    fields: Head = {}
    number = 0
    while (kind := (start := _byte(file)) & 15) != STOP:
        number = number + (start >> 4) if start >> 4 else _signed(file)
        fields[number] = _field(file, kind, depth)
    return fields


def _field(file: BinaryIO, kind: int, depth: int) -> Any:
    if kind in (TRUE, FALSE):
        return kind == TRUE
    if kind == STRUCT:
        return _struct(file, depth + 1)
    if kind in (BYTE, DOUBLE, BINARY):
        skipped = {BYTE: 1, DOUBLE: 8}.get(kind) or _whole(_varint(file))
        file.seek(skipped, 1)
        return None
    if kind > BINARY:
        raise BadFile(DAMAGED)
    return _signed(file)


def _signed(file: BinaryIO) -> int:
    value = _varint(file)
    return (value >> 1) ^ -(value & 1)


def _varint(file: BinaryIO) -> int:
    value = 0
    for place in range(10):
        byte = _byte(file)
        value |= (byte & 127) << (7 * place)
        if byte < 128:
            return value
    raise BadFile(DAMAGED)


def _byte(file: BinaryIO) -> int:
    found = file.read(1)
    if not found:
        raise BadFile(DAMAGED)
    return found[0]
