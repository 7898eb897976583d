"""An organization's own kinds of personal data, such as customer numbers. Pure.

The patterns come from users, so they run on RE2: its time grows with the text alone, whatever the pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from organizations.redaction.findings import Finding

NAME = re.compile(r"[A-Z][A-Z_]{0,29}")
LONGEST_PATTERN = 500  # characters
MOST_MEMORY = 1 << 20  # bytes that a compiled pattern may take


class PatternRefused(ValueError):
    """The text says what is wrong with a name or a pattern."""


class OwnRecognizer:
    """What a pattern matches; with a group in the pattern, what the first group matches. Raises PatternRefused."""

    def __init__(self, kind: str, pattern: str) -> None:
        if not NAME.fullmatch(kind):
            raise PatternRefused("A name has 1 to 30 capital letters and underscores, such as CUSTOMER_NUMBER.")
        if len(pattern) > LONGEST_PATTERN:
            raise PatternRefused(f"A pattern has at most {LONGEST_PATTERN} characters.")
        self.kind = kind
        self._pattern = _compiled(pattern)

    def find(self, text: str) -> Iterator[Finding]:
        for match in self._pattern.finditer(text):
            group = 1 if match.re.groups and match.group(1) else 0
            start, end = match.span(group)
            if start < end:
                yield Finding(self.kind, start, end, text[start:end], gives_way=True)


def _compiled(pattern: str):  # type: ignore[no-untyped-def]  # RE2 brings no types
    import re2

    options = re2.Options()
    options.max_mem = MOST_MEMORY
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raise PatternRefused(f"This is no pattern that RE2 understands: {_said(error)}.") from error
    if compiled.search(""):
        raise PatternRefused("This pattern matches an empty text, so it would match everywhere.")
    return compiled


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
