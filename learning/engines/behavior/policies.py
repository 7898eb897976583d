"""Ways of saying which action comes next: each gives a probability to each action. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from learning.engines.behavior.episodes import Choice, State

LONGEST_CONTEXT = 3  # actions that are looked back
LEAST_SUPPORT = 5  # choices in a context before it is believed
PRIOR = 2.0  # choices that the shorter context is worth

Probabilities = Mapping[str, float]


class Policy(Protocol):
    """Says how likely each action is in a state. The probabilities of one state add up to 1."""

    def probabilities(self, states: Sequence[State]) -> list[Probabilities]:
        """One mapping for each state, in the same order; an action that is missing has the probability 0."""
        ...


def best(probabilities: Probabilities) -> str:
    """The most likely action; of equal ones the first by name."""
    return min(probabilities, key=lambda name: (-probabilities[name], name))


@dataclass(frozen=True, slots=True)
class FrequentPolicy:
    """No policy at all: each action as likely as it was overall, whatever the state."""

    shares: Probabilities

    @classmethod
    def fit(cls, choices: Sequence[Choice]) -> FrequentPolicy:
        counts = Counter(choice.action.name for choice in choices)
        return cls(_shares(counts))

    def probabilities(self, states: Sequence[State]) -> list[Probabilities]:
        return [self.shares] * len(states)


@dataclass(frozen=True, slots=True)
class PatternPolicy:
    """What followed the same last actions: the longest pattern that has enough support, backing off to shorter ones.

    Each context's counts are smoothed by those of the next shorter one: interpolated backoff with a Dirichlet prior
    (MacKay and Bauman Peto, 1995, "A hierarchical Dirichlet language model").
    """

    contexts: Mapping[tuple[str, ...], Mapping[str, int]]

    @classmethod
    def fit(cls, choices: Sequence[Choice]) -> PatternPolicy:
        counts: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for choice in choices:
            for context in contexts_of(choice.state):
                counts[context][choice.action.name] += 1
        return cls({one: found for one, found in counts.items() if found.total() >= LEAST_SUPPORT or not one})

    def probabilities(self, states: Sequence[State]) -> list[Probabilities]:
        known: dict[tuple[str, ...], Probabilities] = {}
        answers = []
        for state in states:
            contexts = tuple(context for context in contexts_of(state) if context in self.contexts)
            deepest = contexts[-1]
            if deepest not in known:
                known[deepest] = self._mixed(contexts)
            answers.append(known[deepest])
        return answers

    def _mixed(self, contexts: Sequence[tuple[str, ...]]) -> Probabilities:
        """From the general to the special."""
        mixed = _shares(self.contexts[contexts[0]])
        for context in contexts[1:]:
            counts = self.contexts[context]
            total = sum(counts.values()) + PRIOR
            mixed = {name: (counts.get(name, 0) + PRIOR * share) / total for name, share in mixed.items()}
        return mixed


def contexts_of(state: State) -> list[tuple[str, ...]]:
    """The patterns that a state continues, from the empty one to the longest."""
    signs = ["start", *(f"{name}!" if failed else name for name, failed in state.past)]
    longest = min(LONGEST_CONTEXT, len(signs))
    return [(), (state.source,), *((state.source, *signs[-length:]) for length in range(1, longest + 1))]


@dataclass(frozen=True, slots=True)
class MixedPolicy:
    """The mean of several policies."""

    policies: Sequence[Policy]

    def probabilities(self, states: Sequence[State]) -> list[Probabilities]:
        answers = [policy.probabilities(states) for policy in self.policies]
        return [mean_of(of_state) for of_state in zip(*answers, strict=True)]


def mean_of(several: Sequence[Probabilities]) -> Probabilities:
    """The arithmetic mean of several distributions."""
    total: defaultdict[str, float] = defaultdict(float)
    for probabilities in several:
        for name, value in probabilities.items():
            total[name] += value / len(several)
    return dict(total)


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()}
