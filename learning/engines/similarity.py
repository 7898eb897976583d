"""How alike two texts are: the Jaccard index of their sets of character 4-grams. Pure.

Broder (1997), "On the resemblance and containment of documents".
"""

from __future__ import annotations

import re
import unicodedata

GRAM = 4  # characters
NEAR = 0.7  # the least similarity of near-duplicates
# Characters: in a shorter text the one that differs ("order 12", "order 13") is what the text is about.
SHORT = 24
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def normalize(text: str) -> str:
    """The text without case, punctuation and differences of spacing or of Unicode spelling."""
    return _BETWEEN_WORDS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def grams(text: str) -> frozenset[str]:
    """The character 4-grams of the normalized text; a shorter text is one gram, an empty one has none."""
    plain = normalize(text)
    if not plain:
        return frozenset()
    return frozenset(plain[start : start + GRAM] for start in range(max(1, len(plain) - GRAM + 1)))


def are_near(one: str, other: str, *, near: float = NEAR) -> bool:
    """The same but for case, punctuation and spacing, or of some length and at least `near` similar."""
    first, second = normalize(one), normalize(other)
    if first == second:
        return True
    return min(len(first), len(second)) >= SHORT and similarity(grams(one), grams(other)) >= near


def similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard index of two sets of grams, 0 to 1; two empty sets are equal."""
    if not one and not other:
        return 1.0
    common = len(one & other)
    return common / (len(one) + len(other) - common)
