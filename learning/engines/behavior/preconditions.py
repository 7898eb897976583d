"""What was always so before an action was taken, in work that ended well. Pure.

Three kinds of conditions are looked at: another action was done before without failing; the observation came from the
user (so that the user was asked); the value of an argument had been seen before (so that it was not made up). A
condition is one of an action only when it holds much more often there than before other actions: the cases that keep to
it are compared with its share elsewhere by a binomial test, corrected by Holm.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from learning.engines.behavior.association import Table, p_value, tabulate
from learning.engines.behavior.episodes import RESPOND, USER, Episode, successes
from learning.engines.multiplicity import holm

LEAST_CASES = 8  # that use the action
LEAST_SHARE = 0.95  # of the cases that keep to it
SHORTEST_VALUE = 3  # characters of an argument's value that can be looked for in texts
AFTER, ASKED, SEEN = "after", "asked", "seen"
ALPHA = 0.05


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """`kind` AFTER: the action `of` was done before; ASKED: the user spoke last; SEEN: the argument `of` was seen."""

    action: str
    kind: str
    of: str = ""

    @property
    def words(self) -> str:
        """As a rule for the agent."""
        if self.kind == AFTER:
            return f"Use {self.action} only after {self.of} was used."
        if self.kind == ASKED:
            return f"Use {self.action} only right after the user has spoken."
        return f"Give {self.action} only a value for {self.of} that was seen before."


@dataclass(frozen=True, slots=True)
class Precondition:
    """A condition with its evidence.

    `kept` of `cases` that ended well keep to it at every use; `elsewhere`: share of other steps where it holds too;
    `adjusted`: corrected p-value against that share. `table`: episodes that use the action, with the condition kept
    (the trait) or broken, ended well or not; `break_p`: whether that makes a difference, nan when nobody can tell.
    """

    condition: Condition
    kept: int
    cases: int
    elsewhere: float
    p_value: float
    adjusted: float
    table: Table
    break_p: float

    def as_json(self) -> dict[str, Any]:
        table = self.table
        return {
            "action": self.condition.action,
            "kind": self.condition.kind,
            "of": self.condition.of,
            "words": self.condition.words,
            "kept": self.kept,
            "cases": self.cases,
            "share_elsewhere": self.elsewhere,
            "adjusted_p_value": self.adjusted,
            "kept_success": table.with_success,
            "kept_failure": table.with_failure,
            "broken_success": table.without_success,
            "broken_failure": table.without_failure,
        }


def holding(episode: Episode, place: int) -> set[tuple[str, str]]:
    """The conditions (kind, of) that hold before the step at this place."""
    steps = episode.steps
    held = {(AFTER, step.action.name) for step in steps[:place] if not step.failed}
    if steps[place].source == USER:
        held.add((ASKED, ""))
    texts: list[str] | None = None
    for name, value in _searchable(steps[place].action.arguments):
        if texts is None:
            texts = _seen(episode, place)
        if any(value in text for text in texts):
            held.add((SEEN, name))
    return held


def find_preconditions(episodes: Sequence[Episode]) -> tuple[Precondition, ...]:
    """The conditions that nearly every success kept to, the surest first."""
    good = successes(episodes)
    seen = [[holding(episode, place) for place in range(len(episode.steps))] for episode in good]
    wanted: list[tuple[Condition, int, int, float, float]] = []
    for action in sorted({name for episode in good for name in episode.names if name != RESPOND}):
        wanted += _of_action(action, good, seen)
    adjusted = holm([one[4] for one in wanted])
    found = []
    for (condition, kept, cases, elsewhere, p), corrected in zip(wanted, adjusted, strict=True):
        if kept >= LEAST_SHARE * cases and corrected <= ALPHA:
            table, broken = _effect(condition, episodes)
            found.append(Precondition(condition, kept, cases, elsewhere, p, corrected, table, broken))
    return tuple(sorted(found, key=lambda one: (one.adjusted, -one.cases, one.condition)))


def keeps(episode: Episode, condition: Condition) -> bool | None:
    """Whether every use of the action keeps to the condition; None when the episode does not use it."""
    uses = [place for place, name in enumerate(episode.names) if name == condition.action]
    if condition.kind == SEEN:
        uses = [place for place in uses if condition.of in dict(_searchable(episode.steps[place].action.arguments))]
    if not uses:
        return None
    return all((condition.kind, condition.of) in holding(episode, place) for place in uses)


def _of_action(
    action: str, good: Sequence[Episode], seen: Sequence[Sequence[set[tuple[str, str]]]]
) -> Iterator[tuple[Condition, int, int, float, float]]:
    """(condition, cases that keep to it, cases, share elsewhere, p-value) of what could be one of this action."""
    import scipy.stats

    cases: defaultdict[tuple[str, str], dict[str, bool]] = defaultdict(dict)
    elsewhere: defaultdict[tuple[str, str], int] = defaultdict(int)
    others: Counter[str] = Counter()
    users: dict[str, list[set[tuple[str, str]]]] = defaultdict(list)
    for episode, of_episode in zip(good, seen, strict=True):
        for name, held in zip(episode.names, of_episode, strict=True):
            if name == action:
                users[episode.case].append(held)
            else:
                others[name] += 1
                for one in held:
                    elsewhere[one] += (AFTER, name) != one
    if len(users) < LEAST_CASES:
        return
    for one in sorted({one for uses in users.values() for held in uses for one in held}):
        if one == (AFTER, action):
            continue
        cases[one] = {case: all(one in held for held in uses) for case, uses in users.items()}
        kept, n = sum(cases[one].values()), len(users)
        # An argument belongs to its action alone; half is what a coin would do.
        # A condition of having done something cannot hold before that itself.
        could = others.total() - (others[one[1]] if one[0] == AFTER else 0)
        share = 0.5 if one[0] == SEEN else (elsewhere[one] + 1) / (could + 2)
        p = float(scipy.stats.binomtest(kept, n, share, alternative="greater").pvalue)
        yield Condition(action, *one), kept, n, share, p


def _effect(condition: Condition, episodes: Sequence[Episode]) -> tuple[Table, float]:
    """Whether it matters that the condition is kept, among the episodes with a known end."""
    ended = [(one, kept) for one in episodes if one.success is not None and (kept := keeps(one, condition)) is not None]
    uses, having = [one for one, _ in ended], [kept for _, kept in ended]
    return tabulate(uses, having), p_value(uses, having)


def _searchable(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Arguments whose value is a text or a number that can be looked for."""
    for name, value in arguments.items():
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            text = str(value).casefold().strip()
            if len(text) >= SHORTEST_VALUE:
                yield name, text


def _seen(episode: Episode, place: int) -> list[str]:
    """What the agent had before it: observations, outcomes, and what it gave to other actions itself."""
    texts = [step.observation.casefold() for step in episode.steps[: place + 1]]
    texts += [step.outcome.casefold() for step in episode.steps[:place]]
    given = [step.action.arguments for step in episode.steps[:place] if step.action.name != RESPOND and not step.failed]
    return texts + [json.dumps(one, ensure_ascii=False, default=str).casefold() for one in given]
