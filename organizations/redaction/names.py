"""Names of persons, by a list of first names and the words around them. Optional; its figures are in docs/operator.md.

The list (first_names.txt) is of the United States Census of 1990, which is in the public domain. A name that is also a
word ("Will", "Rose") or a thing ("Paris") is marked there, and counts only where the words around it say that it is a
person. Names that no list has and nothing introduces stay: this finds many names, never all. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from organizations.redaction.findings import Finding

LIST = Path(__file__).with_name("first_names.txt")
_CAPITAL = r"[^\W\d_a-zà-ÿ](?:[^\W\d_]|['’](?!s\b)(?=[^\W\d_]))+"
_PART = rf"{_CAPITAL}(?:-{_CAPITAL})?"
_BETWEEN = r"(?:[ ](?:van|von|de|der|den|del|di|da|dos|la|le|el|al|bin)){0,2}"
WORDS = re.compile(rf"(?<![\w@#.-])({_PART})((?:[ ][A-Z]\.)?{_BETWEEN}(?:[ ]{_PART}){{1,2}})?(?![\w@]|-\d)")
TITLES = r"(?:Mrs?|Ms|Miss|Mx|Dr|Prof(?:essor)?|Sir|Madam|Herr|Frau|Monsieur|Madame|Mme|Señora?|Sra?|Signora?)"
TITLED = re.compile(rf"\b{TITLES}\.? ({_PART}(?:{_BETWEEN} {_PART}){{0,2}})")
# After these stands a name, whether a list has it or not.
INTRODUCED = re.compile(
    rf"\b(?i:my (?:full )?name is|(?:first|last|full|sur)? ?name\s*[:=]|my name's|i am called|mein name ist|"
    rf"ich hei(?:ß|ss)e|je m'appelle|me llamo|mi chiamo|(?:kind|best|warm)? ?regards,|sincerely,|cheers,|yours truly,)"
    rf"\s+({_PART}(?:{_BETWEEN} {_PART}){{0,2}})"
)
SAID_SMALL = re.compile(r"\b(?:my (?:full )?name is|my name's) ([a-z]+(?: [a-z]+)?)(?![\w'])")
# After these stands a name, or somebody who is no person (NOBODY).
ADDRESSED = re.compile(
    rf"\b(?i:dear|hi|hello|hey|thanks|thank you|i am|i'm|this is)(?P<comma>,?) ({_PART})((?:{_BETWEEN} {_PART}){{0,2}})"
    r"(?P<end>(?=[,!\n]|\.\s|\.?$))?"
)
# Capitalised words that follow a first name and belong to a sentence or a place rather than to a name.
_NO_SURNAMES = """
a about after all also am an and are as at be because been but by can could did do does for from had has have he her his
how i if in is it its just may my no not of on or our she should so that the their then there they this to was we were
what when where which who why will with would you your monday tuesday wednesday thursday friday saturday sunday january
february march april june july august september october november december street avenue road university college school
hospital hotel airport city county state inc ltd gmbh corp company bank
"""
NO_SURNAMES = frozenset(_NO_SURNAMES.split())
# A name before one of these is the name of a company or a place.
_THINGS = """
street avenue road university college school hospital hotel airport city county state inc ltd llc gmbh corp company
bank institute museum park bridge station square tea
"""
THINGS = frozenset(_THINGS.split())
# Who is greeted and is no person.
_NOBODY = """
customer customers team support sir madam sirs everyone everybody all there again folks guys friend friends colleague
colleagues client user users admin help service manager staff hiring community world you god lord happy sorry glad sure
not using trying very so really great good urgent the a an my your our it in on at from just still now here done back
"""
NOBODY = frozenset(_NOBODY.split())


class NameRecognizer:
    """Names of persons: a listed first name with what follows it, a title or an introduction with a name."""

    kind = "PERSON"

    def find(self, text: str) -> Iterator[Finding]:
        taken = bytearray(len(text))  # a mark for each character, so that many names cost no more than few
        for start, end in self._spans(text):
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                yield Finding(self.kind, start, end, text[start:end].casefold())

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        listed = first_names()
        for pattern in (TITLED, INTRODUCED):
            for match in pattern.finditer(text):
                if not _is_word(match[1].split()[0]):
                    yield match.start(1), _end_of_name(text, match.start(1), match.end(1))
        for match in SAID_SMALL.finditer(text):
            if match[1].split()[0] in listed:
                yield match.span(1)
        for match in ADDRESSED.finditer(text):
            first = match[2].casefold()
            # Greeted and set off by a sign: a name, even one that no list has. "I am Happy" is none.
            greeted = match["end"] is not None and not match[0].casefold().startswith(("i", "this"))
            if first not in NOBODY and (first in listed or (greeted and not _is_word(first))):
                yield match.start(2), _end_of_name(text, match.start(2), match.end(3))
        for match in WORDS.finditer(text):
            yield from _listed(text, match)


def _listed(text: str, match: re.Match[str]) -> Iterator[tuple[int, int]]:
    """A run of capitalised words that holds a first name which is not a word or a thing as well."""
    listed = first_names()
    words = list(re.finditer(_PART, match[0]))
    at_start = _begins_sentence(text, match.start(1))
    for place, word in enumerate(words):
        if listed.get(word[0].casefold().split("-")[0]) == "name" and not _is_abbreviation(word[0], match[0]):
            # What no list has, and stands before a listed name, is mostly a first name too; but not at the beginning.
            begins = words[place - 1] if place > at_start and not _is_word(words[place - 1][0]) else word
            end = _end_of_name(text, match.start(1) + word.start(), match.end())
            if not _names_a_thing(text, match.start(1) + word.start(), match.end()):
                yield match.start(1) + begins.start(), end
            return


def _begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 5) : start].rstrip(" \"'(")
    return not before or before[-1] in ".!?:;\n"


def _is_abbreviation(word: str, run: str) -> bool:
    return word.isupper() and len(word) > 1 and not run.isupper()


def _names_a_thing(text: str, start: int, end: int) -> bool:
    return any(word.casefold().strip(".,") in THINGS for word in text[start:end].split()[1:])


def _end_of_name(text: str, start: int, end: int) -> int:
    """Where a name ends: before the first capitalised word that belongs to the sentence."""
    for word in list(re.finditer(r"[^\s]+", text[start:end]))[1:]:
        if _is_word(word[0]):
            return start + len(text[start : start + word.start()].rstrip())
    return end


def _is_word(word: str) -> bool:
    return word.casefold().strip(".,'’") in NO_SURNAMES


@cache
def first_names() -> dict[str, str]:
    """Small letters to "name", or "word" for a name that is also a word or a thing."""
    lines = (line.split() for line in LIST.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {parts[0]: "word" if parts[1:] else "name" for parts in lines if parts}
