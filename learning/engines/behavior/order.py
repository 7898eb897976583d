"""What must not be done, or not in this order: learned from work that ended well, checked on any episode. Pure.

An order (first, then) is expected when both are used in enough successes and nearly all of them keep to it. An action
is forbidden where experts replaced it again and again by another, and nobody demonstrated it in the same situation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from learning.engines.behavior.corrections import Correction
from learning.engines.behavior.episodes import RESPOND, Episode, successes
from learning.engines.behavior.traits import Trait, traits_of

LEAST_CASES = 8
LEAST_SHARE = 0.95
LEAST_CORRECTIONS = 3  # by which an action is forbidden


@dataclass(frozen=True, slots=True, order=True)
class Order:
    """`first` comes before `then` in `kept` of the `cases` that ended well and use both."""

    first: str
    then: str
    kept: int
    cases: int

    @property
    def words(self) -> str:
        return f"Use {self.first} before {self.then}, not after it."


@dataclass(frozen=True, slots=True)
class Forbidden:
    """An action that experts replaced: `corrections` times by `instead`, kept `demonstrated` times elsewhere."""

    action: str
    instead: str
    corrections: int
    demonstrated: int

    @property
    def words(self) -> str:
        return f"Do not use {self.action} where {self.instead} fits."


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong with a step of an episode. `place`: which one (from 0)."""

    place: int
    rule: str


def expected_orders(episodes: Sequence[Episode]) -> tuple[Order, ...]:
    """The orders that nearly every success keeps to, the best supported first."""
    good = successes(episodes)
    kept: dict[tuple[str, str], set[str]] = {}
    cases: dict[frozenset[str], set[str]] = {}
    for episode in good:
        for trait in traits_of(episode):
            if trait.kind == "before" and RESPOND not in trait.actions:
                kept.setdefault((trait.actions[0], trait.actions[1]), set()).add(episode.case)
                cases.setdefault(frozenset(trait.actions), set()).add(episode.case)
    orders = []
    for (first, then), cases_that_do in kept.items():
        both = cases[frozenset((first, then))]
        against = kept.get((then, first), set())
        right = len(cases_that_do - against)  # a case that did both ways does not count for either
        if len(both) >= LEAST_CASES and right >= LEAST_SHARE * len(both):
            orders.append(Order(first, then, right, len(both)))
    return tuple(sorted(orders, key=lambda one: (-one.cases, one)))


def forbidden_actions(episodes: Sequence[Episode], corrections: Sequence[Correction]) -> tuple[Forbidden, ...]:
    """Actions that experts replaced again and again, more often than successes use them per case."""
    replaced = Counter(
        (one.original.name, one.corrected.name)
        for one in corrections
        if one.original and one.corrected and one.original.name != one.corrected.name
    )
    used = Counter(name for episode in successes(episodes) for name in set(episode.names))
    found = [
        Forbidden(action, instead, times, used[action])
        for (action, instead), times in replaced.items()
        if times >= LEAST_CORRECTIONS and times > used[action]
    ]
    return tuple(sorted(found, key=lambda one: (-one.corrections, one.action)))


def violations(episode: Episode, orders: Sequence[Order]) -> tuple[Violation, ...]:
    """Steps that come before what should have come first."""
    has = traits_of(episode)
    found = []
    for order in orders:
        if Trait("before", (order.then, order.first)) in has:
            found.append(Violation(episode.names.index(order.then), order.words))
    return tuple(sorted(found, key=lambda one: (one.place, one.rule)))
