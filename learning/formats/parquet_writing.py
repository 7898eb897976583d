"""Items as Parquet, a group of rows for each batch, so that memory does not grow with the file. Pure.

The context is its JSON: a column of structures would give every row the keys of every other.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from learning.formats.bounds import BadFile
from learning.formats.rows import ENCODE
from learning.formats.schemas import COLUMNS
from learning.formats.writing import Item

if TYPE_CHECKING:
    import pyarrow


def write_parquet(batches: Iterable[Sequence[Item]]) -> Iterator[bytes]:
    """The file in pieces. Raises BadFile when pyarrow is not installed."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise BadFile("Parquet needs the package pyarrow: pip install pyarrow") from error
    sink, schema = _Sink(), _schema(arrow)
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for items in batches:
            if items:
                writer.write_table(arrow.table(_columns(items), schema=schema))
            yield sink.take()
    yield sink.take()


def _schema(arrow: Any) -> pyarrow.Schema:
    kinds = {"complexity": arrow.int32(), "quality_score": arrow.float64(), "weight": arrow.float64()}
    kinds |= {"tags": arrow.list_(arrow.string())}
    return arrow.schema([(name, kinds.get(name, arrow.string())) for name in COLUMNS])


def _columns(items: Sequence[Item]) -> dict[str, list[Any]]:
    columns = {name: [item[name] for item in items] for name in COLUMNS}
    columns["input_context"] = [ENCODE(context).decode() for context in columns["input_context"]]
    return columns


class _Sink(io.RawIOBase):
    """A file that only grows; what was written is taken away piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self.pieces.append(bytes(piece))
        self.size += len(self.pieces[-1])
        return len(self.pieces[-1])

    def tell(self) -> int:
        return self.size

    def take(self) -> bytes:
        taken, self.pieces = b"".join(self.pieces), []
        return taken
