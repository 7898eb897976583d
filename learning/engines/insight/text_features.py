"""What a text is like, in numbers. Pure, and quick: a text of 100 words takes some tens of microseconds.

Reading ease: Flesch (1948), "A new readability yardstick", Journal of Applied Psychology 32, with syllables counted as
groups of vowels; it means something in English alone.
"""

from __future__ import annotations

import difflib
import math
import re

VERSION = 1  # of what the functions below give: raise it with every change, and stored numbers are computed anew
LONGEST = 20_000  # characters that are read
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
VOWELS = re.compile(r"[aeiouy]+")  # of small letters
SENTENCE = re.compile(r"[.!?]+(?:\s|$)")
CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
LIST_LINE = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+\S", re.MULTILINE)
LINE = re.compile(r"^\s*\S", re.MULTILINE)
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
HEDGES = frozenset(
    [
        "may",
        "might",
        "maybe",
        "perhaps",
        "possibly",
        "probably",
        "could",
        "seem",
        "seems",
        "appear",
        "appears",
        "likely",
        "unlikely",
        "generally",
        "usually",
        "typically",
        "sometimes",
    ]
)
HEDGING = ("i think", "i believe", "i guess", "i assume", "not sure", "not certain", "as far as i know")
# What each number is, in words for people; `{text}` is replaced by what the text is.
FEATURE_WORDS = {
    "words": "length of {text} in words",
    "sentence_words": "words in a sentence of {text}",
    "reading_ease": "reading ease of {text}",
    "list_share": "share of list lines in {text}",
    "code_share": "share of code in {text}",
    "hedges": "hedging words in 100 words of {text}",
    "questions": "questions in {text}",
    "numbers": "numbers in 100 words of {text}",
}


def text_features(text: str) -> dict[str, float]:
    """The numbers of FEATURE_WORDS; nan where the text has no words. Shares run from 0 to 1."""
    text = text[:LONGEST]
    lower = text.lower()
    words = WORD.findall(lower)
    count = len(words)
    if not count:
        return dict.fromkeys(FEATURE_WORDS, math.nan) | {"words": 0.0}
    sentences = max(1, len(SENTENCE.findall(text)))
    syllables = max(count, len(VOWELS.findall(lower)))
    code = sum(map(len, CODE.findall(text))) if "`" in text else 0
    hedges = sum(map(HEDGES.__contains__, words)) + sum(map(lower.count, HEDGING))
    return {
        "words": float(count),
        "sentence_words": count / sentences,
        "reading_ease": 206.835 - 1.015 * count / sentences - 84.6 * syllables / count,
        "list_share": len(LIST_LINE.findall(text)) / max(1, len(LINE.findall(text))),
        "code_share": code / len(text),
        "hedges": 100 * hedges / count,
        "questions": float(text.count("?")),
        "numbers": 100 * len(NUMBER.findall(text)) / count,
    }


def question_features(text: str) -> dict[str, float]:
    """The few of them that say something about a question."""
    text = text[:LONGEST]
    return {"words": float(len(WORD.findall(text))), "questions": float(text.count("?"))}


def similarity(one: str, other: str) -> float:
    """How alike two texts are by their words in order, 0 to 1: the share of words in common runs (difflib's ratio)."""
    first, second = (WORD.findall(text[:LONGEST].lower())[:400] for text in (one, other))
    if not first or not second:
        return math.nan
    return difflib.SequenceMatcher(None, first, second, autojunk=False).ratio()
