"""Which of a config's examples are most like a question: the sums of the product (docs/integrator.md)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

WORD = re.compile(r"[^\W_]+")
MOST_WORDS = 300

Example = Mapping[str, str]


class Nearest:
    """Examples with an "input" each, and those that a text is most like."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = examples
        counts = [_trigrams(one["input"]) for one in examples]
        found = Counter(one for each in counts for one in each)
        self._rarity = {one: math.log((1 + len(examples)) / (1 + number)) + 1 for one, number in found.items()}
        self._holding: dict[str, list[tuple[int, float]]] = {one: [] for one in found}
        for place, each in enumerate(counts):
            weights = self._weigh(each)
            length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
            for one, weight in weights.items():
                self._holding[one].append((place, weight / length))

    def shown(self, text: str, most: int) -> list[Example]:
        """At most so many examples, the most alike last: it stands right before the question."""
        alike = [0.0] * len(self._examples)
        for one, weight in self._weigh(_trigrams(text)).items():
            for place, other in self._holding[one]:
                alike[place] += weight * other
        length = max(alike, default=0.0) or 1.0
        order = sorted(range(len(alike)), key=lambda place: (-round(alike[place] / length, 9), place))
        return [self._examples[place] for place in reversed(order[:most])]

    def _weigh(self, counts: Mapping[str, int]) -> dict[str, float]:
        known = self._rarity
        return {one: (1 + math.log(count)) * known[one] for one, count in counts.items() if one in known}


def _trigrams(text: str) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for word in WORD.findall(text.casefold())[:MOST_WORDS]:
        padded = f" {word} "
        counts.update(padded[start : start + 3] for start in range(len(padded) - 2))
    return counts
