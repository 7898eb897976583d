"""What the inputs are about: groups of texts with words in common. Pure, and quick for thousands of texts.

Words are weighed by how telling they are (term frequency, inverse document frequency), texts are grouped by spherical
k-means that begins with texts far apart. Sources: Salton and Buckley (1988), "Term-weighting approaches in automatic
text retrieval"; Dhillon and Modha (2001), "Concept decompositions for large sparse text data using clustering".
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MOST_TOPICS = 6
TEXTS_PER_TOPIC = 8
MOST_FITTED = 2_000  # texts that the topics are made of; any number can be assigned
ROUNDS = 8
SHOWN_WORDS = 4
TOO_COMMON = 0.5  # of the texts: such a word tells nothing
OTHER = "other"
_WORD = re.compile(r"[^\W\d_]{3,}")

Vector = dict[str, float]


@dataclass(frozen=True, slots=True)
class Topics:
    """Groups of texts by their words. A text without any telling word belongs to OTHER."""

    names: tuple[str, ...] = ()
    centers: tuple[Mapping[str, float], ...] = ()
    rarity: Mapping[str, float] = field(default_factory=dict)

    def of(self, text: str) -> str:
        """The name of the topic that a text belongs to."""
        vector = _weigh(text, self.rarity)
        likeness = [_dot(vector, center) for center in self.centers]
        if not likeness or max(likeness) <= 0:
            return OTHER
        return self.names[likeness.index(max(likeness))]


def find_topics(texts: Sequence[str]) -> Topics:
    """At most MOST_TOPICS topics; none when there are too few texts to tell."""
    step = max(1, len(texts) // MOST_FITTED)
    texts = texts[::step][:MOST_FITTED]
    count = min(MOST_TOPICS, len(texts) // TEXTS_PER_TOPIC)
    if count < 2:
        return Topics()
    rarity = _rarity(texts)
    vectors = [vector for vector in (_weigh(text, rarity) for text in texts) if vector]
    centers = _settle(vectors, _far_apart(vectors, count))
    named = {_name(center): center for center in centers if center}
    return Topics(tuple(named), tuple(named.values()), rarity)


def _rarity(texts: Sequence[str]) -> dict[str, float]:
    """The telling words: in more than one text, and not in most of them."""
    found = Counter(word for text in texts for word in set(words_of(text)))
    most = TOO_COMMON * len(texts)
    return {word: math.log(len(texts) / count) for word, count in sorted(found.items()) if 2 <= count <= most}


def words_of(text: str) -> list[str]:
    """The words that may tell something: of three letters or more, folded."""
    return _WORD.findall(text.casefold())


def _weigh(text: str, rarity: Mapping[str, float]) -> Vector:
    counts = Counter(word for word in words_of(text) if word in rarity)
    return _unit({word: (1 + math.log(count)) * rarity[word] for word, count in counts.items()})


def _unit(vector: Vector) -> Vector:
    length = math.sqrt(sum(value * value for value in vector.values()))
    return {word: value / length for word, value in vector.items()} if length else {}


def _dot(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    return sum(value * long[word] for word, value in short.items() if word in long)


def _far_apart(vectors: Sequence[Vector], count: int) -> list[Vector]:
    """The text nearest to the middle of all, then each time the one least alike to those chosen."""
    if not vectors:
        return []
    middle = _middle(vectors)
    chosen = [max(vectors, key=lambda vector: _dot(vector, middle))]
    nearest = [_dot(vector, chosen[0]) for vector in vectors]
    while len(chosen) < min(count, len(vectors)):
        chosen.append(vectors[nearest.index(min(nearest))])
        nearest = [max(near, _dot(vector, chosen[-1])) for near, vector in zip(nearest, vectors, strict=True)]
    return chosen


def _settle(vectors: Sequence[Vector], centers: list[Vector]) -> list[Vector]:
    for _ in range(ROUNDS if centers else 0):
        groups: list[list[Vector]] = [[] for _ in centers]
        for vector in vectors:
            likeness = [_dot(vector, center) for center in centers]
            groups[likeness.index(max(likeness))].append(vector)
        centers = [_middle(group) for group in groups if group]
    return centers


def _middle(vectors: Sequence[Vector]) -> Vector:
    total: Counter[str] = Counter()
    for vector in vectors:
        for word, value in vector.items():
            total[word] += value  # type: ignore[assignment]
    return _unit(dict(total))


def _name(center: Mapping[str, float]) -> str:
    telling = sorted(center, key=lambda word: (-round(center[word], 9), word))[:SHOWN_WORDS]
    return ", ".join(telling)
