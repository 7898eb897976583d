"""Which of an agent's examples are most like a question. Pure; the clients compute the same (docs/integrator.md).

Cosine of the trigrams of signs within words, weighted by inverse document frequency (Salton and Buckley, 1988).
Trigrams rather than words: "refunded" is like "refund", a slip of the pen spoils little, and languages that write
without spaces have them too.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache

WORD = re.compile(r"[^\W_]+")
MOST_WORDS = 300  # of a text; what comes after them says little more


class NearestTexts:
    """Texts, and which of them a further text is most like."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [_trigrams(text) for text in texts]
        found = Counter(one for each in counts for one in each)
        self._rarity = {one: math.log((1 + len(texts)) / (1 + number)) + 1 for one, number in found.items()}
        self._holding: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        self._count = len(texts)
        for place, each in enumerate(counts):
            weights = self._weigh(each)
            length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
            for one, weight in weights.items():
                self._holding[one].append((place, weight / length))

    def places(self, text: str, most: int) -> list[int]:
        """The places of at most so many texts, the most alike first; of equals the one that stands first."""
        alike = [0.0] * self._count
        for one, weight in self._weigh(_trigrams(text)).items():
            for place, other in self._holding[one]:
                alike[place] += weight * other
        length = max(alike, default=0.0) or 1.0
        order = sorted(range(self._count), key=lambda place: (-round(alike[place] / length, 9), place))
        return order[:most]

    def _weigh(self, counts: Counter[str]) -> dict[str, float]:
        known = self._rarity
        return {one: (1 + math.log(count)) * known[one] for one, count in counts.items() if one in known}


def without_template(text: str, template: str, place: str) -> str:
    """What stands in the place of the template; the whole text where it is not made by it."""
    before, _, after = template.partition(place)
    made = text.startswith(before) and text.endswith(after) and len(text) >= len(before) + len(after)
    return text[len(before) : len(text) - len(after)] if made else text


@lru_cache(maxsize=4)  # a race has two sets and the current one; each may take 12 MB
def nearest_texts(texts: tuple[str, ...]) -> NearestTexts:
    """The same texts are looked at once: a prompt asks about thousands of questions."""
    return NearestTexts(texts)


def _trigrams(text: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for word in WORD.findall(text.casefold())[:MOST_WORDS]:
        padded = f" {word} "
        counts.update(padded[start : start + 3] for start in range(len(padded) - 2))
    return counts
