"""What people's corrections have in common: shorter, longer, another form, another language, words added or removed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from learning.engines.language import language_of
from learning.engines.prompt.output_form import OutputForm
from learning.engines.prompt.topics import words_of
from learning.engines.types import Example

SHORTER, LONGER = 0.7, 1.4  # words of the corrected answer over those of the original
LEAST_SHARE = 0.2  # of the corrected answers, for a habit to be worth a line
FEWEST = 3
MOST_TERMS = 5


@dataclass(frozen=True, slots=True)
class Habit:
    """Something that many corrections do. `share` (0-1) is of the corrected answers; `detail`: which words, say."""

    kind: str
    count: int
    share: float
    detail: str = ""


def common_habits(examples: Sequence[Example], form: OutputForm) -> tuple[Habit, ...]:
    """The habits of the corrections, the most frequent first."""
    pairs = [
        (one.original, one.expected)
        for one in examples
        if one.original is not None and one.original.strip() != one.expected.strip() and one.expected.strip()
    ]
    if not pairs:
        return ()
    lengths = [len(wanted.split()) / max(1, len(said.split())) for said, wanted in pairs]
    found = [
        _habit("shortened", sum(ratio <= SHORTER for ratio in lengths), len(pairs)),
        _habit("lengthened", sum(ratio >= LONGER for ratio in lengths), len(pairs)),
        _habit(
            "form changed", sum(form.admits(wanted) and not form.admits(said) for said, wanted in pairs), len(pairs)
        ),
        _languages(pairs),
        _terms("words added", [(wanted, said) for said, wanted in pairs]),
        _terms("words removed", pairs),
    ]
    worth = [one for one in found if one.count >= FEWEST and one.share >= LEAST_SHARE]
    return tuple(sorted(worth, key=lambda one: -one.count))


def _habit(kind: str, count: int, of: int, detail: str = "") -> Habit:
    return Habit(kind, count, count / of, detail)


def _languages(pairs: Sequence[tuple[str, str]]) -> Habit:
    """Corrections that are surely in another language than what they correct."""
    changes: Counter[str] = Counter()
    for said, wanted in pairs:
        before, after = language_of(said), language_of(wanted)
        if before and after and before != after:
            changes[f"{before} to {after}"] += 1
    detail = changes.most_common(1)[0][0] if changes else ""
    return _habit("language changed", changes.total(), len(pairs), detail)


def _terms(kind: str, pairs: Sequence[tuple[str, str]]) -> Habit:
    """Words that stand in the first text and not in the second one, again and again."""
    counts = Counter(word for one, other in pairs for word in set(words_of(one)) - set(words_of(other)))
    often = [(word, count) for word, count in counts.items() if count >= max(FEWEST, LEAST_SHARE * len(pairs))]
    often.sort(key=lambda item: (-item[1], item[0]))
    shown = ", ".join(word for word, _ in often[:MOST_TERMS])
    return _habit(kind, often[0][1] if often else 0, len(pairs), shown)
