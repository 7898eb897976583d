"""Finding and cutting out what somebody wrote where it is quoted: in a prompt, a log line, a figure's caption.

A quote is a run of words that a person's texts hold and nobody else's do. Single words count only when they look like
a name for something (an address, a number, a code), so that ordinary words are never cut out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ERASED = "[erased]"
WORD = re.compile(r"\w+(?:[@.+\-_:/'’]+\w+)*")
RUN = 4  # words in a row that make a quote
LEAST = 14  # characters of the words of a quote, together
NAME = 8  # characters of a word that looks like a name
LONG = 14  # characters of a word that is distinctive by itself

Run = tuple[str, ...]


@dataclass(frozen=True)
class Quotes:
    """What counts as quoted: `runs` of words and single `names`, both in lower case; `most` is the longest run."""

    runs: frozenset[Run]
    names: frozenset[str]

    @classmethod
    def of(cls, texts: Iterable[str], *, known: Iterable[str] = (), names: Iterable[str] = ()) -> Quotes:
        """The quotes of a person's `texts`, less what stands in `known` texts of others. `names` always count."""
        runs: set[Run] = set()
        single: set[str] = set()
        for text in texts:
            words = _words(text)
            runs |= _runs_of(words)
            single |= {word.casefold() for word in words if _is_name(word, alone=len(words) == 1)}
        for text in known:
            words = _words(text)
            single.difference_update(word.casefold() for word in words)
            runs.difference_update(_runs(words))
        return cls(frozenset(runs), frozenset(single | {name.casefold() for name in names if name}))

    def __bool__(self) -> bool:
        return bool(self.runs or self.names)

    def found_in(self, value: Any) -> bool:
        """Whether a text, or any text in a JSON value, quotes."""
        return any(self._quoted(text) for text in texts_in(value))

    def cut(self, value: Any) -> Any:
        """A text or JSON value without what is quoted; the same object when nothing is."""
        if isinstance(value, str):
            return self._cut(value)
        if isinstance(value, Mapping):
            cut = {self._cut(str(key)): self.cut(one) for key, one in value.items()}
            return cut if cut != value else value
        if isinstance(value, list | tuple):
            parts = [self.cut(one) for one in value]
            return parts if parts != list(value) else value
        return value

    def _cut(self, text: str) -> str:
        quoted = self._quoted(text)
        if not quoted:
            return text
        kept, place = [], 0
        for start, end in quoted:
            kept += [text[place:start], ERASED]
            place = end
        return "".join([*kept, text[place:]])

    def _quoted(self, text: str) -> list[tuple[int, int]]:
        """Where the quotes begin and end, those that touch as one."""
        found = [(match.start(), match.end()) for match in WORD.finditer(text)]
        words = [text[start:end].casefold() for start, end in found]
        marked = {place for place, word in enumerate(words) if self._names(word)}
        for length in range(2, RUN + 1):
            for place in range(len(words) - length + 1):
                if tuple(words[place : place + length]) in self.runs:
                    marked.update(range(place, place + length))
        ends: list[tuple[int, int]] = []
        for place in sorted(marked):
            start, end = found[place]
            if place - 1 in marked and ends:
                ends[-1] = (ends[-1][0], end)
            else:
                ends.append((start, end))
        return ends

    def _names(self, word: str) -> bool:
        """The word, or one of the parts that signs join it of."""
        return word in self.names or any(part in self.names for part in re.split(r"[@+:/'’]", word))


def texts_in(value: Any) -> Iterator[str]:
    """Every text of a JSON value, keys of objects included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield str(key)
            yield from texts_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_in(one)


def _words(text: str) -> list[str]:
    return WORD.findall(text)


def _runs_of(words: list[str]) -> set[Run]:
    """The runs of a text; a text of two or three words is one as a whole."""
    low = [word.casefold() for word in words]
    length = min(RUN, len(low))
    if length < 2:
        return set()
    places = range(len(low) - length + 1)
    return {run for place in places if sum(map(len, run := tuple(low[place : place + length]))) >= LEAST}


def _runs(words: list[str]) -> Iterator[Run]:
    """Every run of any length that counts, for what is known."""
    low = [word.casefold() for word in words]
    for length in range(2, RUN + 1):
        for place in range(len(low) - length + 1):
            yield tuple(low[place : place + length])


def _is_name(word: str, *, alone: bool) -> bool:
    """An address, a number, a code, a word in capitals; or a long one."""
    if len(word) < NAME:
        return False
    marked = any(sign.isdigit() or sign in "@_:/" for sign in word) or (word.isupper() and word.isalpha())
    return marked or len(word) >= LONG or (alone and len(word) >= NAME + 2)
