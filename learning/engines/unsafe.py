"""Texts that a person should look at before anything learns from them. Pure.

A short list of English phrases, made to be read in a minute. It finds what says it plainly: weapons and drugs asked
for or explained, encouragement to self-harm, sexual words about minors, text that gives orders to a model, and markup
that would run. It knows no other language, no slurs and no irony; nothing found does not mean that a text is harmless.
"""

from __future__ import annotations

import re

_MAKE = r"(?:make|making|build|building|cook|cooking|synthesi[sz]e|synthesi[sz]ing|assemble|assembling)"
_WEAPON = (
    r"(?:(?<!bath )(?<!bath-)bombs?|explosives?|napalm|molotov|nerve\s+agents?|sarin|ricin|meth(?:amphetamine)?"
    r"|ghost\s+guns?)"
)
_MINOR = r"(?:child(?:ren)?|minors?|underage|toddlers?|pre-?teens?)"
_SEXUAL = r"(?:porn\w*|nudes?|sexual(?:ly)?|sex|erotic\w*)"
PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_MAKE}\s+(?:\w+\s+){{0,3}}{_WEAPON}\b",
        r"\bkill\s+(?:yourself|urself)\b|\bkys\b|\b(?:how|ways?)\s+to\s+(?:kill|hang|harm)\s+myself\b",
        rf"\b{_SEXUAL}\W+(?:\w+\W+){{0,3}}{_MINOR}\b|\b{_MINOR}\W+(?:\w+\W+){{0,2}}porn\w*",
        r"\b(?:ignore|disregard|forget)\s+(?:\w+\s+){0,2}(?:previous|prior|above|earlier|preceding)\s+(?:\w+\s+)?"
        r"(?:instructions?|prompts?|rules)\b",
        r"<\s*script\b|\bjavascript\s*:|\bon(?:error|load)\s*=\s*[\"']?\w+\(",
    )
)
LONGEST = 20_000  # characters of a text that are looked at


def is_unsafe(text: str) -> bool:
    """Whether one of the phrases stands in the text."""
    return any(pattern.search(text, 0, LONGEST) for pattern in PATTERNS)
