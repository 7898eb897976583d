"""JSON from strangers: the quick look at the bytes lets nothing pass that the slow look would refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import APIException

from organizations.parsers import MAX_DEPTH, check_document, parse_document, parse_typed

NAMES = st.sampled_from(["a", "[", '}"', "\\", '"]', "{", "\\u0000", "é", "\x00", "\ud800", "😀"])
LEAVES = st.one_of(st.none(), st.integers(), NAMES)


def wrapped(around: list[Any], leaf: Any) -> Any:
    """One container in another, with something beside the inner one."""
    for name in around:
        leaf = [name, leaf] if name in ("[", "a") else {name: leaf, "b": "]}"}
    return leaf


def refused(check: Any, *given: Any) -> bool:
    try:
        check(*given)
    except APIException:
        return True
    return False


@settings(max_examples=500)
@given(around=st.lists(NAMES, max_size=40), leaf=LEAVES, ascii_only=st.booleans())
def test_the_bytes_are_judged_as_the_document_is(around: list[str], leaf: Any, ascii_only: bool) -> None:
    document = wrapped(around, leaf)
    half = any("\ud800" in str(text) for text in [*around, leaf])  # has no bytes of its own
    body = json.dumps(document, ensure_ascii=ascii_only or half).encode()
    assert refused(parse_document, body) == refused(check_document, document)


@pytest.mark.parametrize(
    "body", [b'["]",' * 40 + b"1" + b',"["]' * 40, b"[" * 40 + b"]" * 40, b'{"a":[' * 17 + b"1" + b"]}" * 17]
)
def test_depth_cannot_be_hidden_in_texts(body: bytes) -> None:
    assert refused(parse_document, body)


def test_a_thousand_small_objects_are_not_deep() -> None:
    items = [{"text": "[" * 50, "list": [1, "]"]}] * 1000
    assert parse_document(json.dumps({"items": items}).encode()) == {"items": items}
    assert parse_document(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("{", "This is not valid JSON: Expecting"),
        ('{"a": 1e999}', "This is not valid JSON: 1e999 is too large a number"),
        ("1" * 5_000, "This is not valid JSON: Exceeds the limit"),
        ("[" * 100_000, "The JSON is nested deeper than 32 levels."),
        ('"\\u0000"', "This text holds a NUL"),
        ('{"a": ["\\ud800"]}', "a.0: This text holds a NUL"),
        ('{"a": "\ud800"}', "This is not valid JSON"),
    ],
    ids=["cut off", "infinite", "endless", "deep", "NUL", "half a pair", "half a pair as it is"],
)
def test_a_person_is_told_what_is_wrong_with_the_json_that_was_typed(typed: str, said: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_typed(typed)
    assert str(error.value).startswith(said)
    str(error.value).encode()
