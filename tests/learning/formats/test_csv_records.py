"""CSV with mistakes in it: what is good behind one is read, and a file of mistakes is no more work than another."""

from __future__ import annotations

import io

import pytest

from learning.formats import csv_records

HEADER = b"input_text,expected_output\n"


def records(content: bytes) -> list[tuple[int, object]]:
    return [(number, record) for number, record, _ in csv_records.read(io.BytesIO(content))]


def test_one_missing_quotation_mark_costs_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_records, "LONGEST_LINE", 1_000)
    found = records(HEADER + b'"open,x\n' + b"good,row\n" * 500)
    assert found[0][0] == 2 and "quotation mark missing" in str(found[0][1])
    assert [record for _, record in found[1:]] == [{"input_text": "good", "expected_output": "row"}] * 500


@pytest.mark.parametrize("ending", [b"", b'"x\n'], ids=["too long", "out of place"])
def test_lines_that_each_leave_a_quotation_open_are_not_read_again_and_again(
    monkeypatch: pytest.MonkeyPatch, ending: bytes
) -> None:
    monkeypatch.setattr(csv_records, "LONGEST_LINE", 10_000)
    monkeypatch.setattr(csv_records, "READ_AGAIN", 40_000)
    parsed = 0

    def count(line: bytes) -> str:
        nonlocal parsed
        parsed += len(line)
        return line.decode()

    monkeypatch.setattr(csv_records, "decode_line", count)
    block = b'a","\n' * 1_900 + ending
    content = HEADER + block * 20
    found = records(content)
    assert parsed <= 40_000 + 4 * len(content)
    assert "is refused with it" in str(found[-1][1])
    assert [number for number, _ in found] == sorted({number for number, _ in found})


def test_what_comes_behind_a_record_refused_as_a_whole_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_records, "READ_AGAIN", -1_000)
    found = records(HEADER + b'a","\nb","\nc"d",x\ngood,row\n')
    assert found[0][0] == 2 and "what is up to line 4 is refused with it" in str(found[0][1])
    assert found[1:] == [(5, {"input_text": "good", "expected_output": "row"})]
