"""Words that set failed answers apart from successful ones. Pure.

Log-odds with an informative Dirichlet prior: Monroe, Colaresi and Quinn (2008), "Fightin' Words", Political Analysis,
with the whole corpus as prior. A word counts once in a case, however often it stands there, and the odds are those of
cases that have it: words come in bursts, answers of one case repeat each other, and long answers have more of every
word. Benjamini-Yekutieli over all terms.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from learning.engines.insight.clustered import SMALLEST
from learning.engines.insight.correlations import FALSE_DISCOVERIES, benjamini_yekutieli
from learning.engines.insight.text_features import LONGEST, WORD

if TYPE_CHECKING:
    from learning.engines.insight.types import Floats, Integers

PRIOR = 10.0  # how many cases the prior is worth
FEWEST_CASES = 5  # that hold a term
MOST_TERMS = 40
MOST_CASES = 20_000
SHORTEST = 3  # letters


@dataclass(frozen=True, slots=True)
class Term:
    """A word in `good` successful and `bad` failed cases. log_odds: above 0 it goes with success; z: in its errors."""

    word: str
    good: int
    bad: int
    log_odds: float
    z: float
    adjusted: float


def find_terms(texts: Sequence[str], success: Floats, cases: Integers) -> list[Term]:
    """The terms that set the two apart after correction, the surest first. success: 1, 0 or nan."""
    good, bad = _counted(texts, success, cases)
    every = good.words + bad.words
    words = [word for word, count in every.items() if count >= FEWEST_CASES]
    scores = [log_odds(good.words[word], good.cases, bad.words[word], bad.cases) for word in words]
    p_values = [max(SMALLEST, math.erfc(abs(z) / math.sqrt(2))) for _, z in scores]
    found = [
        Term(word, good.words[word], bad.words[word], delta, z, adjusted)
        for word, (delta, z), adjusted in zip(words, scores, benjamini_yekutieli(p_values), strict=True)
        if adjusted is not None and adjusted <= FALSE_DISCOVERIES
    ]
    return sorted(found, key=lambda one: (-abs(one.z), one.word))[:MOST_TERMS]


def log_odds(good: int, good_cases: int, bad: int, bad_cases: int) -> tuple[float, float]:
    """Equations 16, 19, 20 and 22 of Monroe et al.: the difference in log-odds, and over its standard error."""
    prior = PRIOR * (good + bad) / (good_cases + bad_cases)
    odds, variance = [], 0.0
    for having, cases in ((good, good_cases), (bad, bad_cases)):
        with_it, without = having + prior, cases - having + PRIOR - prior
        if with_it <= 0 or without <= 0:  # in all cases, or in none
            return 0.0, 0.0
        odds.append(math.log(with_it / without))
        variance += 1 / with_it + 1 / without
    return odds[0] - odds[1], (odds[0] - odds[1]) / math.sqrt(variance)


@dataclass(frozen=True, slots=True)
class _Side:
    cases: int
    words: Counter[str]


def words_of(text: str) -> set[str]:
    """Its distinct words, small letters, the shortest left out."""
    return {word.lower() for word in set(WORD.findall(text[:LONGEST])) if len(word) >= SHORTEST}


def _counted(texts: Sequence[str], success: Floats, cases: Integers) -> tuple[_Side, _Side]:
    """In how many successful and failed cases each word stands; a case that is both counts for neither."""
    sides: dict[int, tuple[set[str], set[float]]] = {}
    for text, said, case in zip(texts, success.tolist(), cases.tolist(), strict=True):
        if math.isnan(said) or (case not in sides and len(sides) == MOST_CASES):
            continue
        words, ends = sides.setdefault(case, (set(), set()))
        words |= words_of(text)
        ends.add(said)
    return _in_cases(sides.values(), 1.0), _in_cases(sides.values(), 0.0)


def _in_cases(sides: Iterable[tuple[set[str], set[float]]], end: float) -> _Side:
    counts, cases = Counter[str](), 0
    for words, ends in sides:
        if ends == {end}:
            counts.update(words)
            cases += 1
    return _Side(cases, counts)
