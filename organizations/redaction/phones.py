"""Telephone numbers, by the numbering plans of all countries (the `phonenumbers` package). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from organizations.redaction.findings import Finding

ENOUGH_DIGITS = 7
NATIONAL_DIGITS = 9  # some plans allow numbers of four digits, and then every year is one
DECIMAL = re.compile(r"\d+[.,]\d+(?:-.*)?")
DECIMAL_BEFORE = re.compile(r"\d[.,]$")
ISBN_BEFORE = re.compile(r"ISBN[- :]*$", re.IGNORECASE)
DATE = re.compile(r"(?:19|20)\d{2}[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])")


class PhoneRecognizer:
    """Numbers with their country code, and those that are valid as written in one of `regions` (ISO 3166, "US")."""

    kind = "PHONE"

    def __init__(self, regions: Sequence[str] = ("US",)) -> None:
        self.regions = tuple(regions)

    def find(self, text: str) -> Iterator[Finding]:
        if sum(map(str.isdigit, text)) < ENOUGH_DIGITS:
            return
        from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher, format_number

        seen: set[int] = set()
        # With its country code a number only has to have a possible length; numbering plans change.
        international = [(None, Leniency.POSSIBLE)] if "+" in text else []
        for region, leniency in [*international, *((region, Leniency.VALID) for region in self.regions)]:
            for match in PhoneNumberMatcher(text, region, leniency=leniency):
                if match.start not in seen and not _is_other_number(text, match.start, match.end):
                    seen.add(match.start)
                    identity = format_number(match.number, PhoneNumberFormat.E164)
                    yield Finding(self.kind, match.start, match.end, identity)


def _is_other_number(text: str, start: int, end: int) -> bool:
    """A part of a decimal, of a longer name, or a date. Such digits are often valid numbers by chance."""
    before, behind = text[max(0, start - 2) : start], text[end : end + 2]
    decimal = DECIMAL.fullmatch(text, start, end) or DECIMAL_BEFORE.search(before) or re.match(r"[.,]?\d", behind)
    named = behind[:1].isalpha() or behind[:1] in tuple("=_") or before[-1:].isalnum() or before[-1:] in tuple("_#/")
    named = named or (before[-1:] == "-" and before[:1].isalnum())
    short = text[start] != "+" and sum(map(str.isdigit, text[start:end])) < NATIONAL_DIGITS
    named = named or ISBN_BEFORE.search(text, max(0, start - 9), start) is not None
    return bool(short or decimal or named or DATE.match(text, start))
