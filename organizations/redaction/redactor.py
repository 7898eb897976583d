"""Replaces personal data by typed placeholders, the same value by the same one. Pure.

`VERSION` changes whenever a recognizer changes, so that a stored text says by which rules it was redacted. Redaction
finds what has a known form; nobody can promise that it finds everything.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from organizations.redaction.findings import Finding, Recognizer, find_all
from organizations.redaction.names import NameRecognizer
from organizations.redaction.phones import PhoneRecognizer
from organizations.redaction.secrets import SecretRecognizer, UrlTokenRecognizer
from organizations.redaction.structured import (
    CardRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    IpRecognizer,
    SsnRecognizer,
)

VERSION = 1
PLACEHOLDER = re.compile(r"<([A-Z][A-Z_]{0,30})_([1-9]\d{0,5})>")


def standard_recognizers(regions: Sequence[str] = ("US",), *, names: bool = False) -> list[Recognizer]:
    """All recognizers that need no model, in the order in which they are believed. `names`: names of persons too."""
    return [
        UrlTokenRecognizer(),
        SecretRecognizer(),
        EmailRecognizer(),
        IbanRecognizer(),
        CardRecognizer(),
        SsnRecognizer(),
        IpRecognizer(),
        PhoneRecognizer(regions),
        *([NameRecognizer()] if names else []),
    ]


@dataclass(frozen=True)
class Redacted:
    """The texts by name, and how many different values of each kind were replaced in all of them."""

    texts: dict[str, Any]
    found: dict[str, int]

    @property
    def changed(self) -> bool:
        return bool(self.found)


@dataclass
class Redactor:
    """Redacts the texts of one example: a value keeps its placeholder, such as `<EMAIL_1>`, in all of them.

    Placeholders that stand in a text already are left, and their numbers are not given to other values: `reserve` every
    text before the first is redacted.
    """

    recognizers: Sequence[Recognizer]
    _names: dict[tuple[str, str], str] = field(default_factory=dict)
    _last: Counter[str] = field(default_factory=Counter)

    @property
    def found(self) -> dict[str, int]:
        return dict(sorted(Counter(kind for kind, _ in self._names).items()))

    def reserve(self, value: Any) -> None:
        """Note the placeholders in a text, or in all texts of a JSON value."""
        for text in _texts_in(value):
            for kind, number in PLACEHOLDER.findall(text):
                self._last[kind] = max(self._last[kind], int(number))

    def redact(self, value: Any) -> Any:
        """A text, or a JSON value with all its texts (keys of objects included), redacted."""
        if isinstance(value, str):
            return self._redact_text(value)
        if isinstance(value, list | tuple):
            return [self.redact(item) for item in value]
        if isinstance(value, dict):
            return {self.redact(key): self.redact(item) for key, item in value.items()}
        return value

    def _redact_text(self, text: str) -> str:
        kept = [match.span() for match in PLACEHOLDER.finditer(text)]
        parts, position = [], 0
        for found in find_all(text, self.recognizers, kept):
            parts += [text[position : found.start], self._placeholder(found)]
            position = found.end
        return "".join([*parts, text[position:]])

    def _placeholder(self, found: Finding) -> str:
        key = (found.kind, found.identity)
        if key not in self._names:
            self._last[found.kind] += 1
            self._names[key] = f"<{found.kind}_{self._last[found.kind]}>"
        return self._names[key]


def redact_texts(texts: Mapping[str, Any], recognizers: Sequence[Recognizer]) -> Redacted:
    """All texts of one example (JSON values too), with placeholders that agree among them."""
    redactor = Redactor(recognizers)
    for value in texts.values():
        redactor.reserve(value)
    return Redacted({name: redactor.redact(value) for name, value in texts.items()}, redactor.found)


def _texts_in(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts_in(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts_in(key)
            yield from _texts_in(item)
