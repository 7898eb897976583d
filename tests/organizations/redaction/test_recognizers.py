"""Each kind of personal data is found by its form and its checksum, and what only looks like it is left."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from organizations.redaction.findings import Finding, find_all
from organizations.redaction.redactor import standard_recognizers

LABELLED = Path(__file__).parents[2] / "data" / "redaction" / "labelled.jsonl"
RECOGNIZERS = standard_recognizers(("US", "GB", "DE", "FR", "NL"))


def kinds(text: str) -> list[str]:
    return [found.kind for found in find_all(text, RECOGNIZERS)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to Jo.Doe+x@mail.example.co.uk.", "EMAIL"),
        ("jo (at) example (dot) org", "EMAIL"),
        ("card 4111 1111 1111 1111", "CARD"),
        ("DE89 3704 0044 0532 0130 00 THANKS", "IBAN"),
        ("gb82west12345698765432", "IBAN"),
        ("from 203.0.113.9", "IP"),
        ("from 2001:db8::1", "IP"),
        ("123-45-6789", "SSN"),
        ("call (415) 555-2671 x12", "PHONE"),
        ("+49 30 901820", "PHONE"),
        ("key ghp_" + "a1" * 18, "SECRET"),
        ("password: hunter2!x", "SECRET"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "SECRET"),
        ("https://x.org/a?token=abcd1234&b=1", "URL_TOKEN"),
        ("postgres://jo:pa55word@db/x", "URL_TOKEN"),
    ],
)
def test_it_is_found(text: str, kind: str) -> None:
    assert kinds(text) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "card 4111 1111 1111 1112",
        "1111 1111 1111 1117",
        "DE89 3704 0044 0532 0130 01",
        "version 1.2.3.4 and v1.2.3.4",
        "127.0.0.1 and ::1",
        "at 12:30:45 std::vector",
        "666-45-6789",
        "p = 0.8764512345",
        "between 1970-01-15 and 1665",
        "Your password is required. Your token is a word.",
        "https://x.org/a?page=12345678&lang=en",
        "ISBN 978-7-313-98-6",
        "you@home, @someone",
    ],
)
def test_what_only_looks_like_it_is_left(text: str) -> None:
    assert kinds(text) == []


def test_recall_and_precision_on_labelled_texts() -> None:
    """The bounds that the product promises for each kind; `bench_datasets` prints the figures."""
    covered, wanted, wrong = Counter[str](), Counter[str](), 0
    for line in LABELLED.read_text().splitlines():
        row = json.loads(line)
        found = find_all(row["text"], RECOGNIZERS)
        if not row["kind"]:
            wrong += bool(found)
            continue
        wanted[row["kind"]] += 1
        covered[row["kind"]] += covers(found, row["text"], row["value"])
    recall = {kind: covered[kind] / wanted[kind] for kind in wanted}
    assert recall.pop("PHONE") >= 0.85
    assert min(recall.values()) >= 0.99, recall
    assert wrong <= 3


def covers(found: list[Finding], text: str, value: str) -> bool:
    """Whether every letter and digit of the value lies in a finding."""
    start = text.index(value)
    places = [place for place in range(start, start + len(value)) if text[place].isalnum()]
    return all(any(one.start <= place < one.end for one in found) for place in places)
