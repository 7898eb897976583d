"""Names of persons: what is found, what is left, and how often on labelled texts."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from organizations.redaction.names import NameRecognizer
from organizations.redaction.redactor import redact_texts, standard_recognizers

LABELLED = Path(__file__).parents[2] / "data" / "redaction" / "names.jsonl"
# What was measured, less one or two: a change that finds less fails here. docs/operator.md states the figures.
LEAST = {
    "full, US and GB": 0.93, "first only, US and GB": 0.91, "introduced, full": 0.92, "introduced, first only": 0.98,
    "small letters, US and GB": 0.97, "full, India and Nigeria": 0.45, "full, other languages": 0.24, "nobody": 0.95,
}  # fmt: skip


def redact(*texts: str) -> list[str]:
    given = {str(number): text for number, text in enumerate(texts)}
    return list(redact_texts(given, [NameRecognizer()]).texts.values())


def test_the_same_person_stays_the_same_placeholder_in_all_texts_of_an_example() -> None:
    assert redact("Hi Jennifer Miller, Tom is here", "I told JENNIFER MILLER that Tom came") == [
        "Hi <PERSON_1>, <PERSON_2> is here", "I told <PERSON_1> that <PERSON_2> came",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("my name is Ümit Özdemir, hello", "my name is <PERSON_1>, hello"),
        ("Dear Krish,\nthanks", "Dear <PERSON_1>,\nthanks"),
        ("Mr. van Beek", "Mr. van Beek"), ("Mr. Ravel called", "Mr. <PERSON_1> called"),
        ("Maria del Carmen Ruiz wrote", "<PERSON_1> wrote"), ("Jennifer's order", "<PERSON_1>'s order"),
        ("Ask Susan Where it is", "Ask <PERSON_1> Where it is"),
        ("hi my name is susan miller and i", "hi my name is <PERSON_1> and i"),
        ("Regards,\nYochana Boase", "Regards,\n<PERSON_1>"),
    ],
)  # fmt: skip
def test_a_name_ends_where_the_sentence_goes_on(text: str, left: str) -> None:
    assert redact(text) == [left]


@pytest.mark.parametrize(
    "text",
    [
        "Will you mark it in May?", "Dear Customer,", "Hi Team, thanks!", "I am Happy with it.", "Claude said so.",
        "Susan Ltd sent it", "The Paris office", "a@susan.org", "#Susan", "SUSAN-12 is a part",
    ],
)  # fmt: skip
def test_what_is_no_person_is_left(text: str) -> None:
    assert redact(text) == [text]


def test_recall_and_false_alarms_on_labelled_texts() -> None:
    right, total = Counter[str](), Counter[str]()
    for line in LABELLED.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        (text,) = redact(case["text"])
        words = case["value"].split()
        # A name counts as found when no word of it remains.
        remains = [word for word in words if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)]
        total[case["group"]] += 1
        right[case["group"]] += not remains if words else text == case["text"]
    shares = {group: right[group] / total[group] for group in total}
    assert set(shares) == set(LEAST)
    assert {group: share for group, share in shares.items() if share < LEAST[group]} == {}


def test_names_are_found_only_where_they_are_asked_for() -> None:
    kinds = {one.kind for one in standard_recognizers()}
    assert "PERSON" not in kinds
    assert {one.kind for one in standard_recognizers(names=True)} == kinds | {"PERSON"}


@pytest.mark.parametrize("part", ["John Xy ", "JOHN ", "A'", "Ab-", "my name is ", "Dear ", "Mr. Ab ", "regards,\n"])
def test_no_text_takes_long(part: str) -> None:
    text = part * (50_000 // len(part))
    before = time.process_time()
    list(NameRecognizer().find(text))
    assert time.process_time() - before < 3
