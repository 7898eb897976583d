"""What the quick parser and the quick encoder do is what the slow ones do, whatever they are given."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learning.formats import json_records, rows
from learning.formats.bounds import BadRow

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))
TOLD = [
    '{"a": NaN}', '{"a": 1E400}', '{"a": -0}', '{"a": -0.0}', '{"a": 01}', '{"a": 1.}', '{"a": "\\ud800"}',
    '{"a": "\\ud83d\\ude00"}', '{"a": 1, "b": 2, "a": 3}', '{"a": "\x1f"}', '{"a": 1} x', '\x0b{"a": 1}', '"a"', "",
    '{"a": 18446744073709551616}', '{"a": 5e-324}', '{"a": "\\x"}', '{"a": ' + "9" * 5000 + "}",
    '{"a": ' + "[" * 5000 + "]" * 5000 + "}", '{"a": 1.7976931348623159e308}', '{"a": 0.1e1, "\\u0000": "\\/"}',
]  # fmt: skip


def answer(read: Any, text: str) -> str:
    """What it gives, or why it gives nothing."""
    try:
        return repr(read(text))
    except (BadRow, ValueError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("text", TOLD)
def test_a_line_means_what_the_slow_parser_says(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = answer(json_records.parse, text)
    monkeypatch.setattr(json_records, "QUICK", json_records.DECODER.decode)
    assert answer(json_records.parse, text) == quick


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=3), values, max_size=3), st.booleans(), st.integers(0, 60))
def test_any_object_whole_or_cut_is_read_alike(record: dict[str, Any], ascii: bool, cut: int) -> None:
    text = json.dumps(record, ensure_ascii=ascii)
    for given_text in (text, text[:cut]):
        assert answer(json_records._decode, given_text) == answer(json_records.DECODER.decode, given_text)


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=3), values, max_size=4))
def test_a_context_is_written_alike(context: dict[str, Any]) -> None:
    def quick(value: Any) -> str:
        return rows._encode_context(value)

    assert answer(quick, context) == answer(rows.ENCODER.encode, context)  # type: ignore[arg-type]
