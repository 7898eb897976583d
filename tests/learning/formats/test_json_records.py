"""Lists of JSON objects: nothing but the object that is read is kept, and reading goes on anywhere between two."""

from __future__ import annotations

import io

import pytest

from learning.formats import json_records
from learning.formats.bounds import CHUNK, LONGEST_LINE

GAP = b" \n," + b" " * (3 * CHUNK)


@pytest.mark.parametrize("blank", [b" ", b",", b"\n"])
def test_a_list_of_nothing_but_blanks_is_left_early(blank: bytes) -> None:
    file = io.BytesIO(b"[" + blank * 20 * LONGEST_LINE + b"]")
    ((number, record, _),) = json_records.read(file)
    assert number == 1 and "bytes of blanks" in str(record)
    assert file.tell() <= LONGEST_LINE + 2 * CHUNK


def test_blanks_between_objects_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = []
    looked = json_records._end_or_reason
    monkeypatch.setattr(
        json_records, "_end_or_reason", lambda buffer, start: kept.append(len(buffer)) or looked(buffer, start)
    )
    found = list(json_records.read(io.BytesIO(b'[{"a": 1}' + GAP + b'{"a": 2}]')))
    assert [record for _, record, _ in found] == [{"a": 1}, {"a": 2}]
    assert max(kept) <= CHUNK


def test_reading_goes_on_behind_each_object() -> None:
    content = b"[" + GAP.join(b'{"a": %d}' % number for number in range(4)) + b" ]"
    found = list(json_records.read(io.BytesIO(content)))
    assert len(found) == 4
    for place, (number, _, at) in enumerate(found):
        assert list(json_records.read(io.BytesIO(content), at, number)) == found[place + 1 :]
