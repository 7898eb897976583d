"""Parquet and arrow files: what is small on disk and enormous in memory is refused before it is there."""

from __future__ import annotations

import io
import struct
import tracemalloc
from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as arrow
import pytest
from pyarrow import ipc, parquet

from learning.formats import arrow_messages, columns
from learning.formats.bounds import BadFile

Reader = Callable[[bytes], list[Any]]
LONG = "x" * 1_000_000
ROWS = [
    {"input_text": f"Why {number}?", "expected_output": "Because." if number % 3 else None, "complexity": number,
     "tags": ["a", "b"][: number % 3], "messages": [{"role": "user", "content": f"m{number}"}], "score": 0.5,
     "metadata": {"lang": "en"}, "day": date(2025, 1, 1), "blob": b"\x00", "ok": True}
    for number in range(1_200)
]  # fmt: skip


def as_parquet(table: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    parquet.write_table(table, file, **options)
    return file.getvalue()


def as_stream(table: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    with ipc.new_stream(file, table.schema, options=ipc.IpcWriteOptions(**options)) as stream:
        stream.write_table(table)
    return file.getvalue()


def read_parquet(content: bytes) -> list[Any]:
    return [record for _, record, _ in columns.read_parquet(io.BytesIO(content))]


def read_arrow(content: bytes) -> list[Any]:
    return [record for _, record, _ in columns.read_arrow(io.BytesIO(content))]


def peak_mb(work: Callable[[], Any]) -> float:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("write", "options", "read"),
    [
        (as_stream, {}, read_arrow),
        (as_parquet, {}, read_parquet),
        (as_parquet, {"use_dictionary": False, "compression": "zstd", "data_page_version": "2.0"}, read_parquet),
        (as_parquet, {"row_group_size": 100, "data_page_size": 200}, read_parquet),
        (as_parquet, {"dictionary_pagesize_limit": 300, "data_page_size": 200}, read_parquet),
    ],
    ids=["arrow", "parquet", "plain pages", "small groups and pages", "dictionaries that end early"],
)
def test_ordinary_files_are_read_as_they_were_written(write: Any, options: Any, read: Reader) -> None:
    wanted = [{name: value for name, value in row.items() if value is not None} for row in ROWS]
    assert read(write(arrow.Table.from_pylist(ROWS), **options)) == wanted


def test_reading_goes_on_behind_any_row() -> None:
    content = as_parquet(arrow.Table.from_pylist(ROWS))
    for number in (0, 1, 499, 500, 1_199, 1_200):
        rest = list(columns.read_parquet(io.BytesIO(content), number, number))
        assert [place for place, _, _ in rest] == list(range(number + 1, 1_201))


SHARED = {"store_schema": False, "dictionary_pagesize_limit": 10_000_000}


def shared(rows: int) -> Any:
    """A column whose rows share one long text."""
    return arrow.table({"input_text": arrow.DictionaryArray.from_arrays([0] * rows, [LONG])})


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (lambda: as_parquet(shared(400), **SHARED), columns.read_parquet),
        (lambda: as_stream(shared(400)), columns.read_arrow),
    ],
    ids=["parquet", "arrow"],
)
def test_a_long_text_that_many_rows_share_is_not_there_for_all_at_once(content: Any, read: Any) -> None:
    small = content()
    assert len(small) < 1_200_000
    seen: list[int] = []
    peak = peak_mb(lambda: seen.extend(len(one["input_text"]) for _, one, _ in read(io.BytesIO(small))))
    assert seen == [len(LONG)] * 400
    assert peak < 150


def test_a_row_that_is_too_large_by_itself_is_refused_and_the_next_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "LARGEST_PIECE", 1_000_000)
    many = arrow.table({"tags": [["a"], [LONG[:500_000]] * 100, ["b"]]})
    for content, read in ((as_parquet(many), read_parquet), (as_stream(many), read_arrow)):
        first, second, third = read(content)
        assert (first, third) == ({"tags": ["a"]}, {"tags": ["b"]})
        assert second == "the row is larger than 1 MB"


def test_the_heads_of_pages_are_believed_and_not_the_footer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "LARGEST_GROUP", 1_500_000)
    content = as_parquet(arrow.table({"input_text": [LONG, LONG]}), use_dictionary=False, compression="zstd")
    lying = understate(content)
    said = parquet.ParquetFile(io.BytesIO(lying)).metadata.row_group(0)
    assert said.total_byte_size < 100 and said.column(0).total_uncompressed_size < 100
    for one in (content, lying):
        with pytest.raises(BadFile, match="a group of rows is larger"):
            read_parquet(one)


