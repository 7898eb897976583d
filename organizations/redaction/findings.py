"""What a recognizer finds, and how findings of several recognizers are brought together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

Span = tuple[int, int]
Ranked = tuple[int, "Finding"]  # a finding with the place of its recognizer


@dataclass(frozen=True)
class Finding:
    """One piece of personal data: `text[start:end]` (characters).

    `identity` is the value in one spelling, so that "A@b.org" and "a@b.org" are the same person's.
    `gives_way`: it may be a part of something larger, which is then replaced as a whole.
    """

    kind: str
    start: int
    end: int
    identity: str
    gives_way: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"A finding covers at least one character, not {self.start} to {self.end}.")


class Recognizer(Protocol):
    """One kind of personal data. `find` gives findings in any order; they may overlap those of other recognizers."""

    kind: str

    def find(self, text: str) -> Iterator[Finding]: ...


def find_all(text: str, recognizers: Sequence[Recognizer], kept: Sequence[Span] = ()) -> list[Finding]:
    """Findings in the order of the text, none overlapping another or one of the spans that are `kept`.

    Where two claim a character, the earlier recognizer wins. One that gives way becomes one with those it overlaps,
    from the beginning of the first to the end of the last, so that nothing of them stays; they are what the one that
    covers them all says, or else the earliest recognizer. Time grows with the text and the number of findings alone.
    """
    reserved, claimed = bytearray(len(text)), bytearray(len(text))  # a mark for each character
    for start, end in kept:
        reserved[start:end] = b"\1" * (end - start)
    taken: list[Ranked] = []
    for rank, recognizer in enumerate(recognizers):
        for found in recognizer.find(text):
            marks = reserved if found.gives_way else claimed
            if reserved.find(1, found.start, found.end) < 0 and marks.find(1, found.start, found.end) < 0:
                taken.append((rank, found))
                if not found.gives_way:
                    claimed[found.start : found.end] = b"\1" * (found.end - found.start)
    taken.sort(key=lambda one: (one[1].start, one[1].end))
    return [_as_one(text, together) for together in _overlapping(taken)]


def _overlapping(taken: Sequence[Ranked]) -> Iterator[list[Ranked]]:
    """Runs of findings (by their beginnings) of which each overlaps one before it."""
    together: list[Ranked] = []
    end = 0
    for one in taken:
        if together and one[1].start >= end:
            yield together
            together = []
        together.append(one)
        end = max(end, one[1].end)
    if together:
        yield together


def _as_one(text: str, together: Sequence[Ranked]) -> Finding:
    start, end = together[0][1].start, max(found.end for _, found in together)
    whole = [one for one in together if (one[1].start, one[1].end) == (start, end)]
    _, believed = min(whole or together, key=lambda one: one[0])
    return believed if whole else Finding(believed.kind, start, end, text[start:end])
