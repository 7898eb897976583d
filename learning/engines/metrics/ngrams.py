"""Metrics that count runs of letters or words: chrF and GLEU. Pure.

chrF: Popović (2015), "chrF: character n-gram F-score for automatic MT evaluation", with n to 6 and beta 2.
GLEU: Wu et al. (2016), "Google's neural machine translation system", section 8: the smaller one of precision and
recall over runs of 1 to 4 words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

LONGEST_RUN = 6  # characters
MOST_WORDS = 4
BETA = 2.0  # recall weighs so much more than precision


def chrf(output: str, expected: str, /) -> float:
    """F-score over runs of 1 to 6 characters, white space left out. Two empty texts agree."""
    got, wanted = "".join(output.split()), "".join(expected.split())
    if got == wanted:
        return 1.0
    pairs = [(_runs(got, n), _runs(wanted, n)) for n in range(1, LONGEST_RUN + 1)]
    # Runs longer than one of the texts say nothing, so they are left out.
    counted = [(one, other) for one, other in pairs if one and other]
    if not counted:
        return 0.0
    precision = sum((one & other).total() / one.total() for one, other in counted) / len(counted)
    recall = sum((one & other).total() / other.total() for one, other in counted) / len(counted)
    if precision + recall == 0:
        return 0.0
    return (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)


def gleu(output: str, expected: str, /) -> float:
    """Shared runs of 1 to 4 words over those of the longer text, so that neither too much nor too little pays."""
    got, wanted = output.split(), expected.split()
    if not got or not wanted:
        return float(got == wanted)
    ours = sum((_runs(got, n) for n in range(1, MOST_WORDS + 1)), Counter())
    theirs = sum((_runs(wanted, n) for n in range(1, MOST_WORDS + 1)), Counter())
    return (ours & theirs).total() / max(ours.total(), theirs.total())


def _runs(signs: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(signs[start : start + n]) for start in range(len(signs) - n + 1))
