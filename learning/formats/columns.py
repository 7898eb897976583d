"""Parquet and arrow files, batch by batch. pyarrow loads at the first use: it is large, and few files need it. Pure.

Columns are small where rows are not: a long text that a thousand rows share is written once. So what rows would become
is known before they do: from the heads of pages and messages, whatever the footer says, and the longest text of each
dictionary. Beside that pyarrow itself is trusted to be right about damaged files; a group of rows may take up to
LARGEST_GROUP, and a batch of arrow LARGEST_BODY and its dictionaries as much again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from learning.formats.arrow_messages import checked_stream
from learning.formats.bounds import BadFile, BadRow
from learning.formats.json_records import Records, parse
from learning.formats.parquet_pages import measure_pages

if TYPE_CHECKING:
    import pyarrow

ROWS = 500  # that become Python's values at a time, or fewer that are larger
LARGEST_GROUP = 512_000_000  # bytes of a group of rows, decompressed: Parquet is read by groups
LARGEST_PIECE = 64_000_000  # bytes of rows as Python's values
CELL = 100  # bytes that any of Python's values takes, about
STRUCTURES = {"input_context", "context", "tags", "metadata"}


def read_parquet(file: BinaryIO, at: int = 0, number: int = 0) -> Records:
    """The rows after the first `number`. Raises BadFile."""
    del at  # rows are counted
    return _rows(_parquet_batches(file), number, "Parquet file")


def read_arrow(file: BinaryIO, at: int = 0, number: int = 0) -> Records:
    """The rows of an arrow stream after the first `number`. Raises BadFile."""
    del at
    return _rows(_arrow_batches(file), number, "arrow stream")


def _rows(batches: Iterator[pyarrow.RecordBatch], skipped: int, kind: str) -> Records:
    arrow, _ = _load()
    try:
        yield from _numbered(batches, skipped)
    except (arrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise BadFile(f"it is damaged, or no {kind}") from error


def _numbered(batches: Iterator[pyarrow.RecordBatch], skipped: int) -> Records:
    number = 0
    for batch in batches:
        if number + batch.num_rows <= skipped:
            number += batch.num_rows
            continue
        for piece in _pieces(batch):
            for record in _values(piece):
                number += 1
                if number > skipped:
                    yield number, record if isinstance(record, str) else _record(record), number


def _pieces(batch: pyarrow.RecordBatch) -> Iterator[pyarrow.RecordBatch]:
    for start in range(0, batch.num_rows, ROWS):
        yield from _halves(batch.slice(start, ROWS))


def _halves(piece: pyarrow.RecordBatch) -> Iterator[pyarrow.RecordBatch]:
    """The piece, divided until it is small enough or one row."""
    half = piece.num_rows // 2
    if not half or _size(piece) <= LARGEST_PIECE:
        yield piece
    else:
        yield from _halves(piece.slice(0, half))
        yield from _halves(piece.slice(half))


def _values(piece: pyarrow.RecordBatch) -> list[Any]:
    """The rows, or why the only one is none."""
    if piece.num_rows == 1 and _size(piece) > LARGEST_PIECE:
        return [f"the row is larger than {LARGEST_PIECE // 1_000_000} MB"]
    return piece.to_pylist()


def _size(piece: pyarrow.RecordBatch) -> int:
    return sum(map(_size_of, piece.columns))


def _size_of(array: Any) -> int:
    """Bytes of its values in Python, about. Raises BadFile for a type that is not known here."""
    types = _load()[0].types
    kind, size = array.type, CELL * len(array)
    if types.is_dictionary(kind):
        return size + _sum(_lengths(array.dictionary).take(array.indices))
    if types.is_struct(kind):
        return size + sum(map(_size_of, array.flatten()))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind) or types.is_map(kind):
        return size + _size_of(array.flatten())
    return size if types.is_null(kind) else size + _sum(_lengths(array))


def _lengths(array: Any) -> Any:
    """Bytes of each text; of what is no text, but a single value, zeros. Raises BadFile for anything else."""
    arrow, _ = _load()
    kind, types = array.type, arrow.types
    if types.is_primitive(kind) or types.is_decimal(kind):
        return arrow.nulls(len(array), arrow.int32())
    if any(
        is_text(kind) for is_text in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    ):
        return arrow.compute.binary_length(array)
    if types.is_fixed_size_binary(kind):
        return arrow.compute.binary_length(array)
    raise BadFile(f"a column of the type {str(kind)[:100]} is not read")


def _sum(lengths: Any) -> int:
    return int(_load()[0].compute.sum(lengths).as_py() or 0)


def _record(record: dict[str, Any]) -> dict[str, Any] | str:
    """Without nulls: a column of structures holds one for every key that another row has."""
    kept = {name: _plain(value) if name in STRUCTURES else value for name, value in record.items() if value is not None}
    context = kept.get("input_context")
    try:
        return kept | {"input_context": parse(context)} if isinstance(context, str) and context else kept
    except BadRow as reason:
        return f"input_context: {reason}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    return value


def _parquet_batches(file: BinaryIO) -> Iterator[pyarrow.RecordBatch]:
    _, parquet = _load()
    source = parquet.ParquetFile(file, pre_buffer=False, arrow_extensions_enabled=False)
    most = measure_pages(file, source.metadata, LARGEST_GROUP)
    yield from source.iter_batches(batch_size=max(1, min(ROWS, LARGEST_PIECE // max(1, most))))


def _arrow_batches(file: BinaryIO) -> Iterator[pyarrow.RecordBatch]:
    arrow, _ = _load()
    for batch in arrow.ipc.open_stream(checked_stream(file)):
        batch.validate(full=True)  # what is said inside it, such as where a text ends, is not believed either
        yield batch


def _load() -> tuple[Any, Any]:
    try:
        import pyarrow as arrow
        import pyarrow.compute
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError as error:
        raise BadFile("Parquet and arrow files need the package pyarrow: pip install pyarrow") from error
    return arrow, pyarrow.parquet
