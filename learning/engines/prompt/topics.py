"""What the inputs are about: groups of texts with words in common. Pure, and quick for thousands of texts.

Words are weighed by how telling they are (term frequency, inverse document frequency), texts are grouped by spherical
k-means that begins with texts far apart, and a group is named by the words that set it off from the others. Sources:
Salton and Buckley (1988), "Term-weighting approaches in automatic text retrieval"; Dhillon and Modha (2001), "Concept
decompositions for large sparse text data using clustering"; Monroe, Colaresi and Quinn (2008), "Fightin' words".
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from learning.engines.prompt.stop_words import stop_words

MOST_TOPICS = 6
TEXTS_PER_TOPIC = 8
MOST_FITTED = 2_000  # texts that the topics are made of; any number can be assigned
ROUNDS = 8
SHOWN_WORDS = 4
PRIOR = 10.0  # words that each group is thought to have besides its own, shared out as all texts share them
TELLING = 1.0  # standard errors: a word below that may be more frequent in a group by chance
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
    centers = [center for center in _settle(vectors, _far_apart(vectors, count)) if center]
    named = dict(zip(_names(vectors, centers), centers, strict=True))
    return Topics(tuple(named), tuple(named.values()), rarity)


def _rarity(texts: Sequence[str]) -> dict[str, float]:
    """The telling words: in more than one text, not in most of them, and no stop words."""
    found = Counter(word for text in texts for word in set(words_of(text)))
    silent, most = stop_words(found), TOO_COMMON * len(texts)
    telling = sorted((word, count) for word, count in found.items() if 2 <= count <= most and word not in silent)
    return {word: math.log(len(texts) / count) for word, count in telling}


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
    """The text nearest to the middle of all, then each time one unlike those chosen, and not unlike everything."""
    if not vectors:
        return []
    middle = _middle(vectors)
    usual = [_dot(vector, middle) for vector in vectors]
    chosen = [vectors[usual.index(max(usual))]]
    nearest = [_dot(vector, chosen[0]) for vector in vectors]
    while len(chosen) < min(count, len(vectors)):
        worth = [(1 - near) * like for near, like in zip(nearest, usual, strict=True)]
        chosen.append(vectors[worth.index(max(worth))])
        nearest = [max(near, _dot(vector, chosen[-1])) for near, vector in zip(nearest, vectors, strict=True)]
    return chosen


def _settle(vectors: Sequence[Vector], centers: list[Vector]) -> list[Vector]:
    for _ in range(ROUNDS if centers else 0):
        groups: list[list[Vector]] = [[] for _ in centers]
        for vector in vectors:
            groups[_nearest(vector, centers)].append(vector)
        centers = [_middle(group) for group in groups if group]
    return centers


def _nearest(vector: Vector, centers: Sequence[Vector]) -> int:
    likeness = [_dot(vector, center) for center in centers]
    return likeness.index(max(likeness))


def _middle(vectors: Sequence[Vector]) -> Vector:
    total: Counter[str] = Counter()
    for vector in vectors:
        for word, value in vector.items():
            total[word] += value  # type: ignore[assignment]
    return _unit(dict(total))


def _names(vectors: Sequence[Vector], centers: Sequence[Vector]) -> list[str]:
    """A group is called by the words that stand in more of its texts than in those of the others."""
    counts: list[Counter[str]] = [Counter() for _ in centers]
    for vector in vectors:
        counts[_nearest(vector, centers)].update(vector.keys())
    everywhere: Counter[str] = Counter()
    for count in counts:
        everywhere.update(count)
    return [_name(here, everywhere, center) for here, center in zip(counts, centers, strict=True)]


def _name(here: Counter[str], everywhere: Counter[str], center: Mapping[str, float]) -> str:
    """The words that are surest to be more frequent here; where none is sure, those nearest to the middle."""
    ours, theirs = here.total(), everywhere.total() - here.total()
    sure = {word: _excess(count, everywhere[word] - count, ours, theirs) for word, count in here.items()}
    weights = {word: sureness for word, sureness in sure.items() if sureness >= TELLING} or center
    ordered = sorted(weights, key=lambda word: (-round(weights[word], 9), word))
    return ", ".join(ordered[:SHOWN_WORDS])


def _excess(here: int, elsewhere: int, of_here: int, of_elsewhere: int) -> float:
    """How much more frequent a word is here than elsewhere: the log of the ratio, in standard errors."""
    prior = PRIOR * (here + elsewhere) / (of_here + of_elsewhere)
    ours, theirs = here + prior, elsewhere + prior
    ratio = (ours / (of_here + PRIOR)) / (theirs / (of_elsewhere + PRIOR))
    return math.log(ratio) / math.sqrt(1 / ours + 1 / theirs)