def understate(content: bytes) -> bytes:
    """The file with a footer that says 20 bytes where it is two million; the number is as long as before."""
    group = parquet.ParquetFile(io.BytesIO(content)).metadata.row_group(0)
    footer = content[-8 - int.from_bytes(content[-8:-4], "little") :]
    for size in (group.total_byte_size, group.column(0).total_uncompressed_size):
        true, value = bytearray(), size * 2
        while value > 127:
            true.append(value & 127 | 128)
            value >>= 7
        true.append(value)
        footer = footer.replace(bytes(true), b"\xa8" + b"\x80" * (len(true) - 2) + b"\x00")
    return content[: -len(footer)] + footer


def test_many_values_in_few_bytes_count_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "LARGEST_GROUP", 4_000_000)
    content = as_parquet(arrow.table({"tags": [[7] * 1_000_000]}))
    assert len(content) < 50_000
    with pytest.raises(BadFile, match="a group of rows is larger"):
        read_parquet(content)


def test_lists_of_a_text_that_they_share_count_in_full() -> None:
    texts = arrow.DictionaryArray.from_arrays([0] * 1_000, [LONG])
    lists = arrow.ListArray.from_arrays(arrow.array([0, 500, 1_000], arrow.int32()), texts)
    content = as_parquet(arrow.table({"tags": lists}), **SHARED)
    assert len(content) < 200_000
    with pytest.raises(BadFile, match="a group of rows is larger"):
        read_parquet(content)


def test_texts_that_continue_the_one_before_are_refused() -> None:
    table = arrow.table({"input_text": ["a", "ab"]})
    content = as_parquet(table, use_dictionary=False, column_encoding={"input_text": "DELTA_BYTE_ARRAY"})
    with pytest.raises(BadFile, match="DELTA_BYTE_ARRAY"):
        read_parquet(content)
    plain = {"input_text": "DELTA_LENGTH_BYTE_ARRAY"}
    assert len(read_parquet(as_parquet(table, use_dictionary=False, column_encoding=plain))) == 2


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_compressed_buffers_are_refused_before_they_are_decompressed(codec: str) -> None:
    content = as_stream(arrow.table({"input_text": [LONG] * 10}), compression=codec)
    with pytest.raises(BadFile, match="compressed"):
        read_arrow(content)
    with pytest.raises(BadFile, match="compressed"):
        read_arrow(as_stream(shared(10), compression=codec))


def test_a_message_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_messages, "LARGEST_BODY", 500_000)
    with pytest.raises(BadFile, match="a batch of rows is larger"):
        read_arrow(as_stream(arrow.table({"input_text": [LONG]})))


def test_rows_that_take_no_bytes_are_refused() -> None:
    with pytest.raises(BadFile, match="more rows than it holds"):
        read_arrow(as_stream(arrow.table({"input_text": arrow.nulls(10**9)})))


def test_items_that_take_no_bytes_do_not_become_a_list() -> None:
    items = arrow.ListArray.from_arrays(arrow.array([0, 10**9], arrow.int32()), arrow.nulls(10**9))
    assert read_arrow(as_stream(arrow.table({"tags": items}))) == ["the row is larger than 64 MB"]


def test_offsets_that_lead_out_of_the_data_are_refused() -> None:
    content = as_stream(arrow.table({"input_text": ["abc", "defg"]}))
    true, false = struct.pack("<3i", 0, 3, 7), struct.pack("<3i", 0, 3, 2**30)
    assert content.count(true) == 1
    with pytest.raises(BadFile, match="damaged"):
        read_arrow(content.replace(true, false))


def test_a_type_whose_size_is_not_known_is_refused() -> None:
    views = arrow.array([LONG], arrow.string_view())
    with pytest.raises(BadFile, match="the type string_view is not read"):
        read_arrow(as_stream(arrow.table({"input_text": views})))


@pytest.mark.parametrize("read", [read_parquet, read_arrow])
def test_any_byte_may_be_wrong(read: Reader) -> None:
    table = arrow.Table.from_pylist(ROWS[:40])
    content = as_parquet(table) if read is read_parquet else as_stream(table)
    places = [*range(400), *range(400, len(content), 61), *range(len(content) - 200, len(content))]
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 0xA5
        try:
            read(bytes(damaged))
        except BadFile:
            continue
