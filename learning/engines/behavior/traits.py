"""Yes-or-no traits of an episode's actions: what was done, in which order, what was tried again. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from learning.engines.behavior.episodes import TOOL, Episode

LONGEST_RUN = 3  # actions in a row
KINDS = {
    "did": "{0} was used",
    "run": "{0} were used one right after the other",
    "before": "{0} was used some time before {1}",
    "repeated": "{0} was used at least twice",
    "failed": "{0} failed",
    "retried": "{0} failed and was tried again at once",
    "unasked": "{0} was used right after a tool's answer, without asking the user in between",
    "first": "{0} was the first action",
    "last": "{0} was the last action",
}


@dataclass(frozen=True, slots=True, order=True)
class Trait:
    """A kind of pattern and the actions in it."""

    kind: str
    actions: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.kind not in KINDS or not self.actions:
            raise ValueError(f"There is no trait {self.kind!r} of {len(self.actions)} actions.")

    @property
    def words(self) -> str:
        """In plain words."""
        if self.kind == "run":
            return KINDS["run"].format(", ".join(self.actions[:-1]) + " and " + self.actions[-1])
        return KINDS[self.kind].format(*self.actions)


def traits_of(episode: Episode) -> set[Trait]:
    """Every trait that the episode has."""
    names = episode.names
    found = {Trait("did", (name,)) for name in names}
    found |= {Trait("first", names[:1]), Trait("last", names[-1:])}
    found |= {Trait("repeated", (name,)) for name in set(names) if names.count(name) > 1}
    found |= set(_runs(names)) | set(_orders(names))
    return found | set(_from_steps(episode))


def _runs(names: Sequence[str]) -> Iterator[Trait]:
    for length in range(2, LONGEST_RUN + 1):
        for start in range(len(names) - length + 1):
            yield Trait("run", tuple(names[start : start + length]))


def _orders(names: Sequence[str]) -> Iterator[Trait]:
    """The first use of one lies before the first use of the other."""
    first: dict[str, int] = {}
    for place, name in enumerate(names):
        first.setdefault(name, place)
    for one in first:
        for other in first:
            if first[one] < first[other]:
                yield Trait("before", (one, other))


def _from_steps(episode: Episode) -> Iterator[Trait]:
    for place, step in enumerate(episode.steps):
        name = step.action.name
        if step.failed:
            yield Trait("failed", (name,))
            if place + 1 < len(episode.steps) and episode.steps[place + 1].action.name == name:
                yield Trait("retried", (name,))
        if step.source == TOOL:
            yield Trait("unasked", (name,))
