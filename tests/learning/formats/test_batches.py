"""Reading ahead: whoever does not want more does not wait for the rest of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from learning.formats import batches
from learning.formats.batches import read_ahead, read_batches

ROW = {"input_text": "?", "expected_output": "!"}


def test_the_reader_stops_at_the_next_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"input_text": "?"}\n')
    stopped, read = Event(), []

    def records(*asked: Any, **named: Any) -> Iterator[tuple[int, dict[str, Any], int]]:
        for number in range(1, 1_000):
            read.append(number)
            if number == 5:
                stopped.set()
            yield number, ROW, number

    monkeypatch.setattr(batches, "records_of", records)
    assert list(read_batches(path, stopped=stopped)) == []
    assert read[-1] == 5


def test_leaving_stops_the_reader() -> None:
    stopped = Event()
    ahead = read_ahead(iter(batches.Batch("", "jsonl") for _ in range(1_000)), stopped)
    next(ahead)
    assert not stopped.is_set()
    ahead.close()
    assert stopped.is_set()
