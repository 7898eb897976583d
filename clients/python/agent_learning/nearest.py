"""Which of a config's examples are most like a question: the sums of the product (docs/integrator.md)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from weakref import WeakValueDictionary

WORD = re.compile(r"[^\W_]+")
MOST_WORDS = 300

Example = Mapping[str, str]


class Nearest:
    """Examples with an "input" each, and those that a text is most like."""

    def __init__(self, examples: Sequence[Example], template: str) -> None:
        self._examples = examples
        self._texts = _looked_at(tuple(_without(template, one["input"]) for one in examples))

    def shown(self, text: str, most: int) -> list[Example]:
        """At most so many examples, the most alike last: it stands right before the question."""
        return [self._examples[place] for place in reversed(self._texts.places(text, most))]


def _without(template: str, text: str) -> str:
    """What stands in the place of the template; the whole text where it is not made by it."""
    before, _, after = template.partition("{input}")
    made = text.startswith(before) and text.endswith(after) and len(text) >= len(before) + len(after)
    return text[len(before) : len(text) - len(after)] if made else text


class _Texts:
    def __init__(self, texts: Sequence[str]) -> None:
        counts = [_trigrams(one) for one in texts]
        found = Counter(one for each in counts for one in each)
        self._rarity = {one: math.log((1 + len(texts)) / (1 + number)) + 1 for one, number in found.items()}
        self._holding: dict[str, list[tuple[int, float]]] = {one: [] for one in found}
        self._count = len(texts)
        for place, each in enumerate(counts):
            weights = self._weigh(each)
            length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
            for one, weight in weights.items():
                self._holding[one].append((place, weight / length))

    def places(self, text: str, most: int) -> list[int]:
        """The most alike first; of equals the one that stands first."""
        alike = [0.0] * self._count
        for one, weight in self._weigh(_trigrams(text)).items():
            for place, other in self._holding[one]:
                alike[place] += weight * other
        length = max(alike, default=0.0) or 1.0
        return sorted(range(self._count), key=lambda place: (-round(alike[place] / length, 9), place))[:most]

    def _weigh(self, counts: Mapping[str, int]) -> dict[str, float]:
        known = self._rarity
        return {one: (1 + math.log(count)) * known[one] for one, count in counts.items() if one in known}


# What was looked at, as long as somebody holds it: thousands of users have a config each, and all the same examples.
_known: WeakValueDictionary[tuple[str, ...], _Texts] = WeakValueDictionary()


def _looked_at(texts: tuple[str, ...]) -> _Texts:
    found = _known.get(texts)
    return _known.setdefault(texts, _Texts(texts)) if found is None else found


def _trigrams(text: str) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for word in WORD.findall(text.casefold())[:MOST_WORDS]:
        padded = f" {word} "
        counts.update(padded[start : start + 3] for start in range(len(padded) - 2))
    return counts
