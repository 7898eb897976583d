"""Patterns of actions that tell success from failure. Pure.

Frequent traits first (Agrawal and Srikant, 1995, for sequences), then one test for each of them (association.py), and a
correction for how many were tested: Benjamini and Yekutieli (2001), which allows any dependence, since the traits of
one episode depend on each other. The number of tests is that of all frequent traits, whatever came of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from learning.engines.behavior.association import Table, p_value, tabulate, within_p_value
from learning.engines.behavior.episodes import Episode
from learning.engines.behavior.traits import Trait, traits_of
from learning.engines.multiplicity import benjamini_yekutieli, holm

LEAST_SHARE = 0.05  # of the episodes, for a trait to be frequent
LEAST_EPISODES = 5
FEWEST = 10  # episodes with a known end, below which nothing is tested
WORTH_A_LOOK = 0.2  # corrected p-value, above which nobody looks inside the cases
MOST_TRAITS = 5_000  # the most frequent ones; bounds time and correction
CORRECTIONS = {"fdr_by": benjamini_yekutieli, "holm": holm}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A trait with what is known of it. `adjusted`: the p-value corrected for all that were tested.

    `support`: share of all episodes that have it. `episodes`: keys of some that show it. `within`: the p-value inside
    cases that were tried several times, uncorrected; None where there are none.
    """

    trait: Trait
    table: Table
    p_value: float
    adjusted: float
    support: float
    episodes: tuple[str, ...] = ()
    within: float | None = None

    @property
    def helps(self) -> bool:
        """More success with it than without it."""
        return self.table.difference > 0

    def as_json(self) -> dict[str, Any]:
        table = self.table
        return {
            "kind": self.trait.kind,
            "actions": list(self.trait.actions),
            "words": self.trait.words,
            "support": self.support,
            "episodes_with": table.support,
            "n": table.n,
            "success_with": table.success_with,
            "success_without": table.success_without,
            "lift": table.lift if math.isfinite(table.lift) else None,
            "p_value": self.p_value,
            "adjusted_p_value": self.adjusted,
            "p_value_within_cases": self.within,
            "examples": list(self.episodes),
        }


@dataclass(frozen=True, slots=True)
class Mined:
    """What was found. `reason`: why nothing was tested; `tested`: how many traits the correction counts."""

    frequent: tuple[tuple[Trait, int], ...]
    patterns: tuple[Pattern, ...]
    tested: int
    n: int
    reason: str = ""

    def separating(self, alpha: float = 0.05) -> tuple[Pattern, ...]:
        """The patterns that tell success from failure at this level, the surest first."""
        return tuple(one for one in self.patterns if one.adjusted <= alpha)


def mine(episodes: Sequence[Episode], *, correction: str = "fdr_by") -> Mined:
    """Frequent traits of all episodes, and tests of those with a known end."""
    if correction not in CORRECTIONS:
        raise ValueError(f"There is no correction {correction!r}: choose from {', '.join(CORRECTIONS)}.")
    found = [traits_of(episode) for episode in episodes]
    counts = Counter(trait for traits in found for trait in traits)
    least = max(LEAST_EPISODES, math.ceil(LEAST_SHARE * len(episodes)))
    frequent = sorted(((trait, n) for trait, n in counts.items() if n >= least), key=lambda one: (-one[1], one[0]))
    known = [place for place, episode in enumerate(episodes) if episode.success is not None]
    reason = _why_not([episodes[place] for place in known])
    if reason:
        return Mined(tuple(frequent), (), 0, len(known), reason)
    ended, traits = [episodes[place] for place in known], [found[place] for place in known]
    patterns = _tested(ended, traits, _distinct(frequent[:MOST_TRAITS], traits, least), CORRECTIONS[correction])
    return Mined(tuple(frequent), tuple(patterns), len(patterns), len(ended))


def _why_not(ended: Sequence[Episode]) -> str:
    if len(ended) < FEWEST:
        return f"Only {len(ended)} episodes have a known end; at least {FEWEST} are needed."
    succeeded = sum(bool(episode.success) for episode in ended)
    if succeeded in (0, len(ended)):
        return f"All {len(ended)} episodes ended {'well' if succeeded else 'badly'}: there is nothing to tell apart."
    return ""


def _distinct(
    frequent: Sequence[tuple[Trait, int]], traits: Sequence[set[Trait]], least: int
) -> list[tuple[Trait, tuple[bool, ...]]]:
    """One trait of those that the same episodes have: the simplest. Neither rare nor common to nearly all."""
    seen: dict[tuple[bool, ...], Trait] = {}
    for trait, _ in sorted(frequent, key=lambda one: (len(one[0].actions), one[0])):
        having = tuple(trait in of_episode for of_episode in traits)
        if least <= sum(having) <= len(traits) - least:
            seen.setdefault(having, trait)
    return [(trait, having) for having, trait in seen.items()]


def _tested(
    ended: Sequence[Episode],
    traits: Sequence[set[Trait]],
    wanted: Sequence[tuple[Trait, tuple[bool, ...]]],
    correct: Any,
) -> list[Pattern]:
    p_values = [p_value(ended, having) for _, having in wanted]
    adjusted = correct(p_values)
    patterns = [
        Pattern(
            trait=trait,
            table=tabulate(ended, having),
            p_value=p,
            adjusted=corrected,
            support=sum(having) / len(ended),
            episodes=tuple(episode.key for episode, has in zip(ended, having, strict=True) if has)[:20],
            within=within_p_value(ended, having) if corrected <= WORTH_A_LOOK else None,
        )
        for (trait, having), p, corrected in zip(wanted, p_values, adjusted, strict=True)
    ]
    return sorted(patterns, key=lambda one: (one.adjusted, one.p_value, one.trait))
