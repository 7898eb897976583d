"""A row as COPY reads it: whatever its texts hold, each field stands in its place."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from learning.formats.rows import check_row
from learning.formats.staging import COLUMNS, fields_of

NAMES = [name for name, _ in COLUMNS]
SIGNS = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12).map("x{}".format)
awkward = st.text(st.sampled_from("\\\t\n\r,{}\"'N.a ü"), max_size=12).map("x{}".format)


def read_back(line: str) -> dict[str, str]:
    """As PostgreSQL takes it apart."""
    fields, field, signs = [], "", iter(line)
    for sign in signs:
        if sign == "\t":
            fields, field = [*fields, field], ""
        else:
            assert sign not in "\n\r"
            field += SIGNS[next(signs)] if sign == "\\" else sign
    return dict(zip(NAMES, [*fields, field], strict=True))


@given(st.one_of(texts, awkward), st.one_of(texts, awkward), st.lists(awkward, max_size=3))
def test_every_field_comes_back_as_it_was(asked: str, right: str, tags: list[str]) -> None:
    record: dict[str, Any] = {
        "input_text": asked,
        "expected_output": right,
        "tags": tags,
        "input_context": {"k": asked},
    }
    row = check_row(record)
    told = read_back(fields_of(row))
    assert (told["input_text"], told["expected_output"]) == (asked, right)
    assert (told["input_context"], told["source_hash"]) == (row.context_json, row.source_hash)
    assert told["tags"].count('"') >= 2 * len(row.tags)


def test_what_is_empty_is_nothing_and_a_zero_is_a_zero() -> None:
    told = read_back(fields_of(check_row({"input_text": "a", "expected_output": "b", "weight": 0, "complexity": 3})))
    empty = {name for name, value in told.items() if not value}
    assert empty == {"original_output", "rejected_output", "domain", "task_type", "tags", "quality_score", "user_id"}
    assert (told["weight"], told["complexity"]) == ("0.0", "3")


def test_a_tag_may_hold_what_an_array_is_written_with() -> None:
    told = read_back(
        fields_of(check_row({"input_text": "a", "expected_output": "b", "tags": ['say "x"', "b\\c", "{,}"]}))
    )
    assert told["tags"] == '{"say \\"x\\"","b\\\\c","{,}"}'
