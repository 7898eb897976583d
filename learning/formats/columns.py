"""Parquet and arrow files, batch by batch. pyarrow loads at the first use: it is large, and few files need it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from learning.formats.bounds import BadFile, BadRow
from learning.formats.json_records import Records, parse

if TYPE_CHECKING:
    import pyarrow

ROWS = 500  # read at a time
LARGEST_GROUP = 512_000_000  # bytes of a group of rows, decompressed: Parquet is read by groups
LARGEST_BATCH = 256_000_000  # bytes of a batch of rows
STRUCTURES = {"input_context", "context", "tags", "metadata"}


def read_parquet(file: BinaryIO, at: int = 0, number: int = 0) -> Records:
    """The rows after the first `number`. Raises BadFile."""
    del at  # rows are counted
    return _rows(_parquet_batches(file), number)


def read_arrow(file: BinaryIO, at: int = 0, number: int = 0) -> Records:
    """The rows of an arrow stream or file after the first `number`. Raises BadFile."""
    del at
    return _rows(_arrow_batches(file), number)


def _rows(batches: Iterator[pyarrow.RecordBatch], skipped: int) -> Records:
    number = 0
    for batch in batches:
        if number + batch.num_rows <= skipped:
            number += batch.num_rows
            continue
        if batch.nbytes > LARGEST_BATCH:
            yield number + 1, "the rows from here on are too large; nothing after them was read", number
            return
        for record in batch.to_pylist():
            number += 1
            if number > skipped:
                yield number, _record(record), number


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
    arrow, parquet = _load()
    try:
        source = parquet.ParquetFile(file)
        groups = [source.metadata.row_group(place).total_byte_size for place in range(source.num_row_groups)]
        if max(groups, default=0) > LARGEST_GROUP:
            raise BadFile(f"a group of rows is larger than {LARGEST_GROUP // 1_000_000} MB: write smaller ones")
        yield from source.iter_batches(batch_size=ROWS)
    except (arrow.ArrowException, OSError) as error:
        raise BadFile("it is damaged, or no Parquet file") from error


def _arrow_batches(file: BinaryIO) -> Iterator[pyarrow.RecordBatch]:
    arrow, _ = _load()
    try:
        for batch in arrow.ipc.open_stream(file):
            for start in range(0, batch.num_rows, ROWS):
                yield batch.slice(start, ROWS)
    except (arrow.ArrowException, OSError) as error:
        raise BadFile("it is damaged, or no arrow stream") from error


def _load() -> tuple[Any, Any]:
    try:
        import pyarrow as arrow
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError as error:
        raise BadFile("Parquet and arrow files need the package pyarrow: pip install pyarrow") from error
    return arrow, pyarrow.parquet
