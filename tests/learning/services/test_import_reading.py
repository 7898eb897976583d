"""A large file is read in a process beside the one that stores: the same batches, and nobody left behind."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import msgspec
import pytest

from learning.formats import batches
from learning.formats.batches import read_batches
from learning.formats.bounds import BadFile
from learning.formats.reader import Order
from learning.services import import_reading
from learning.services.import_reading import ReaderLost, batches_of, read_beside

GOOD = {"input_text": "How?", "expected_output": "So.", "split": "train", "user_id": "anna", "tags": ["a\tb"], "x": 1}
BLOCKED = """
import time
from learning.formats import reader
reader.read_batches = lambda *asked: time.sleep(300)
reader.main()
"""
TOLD = "import os; from learning.formats.reader import Told, _write; _write(Told(bad=' '.join(sorted(os.environ))))"


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """One row in a thousand is none."""
    path = tmp_path / "rows.jsonl"
    rows = ({**GOOD, "external_id": str(number)} if number % 1_000 else {"y": number} for number in range(12_000))
    path.write_text("\n".join(map(json.dumps, rows)))
    return Order(str(path), "jsonl", {}, {})


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Popen[bytes]]:
    found: list[Popen[bytes]] = []

    def start(*asked: Any, **named: Any) -> Popen[bytes]:
        found.append(Popen(*asked, **named))
        return found[-1]

    monkeypatch.setattr(import_reading, "Popen", start)
    return found


def test_a_large_file_gives_the_same_batches_from_a_process_beside(order: Order, started: list[Popen[bytes]]) -> None:
    found = list(batches_of(order))
    assert found == list(read_batches(Path(order.path), "jsonl"))
    assert [one.count for one in found] == [batches.ROWS, batches.ROWS, 2_000]
    assert [process.returncode for process in started] == [0]


def test_it_goes_on_at_a_place(order: Order) -> None:
    first, *rest = read_batches(Path(order.path), "jsonl")
    order.cursor = first.cursor
    assert list(read_beside(order)) == rest


def test_a_small_file_starts_no_process(tmp_path: Path, started: list[Popen[bytes]]) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(GOOD))
    (found,) = batches_of(Order(str(path), "jsonl", {}, {}))
    assert (found.count, started) == (1, [])


def test_what_cannot_be_read_is_told_in_the_same_words(tmp_path: Path) -> None:
    empty = tmp_path / "rows.jsonl"
    empty.touch()
    with pytest.raises(BadFile, match="the file is empty"):
        list(read_beside(Order(str(empty), "auto", {}, {})))
    with pytest.raises(OSError, match="gone"):
        list(read_beside(Order(str(tmp_path / "gone"), "jsonl", {}, {})))


def test_who_wants_no_more_leaves_no_reader_behind(order: Order, started: list[Popen[bytes]]) -> None:
    reading = read_beside(order)
    next(reading)
    assert started[0].poll() is None
    reading.close()
    assert started[0].returncode


@pytest.mark.parametrize("code", [0, 3])
def test_a_reader_that_dies_is_no_end_of_the_file(order: Order, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr(import_reading, "COMMAND", [sys.executable, "-c", f"raise SystemExit({code})"])
    with pytest.raises(RuntimeError, match=f"ended with {code}"):
        list(read_beside(order))


@pytest.mark.parametrize("said", [b"", b"\0\0", b"\0\0\0\x09half"])
def test_a_reader_that_is_killed_is_told_from_one_that_breaks(
    order: Order, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    end = f"import os, signal; os.write(1, {said!r}); os.kill(os.getpid(), signal.SIGKILL)"
    monkeypatch.setattr(import_reading, "COMMAND", [sys.executable, "-c", end])
    with pytest.raises(ReaderLost, match="was killed, mostly for want of memory; resume"):
        list(read_beside(order))


def test_a_reader_that_cannot_be_started_is_no_missing_file(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_reading, "COMMAND", ["/nowhere/python"])
    with pytest.raises(ReaderLost, match="could not start"):
        list(read_beside(order))


def test_what_asks_all_processes_to_stop_does_not_end_the_reader(order: Order, started: list[Popen[bytes]]) -> None:
    reading = read_beside(order)
    first = next(reading)
    for asked_to_stop in (signal.SIGTERM, signal.SIGINT):
        started[0].send_signal(asked_to_stop)
    assert sum(batch.count for batch in (first, *reading)) == 12_000


def test_a_reader_ends_with_its_listener_in_the_middle_of_a_batch(order: Order) -> None:
    with Popen([sys.executable, "-c", BLOCKED], stdin=PIPE, stdout=PIPE) as reader:
        assert reader.stdin and reader.stdout
        reader.stdin.write(msgspec.msgpack.encode(order))
        reader.stdin.close()
        reader.stdout.close()  # as the system does when the listener is killed
        try:
            assert reader.wait(60) == 1
        finally:
            reader.kill()


def test_the_reader_knows_no_secret(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    monkeypatch.setattr(import_reading, "COMMAND", [sys.executable, "-c", TOLD])
    with pytest.raises(BadFile) as told:
        list(read_beside(order))
    assert set(str(told.value).split()) <= {*import_reading.ENVIRONMENT, "LC_CTYPE"}
