"""A span as it was received: decoded, bounded, and nothing else yet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_TEXT = 100_000  # characters of one value
MAX_ATTRIBUTES = 4_000  # of one span; long conversations come as one attribute a line
MAX_EVENTS = 500
MAX_DEPTH = 16
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # NUL, halves of surrogate pairs

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class Event:
    """Something that happened during a span."""

    name: str
    attributes: Attributes


@dataclass(frozen=True)
class Span:
    """One span. Ids are lower-case hex, `parent_id` "" for none; times are nanoseconds since 1970, `ended` 0 while it
    runs. `failed` and `problem` are its status."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    started: int
    ended: int
    attributes: Attributes = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    failed: bool = False
    problem: str = ""
    resource: Attributes = field(default_factory=dict)

    def first(self, *names: str) -> Any:
        """The first of these attributes that says something; None when none does."""
        for name in names:
            value = self.attributes.get(name)
            if value not in (None, "", [], {}):
                return value
        return None

    def text(self, *names: str) -> str:
        """The same as a text, "" for none."""
        value = self.first(*names)
        return "" if value is None else str(value)


def storable(text: str) -> str:
    """A text that the database takes, cut to MAX_TEXT characters."""
    return UNSTORABLE.sub("\ufffd", text[:MAX_TEXT])


class Undecodable(ValueError):
    """The body is not what its content type says; the text is meant for the caller."""


@dataclass(frozen=True)
class Received:
    """The spans of a request, and why others were left out (one text for each)."""

    spans: Sequence[Span]
    rejected: Sequence[str]
