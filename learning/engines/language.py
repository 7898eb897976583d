"""Which language a text is in: Lui and Baldwin's langid, 97 languages, 0.03 ms a sentence. Pure.

Lui and Baldwin (2012), "langid.py: an off-the-shelf language identification tool".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

LEAST_LETTERS = 25  # a shorter text is a name, a number or a label as often as a sentence
LONGEST = 2_000  # characters that are looked at
SURE = 0.9
LEAST_TEXTS = 20  # of which the language is known, before anything is expected of others
LEAST_SHARE = 0.05  # of the texts that are in a language, for it to be an expected one


def language_of(text: str) -> str | None:
    """The ISO 639-1 code; None for a text that is too short or where the detector is not sure."""
    beginning = text[:LONGEST]
    if sum(map(str.isalpha, beginning)) < LEAST_LETTERS:
        return None
    code, probability = _detector().classify(beginning)
    return str(code) if probability >= SURE else None


def expected_languages(texts: Iterable[str]) -> frozenset[str]:
    """The languages that texts of this kind are in; empty while too few tell theirs."""
    counts = Counter(filter(None, map(language_of, texts)))
    known = counts.total()
    if known < LEAST_TEXTS:
        return frozenset()
    return frozenset(code for code, count in counts.items() if count >= LEAST_SHARE * known)


def is_foreign(text: str, expected: Collection[str]) -> bool:
    """Whether the text is surely in another language than the expected ones."""
    found = language_of(text) if expected else None
    return found is not None and found not in expected


@lru_cache(maxsize=1)
def _detector() -> Any:
    """Loaded at the first use: most of a second, and 0.1 GB while it unpacks."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
