"""What an agent saw and did, step by step. Pure.

A step is a decision: the agent sees an observation, takes an action with arguments, and gets an outcome. An answer to
the person is an action too, RESPOND. An episode is one whole piece of work; its reward, where there is one, says how
well it ended (0 to 1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

RESPOND = "respond"  # the action of an agent that says something instead of calling a tool
USER, TOOL = "user", "tool"
LONGEST_NAME = 200  # characters of an action's name
SUCCESS = 0.5  # a reward of at least this is a success


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that the agent did, by name, with its arguments."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > LONGEST_NAME:
            raise ValueError(f"An action needs a name of at most {LONGEST_NAME} characters.")


@dataclass(frozen=True, slots=True)
class Step:
    """One decision. `source`: who the observation comes from, "user" or "tool"; `failed`: the outcome is an error."""

    observation: str
    action: Action
    outcome: str = ""
    failed: bool = False
    source: str = USER


@dataclass(frozen=True, slots=True)
class Episode:
    """The steps of one piece of work, in their order.

    `group`: shared by episodes that are not independent (the same task tried again, near-duplicates).
    `reward`: 0 to 1, None when nobody knows.
    """

    key: str
    steps: tuple[Step, ...]
    reward: float | None = None
    group: str = ""

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError("An episode needs a key.")
        if not self.steps:
            raise ValueError(f"The episode {self.key} has no step.")
        if self.reward is not None and not (math.isfinite(self.reward) and 0 <= self.reward <= 1):
            raise ValueError(f"The reward of {self.key} must be a number from 0 to 1.")

    @property
    def case(self) -> str:
        """The independent case that this episode belongs to."""
        return self.group or self.key

    @property
    def success(self) -> bool | None:
        """Whether it ended well; None when nobody knows."""
        return None if self.reward is None else self.reward >= SUCCESS

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the actions, in their order."""
        return tuple(step.action.name for step in self.steps)


@dataclass(frozen=True, slots=True)
class State:
    """What the agent knows when it decides. `past`: (name, failed) of each action until now."""

    request: str
    observation: str
    source: str
    past: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A state and the action that was taken in it."""

    state: State
    action: Action
    episode: str
    case: str
    reward: float | None


def state_before(steps: Sequence[Step], place: int) -> State:
    """What was known before the step at this place (from 0)."""
    past = tuple((step.action.name, step.failed) for step in steps[:place])
    now = steps[place]
    return State(steps[0].observation, now.observation, now.source, past)


def choices_of(episodes: Sequence[Episode]) -> list[Choice]:
    """Every decision of the episodes with the state in which it was taken."""
    return [
        Choice(state_before(episode.steps, place), step.action, episode.key, episode.case, episode.reward)
        for episode in episodes
        for place, step in enumerate(episode.steps)
    ]


def successes(episodes: Sequence[Episode]) -> list[Episode]:
    """The episodes worth imitating: those that ended well, and those of which nobody knows."""
    return [episode for episode in episodes if episode.success is not False]
