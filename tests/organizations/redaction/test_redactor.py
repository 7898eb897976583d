"""Placeholders: the same value has the same one in all texts of an example, and redacting twice changes nothing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organizations.redaction.own_patterns import OwnRecognizer, PatternRefused
from organizations.redaction.redactor import Redactor, redact_texts, standard_recognizers

RECOGNIZERS = standard_recognizers()
PIECES = st.sampled_from(
    [
        "a@b.org",
        "A@B.org",
        "c@d.net",
        "4111111111111111",
        "+14155552671",
        "<EMAIL_2>",
        "hello",
        "203.0.113.9",
        "\n",
        "<",
    ]
)


def test_a_value_keeps_its_placeholder_in_all_texts_of_an_example() -> None:
    done = redact_texts({"input": "I am a@b.org", "context": {"mail": ["A@b.org", "c@d.org", 7, None]}}, RECOGNIZERS)
    assert done.texts == {"input": "I am <EMAIL_1>", "context": {"mail": ["<EMAIL_1>", "<EMAIL_2>", 7, None]}}
    assert done.found == {"EMAIL": 2} and done.changed


def test_a_text_without_personal_data_stays_as_it_is() -> None:
    done = redact_texts({"input": "Where is my parcel?"}, RECOGNIZERS)
    assert done.texts == {"input": "Where is my parcel?"} and not done.changed


def test_a_placeholder_that_stands_there_is_not_given_to_somebody_else() -> None:
    done = redact_texts({"a": "x@y.org", "b": "<EMAIL_1> wrote"}, RECOGNIZERS)
    assert done.texts == {"a": "<EMAIL_2>", "b": "<EMAIL_1> wrote"}


def test_names_of_objects_are_redacted_too() -> None:
    assert Redactor(RECOGNIZERS).redact({"a@b.org": "x"}) == {"<EMAIL_1>": "x"}


@given(st.lists(PIECES, max_size=8).map(" ".join) | st.text(max_size=80))
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact_texts({"text": text}, RECOGNIZERS)
    twice = redact_texts(once.texts, RECOGNIZERS)
    assert twice.texts == once.texts and not twice.found


def test_an_organizations_own_pattern_is_one_more_kind() -> None:
    recognizers = [OwnRecognizer("CUSTOMER", r"\bC-(\d{6})\b"), *RECOGNIZERS]
    assert redact_texts({"a": "I am C-123456."}, recognizers).texts == {"a": "I am C-<CUSTOMER_1>."}


@pytest.mark.parametrize(
    ("name", "pattern"), [("lower", "x"), ("X", "("), ("X", "a*"), ("X", "x" * 501), ("X", r"(a)\1")]
)
def test_a_bad_pattern_is_refused_with_a_reason(name: str, pattern: str) -> None:
    with pytest.raises(PatternRefused, match=r"\w+ "):
        OwnRecognizer(name, pattern)


def test_no_pattern_of_a_user_can_take_for_ever() -> None:
    started = time.process_time()
    list(OwnRecognizer("X", r"(a+)+$").find("a" * 50_000 + "b"))
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "piece", ["a@", "1 ", "1.1.", "AB12 ", "::", "eyJ", "password ", "?token=", "+1 ", "-----BEGIN ", "a@b.co 1.2.3.4 "]
)
def test_no_text_can_take_for_ever(piece: str) -> None:
    started = time.process_time()
    redact_texts({"a": piece * (20_000 // len(piece))}, RECOGNIZERS)
    assert time.process_time() - started < 10
