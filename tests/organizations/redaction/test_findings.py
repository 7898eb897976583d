"""Findings that overlap are replaced together, and many findings cost no more for each than few."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from organizations.redaction.findings import Finding, find_all
from organizations.redaction.own_patterns import OwnRecognizer
from organizations.redaction.redactor import redact_texts, standard_recognizers

RECOGNIZERS = standard_recognizers()


def redacted(text: str, *own: OwnRecognizer) -> str:
    return str(redact_texts({"text": text}, [*own, *RECOGNIZERS]).texts["text"])


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("@", "I am ada@example.com.", "I am <EMAIL_1>."),
        (r"\b555\b", "call +1 415 555 2671 now", "call <PHONE_1> now"),
        (r"example\.com/\w+", "see ada@example.com/x1 there", "see <OWN_1> there"),
        (r"\d{3}-\d{2}-\d{4}", "number 123-45-6789", "number <OWN_1>"),
        (r"I am \S+", "I am ada@example.com", "<OWN_1>"),
    ],
)
def test_nothing_of_what_an_own_pattern_cuts_into_stays(pattern: str, text: str, expected: str) -> None:
    assert redacted(text, OwnRecognizer("OWN", pattern)) == expected


def test_what_was_cut_into_has_the_same_placeholder_wherever_it_stands() -> None:
    own = OwnRecognizer("OWN", r"example\.com/\w+")
    text = "ada@example.com/x1, ada@example.com, ada@example.com/x1, bob@example.com/x1, ADA@example.com"
    assert redacted(text, own) == "<OWN_1>, <EMAIL_1>, <OWN_1>, <OWN_2>, <EMAIL_1>"


def test_two_findings_of_one_kind_in_the_same_place_are_one() -> None:
    key = "ghp_" + "a1" * 18
    assert redacted(f"token: {key}") == "token: <SECRET_1>"


class Fixed:
    kind = "FIXED"

    def __init__(self, *spans: tuple[int, int], gives_way: bool = True) -> None:
        self.spans, self.gives_way = spans, gives_way

    def find(self, text: str) -> Any:
        yield from (Finding(self.kind, start, end, text[start:end], self.gives_way) for start, end in self.spans)


def test_a_chain_of_findings_is_replaced_from_end_to_end_and_neighbours_stay_apart() -> None:
    found = find_all("0123456789", [Fixed((4, 6), (0, 3)), Fixed((2, 5), (6, 8))])
    assert [(one.start, one.end, one.identity) for one in found] == [(0, 6, "012345"), (6, 8, "67")]


def test_of_findings_that_give_no_way_the_earliest_is_believed_as_it_is() -> None:
    firm = [Fixed((2, 5), (4, 6), gives_way=False), Fixed((0, 9), (6, 8), gives_way=False)]
    assert [(one.start, one.end) for one in find_all("0123456789", firm)] == [(2, 5), (6, 8)]


def test_a_finding_that_touches_a_placeholder_takes_no_other_with_it() -> None:
    found = find_all("0123456789", [Fixed((1, 4)), Fixed((3, 6))], kept=[(0, 2)])
    assert [(one.start, one.end) for one in found] == [(3, 6)]


def test_twice_as_many_findings_cost_twice_as_much() -> None:
    recognizers = [OwnRecognizer("A", "a+"), OwnRecognizer("B", "b+")]
    few, many = (operations(lambda n=n: redact_texts({"a": "aa b <C_1> " * n}, recognizers)) for n in (400, 800))
    assert many < 2.2 * few


def operations(work: Callable[[], Any]) -> int:
    """How many operations of the interpreter it takes: the same on every machine, however busy it is."""
    count = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count
