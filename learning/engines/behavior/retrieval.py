"""Demonstrations that are looked up at run time by how alike their state is. Pure.

Cosine of feature vectors weighted by inverse document frequency (Salton and Buckley, 1988). The k nearest vote with
their similarity; a small share goes to what is frequent, so that no action is impossible.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from learning.engines.behavior.episodes import Choice, State
from learning.engines.behavior.features import Features, features_of
from learning.engines.behavior.policies import FrequentPolicy, Probabilities

NEIGHBOURS = 15  # that vote
PRIOR = 0.5  # votes for what is frequent
BLOCK = 512  # states at a time: bounds the memory


@dataclass(frozen=True, slots=True)
class Found:
    """A demonstrated choice and how alike its state is, 0 to 1."""

    choice: Choice
    similarity: float


@dataclass(slots=True)
class DemonstrationStore:
    """Demonstrated choices, found by the likeness of their states. Fits the Policy protocol by their vote."""

    choices: Sequence[Choice]
    neighbours: int = NEIGHBOURS
    _columns: dict[str, int] = field(init=False, repr=False)
    _idf: list[float] = field(init=False, repr=False)
    _rows: Any = field(init=False, repr=False)
    _frequent: FrequentPolicy = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.choices:
            raise ValueError("A store needs at least one demonstrated choice.")
        vectors = [features_of(choice.state) for choice in self.choices]
        counts = Counter(name for vector in vectors for name in vector)
        self._columns = {name: place for place, name in enumerate(sorted(counts))}
        self._idf = [math.log((1 + len(vectors)) / (1 + counts[name])) + 1 for name in self._columns]
        self._rows = self._matrix(vectors)
        self._frequent = FrequentPolicy.fit(self.choices)

    def nearest(self, state: State, most: int) -> list[Found]:
        """The most alike choices, the best first."""
        return self._nearest([state], most)[0]

    def probabilities(self, states: Sequence[State]) -> list[Probabilities]:
        """See Policy."""
        answers: list[Probabilities] = []
        for start in range(0, len(states), BLOCK):
            answers += [self._vote(found) for found in self._nearest(states[start : start + BLOCK], self.neighbours)]
        return answers

    def _nearest(self, states: Sequence[State], most: int) -> list[list[Found]]:
        import numpy as np

        alike = (self._matrix([features_of(state) for state in states]) @ self._rows.T).toarray()
        order = np.argsort(-alike, axis=1, kind="stable")[:, :most]
        return [
            [Found(self.choices[place], float(min(1.0, row[place]))) for place in places]
            for row, places in zip(alike, order, strict=True)
        ]

    def _vote(self, found: Sequence[Found]) -> Probabilities:
        votes: defaultdict[str, float] = defaultdict(float)
        for name, share in self._frequent.shares.items():
            votes[name] += PRIOR * share
        for one in found:
            votes[one.choice.action.name] += max(0.0, one.similarity)
        total = sum(votes.values())
        return {name: value / total for name, value in votes.items()}

    def _matrix(self, vectors: Sequence[Features]) -> Any:
        """Rows of unit length; words that the store does not know are left out."""
        from scipy import sparse

        data: list[float] = []
        places: list[int] = []
        ends = [0]
        for vector in vectors:
            known = {self._columns[name]: value for name, value in vector.items() if name in self._columns}
            weighted = {place: value * self._idf[place] for place, value in known.items()}
            length = math.sqrt(sum(value * value for value in weighted.values())) or 1.0
            places += weighted
            data += [value / length for value in weighted.values()]
            ends.append(len(places))
        return sparse.csr_matrix((data, places, ends), shape=(len(vectors), len(self._columns)))
