"""The features of a state, by name. Pure, and so plain that every client can compute them too (docs/behavior.md).

What was done before and where the observation comes from count as they are. Words count by their presence; those of
one text share a length of TEXT, so that a long text says no more than a short one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from learning.engines.behavior.episodes import State

WORD = re.compile(r"[^\W\d_]{2,}")
MOST_WORDS = 150  # of one text, from its beginning
OBSERVED, REQUESTED = "o", "r"  # before a word: of the observation, of the request
TEXT = 2.0  # Euclidean length of the words of one text

Features = Mapping[str, float]


def features_of(state: State) -> dict[str, float]:
    """Feature names with their values."""
    names = [name for name, _ in state.past[-3:]]
    found = {"bias": 1.0, f"from={state.source}": 1.0, f"steps={_size(len(state.past))}": 1.0}
    for length in range(1, 4):
        last = names[-length:] if len(names) >= length else ["start", *names]
        found[f"last{length}={'>'.join(last)}"] = 1.0
    for name in {name for name, _ in state.past}:
        found[f"done={name}"] = 1.0
    if state.past and state.past[-1][1]:
        found["failed"] = 1.0
        found[f"failed={state.past[-1][0]}"] = 1.0
    found |= _words(OBSERVED, state.observation)
    return found | _words(REQUESTED, state.request)


def terms_of(text: str) -> set[str]:
    """The words and pairs of neighbours of a text."""
    words = WORD.findall(text.casefold())[:MOST_WORDS]
    return set(words) | {f"{one} {other}" for one, other in pairwise(words)}


def term_of(feature: str) -> str:
    """The word or pair of words that a feature stands for; empty for one of another kind."""
    prefix, _, term = feature.partition(":")
    return term if prefix in (OBSERVED, REQUESTED) else ""


def _words(prefix: str, text: str) -> dict[str, float]:
    terms = terms_of(text)
    if not terms:
        return {}
    value = TEXT / len(terms) ** 0.5
    return {f"{prefix}:{term}": value for term in terms}


def _size(number: int) -> int:
    """0, 1, 2, 3-4, 5-8, ...: by powers of two."""
    return 0 if number == 0 else (number - 1).bit_length() + 1
