"""What a recognizer finds, and how findings of several recognizers are brought together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Finding:
    """One piece of personal data: `text[start:end]` (characters).

    `identity` is the value in one spelling, so that "A@b.org" and "a@b.org" are the same person's.
    """

    kind: str
    start: int
    end: int
    identity: str

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"A finding covers at least one character, not {self.start} to {self.end}.")


class Recognizer(Protocol):
    """One kind of personal data. `find` gives findings in any order; they may overlap those of other recognizers."""

    kind: str

    def find(self, text: str) -> Iterator[Finding]: ...


def find_all(text: str, recognizers: Sequence[Recognizer]) -> list[Finding]:
    """Findings in the order of the text, none overlapping: where two claim a character, the earlier recognizer wins."""
    taken: list[Finding] = []
    for recognizer in recognizers:
        taken += [found for found in recognizer.find(text) if not _overlaps(found, taken)]
    return sorted(taken, key=lambda found: found.start)


def _overlaps(found: Finding, others: Iterable[Finding]) -> bool:
    return any(found.start < other.end and other.start < found.end for other in others)
