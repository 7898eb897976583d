"""Metrics that compare whole texts and words. Pure."""

from __future__ import annotations

import unicodedata
from collections import Counter


def exact(output: str, expected: str, /) -> float:
    """1.0 when the answer is the wanted text to the letter; white space around it does not count."""
    return float(output.strip() == expected.strip())


def normalise(text: str) -> str:
    """Fold case, Unicode forms, runs of white space and the punctuation around a text."""
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return folded.strip(".,;:!?\"'`*()[] ")


def normalised(output: str, expected: str, /) -> float:
    """1.0 when the texts agree after folding case, white space and the punctuation around them."""
    return float(normalise(output) == normalise(expected))


def token_f1(output: str, expected: str, /) -> float:
    """Harmonic mean of precision and recall over words, folded like `normalised`. Two empty texts agree."""
    got, wanted = Counter(normalise(output).split()), Counter(normalise(expected).split())
    if not got or not wanted:
        return float(got == wanted)
    shared = (got & wanted).total()
    return 2 * shared / (got.total() + wanted.total())
