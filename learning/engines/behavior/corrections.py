"""An action that somebody put right: what was done, what should have been done, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from learning.engines.behavior.episodes import RESPOND, Action, Choice, Episode, State, Step

KINDS = {
    "wrong_action": "another action",
    "wrong_arguments": "the same action with other arguments",
    "wording": "another answer to the user",
    "missing_action": "an action that was left out",
    "needless_action": "an action that was not needed",
    "should_have_asked": "an answer or question to the user instead of an action",
    "should_have_acted": "an action instead of an answer to the user",
}
CHECKED = "Nothing was changed: the corrected action is the original one."


@dataclass(frozen=True, slots=True)
class Correction:
    """`original` None: nothing was done; `corrected` None: nothing should have been done. `case`: see Episode.case."""

    key: str
    state: State
    original: Action | None
    corrected: Action | None
    explanation: str = ""
    case: str = ""
    at: datetime | None = None
    config: str = ""

    def __post_init__(self) -> None:
        kind_of(self.original, self.corrected)  # refuses what corrects nothing

    @property
    def kind(self) -> str:
        return kind_of(self.original, self.corrected)


@dataclass(frozen=True, slots=True)
class Preference:
    """In this state `chosen` is better than `rejected`."""

    state: State
    chosen: str
    rejected: str
    case: str


def kind_of(original: Action | None, corrected: Action | None) -> str:
    """Which of KINDS a correction is. Raises ValueError when it corrects nothing."""
    if original is None and corrected is None:
        raise ValueError("A correction needs an original action, a corrected one, or both.")
    if original is None:
        return "missing_action"
    if corrected is None:
        return "needless_action"
    if original.name == corrected.name:
        if same_arguments(original.arguments, corrected.arguments):
            raise ValueError(CHECKED)
        return "wording" if original.name == RESPOND else "wrong_arguments"
    if corrected.name == RESPOND:
        return "should_have_asked"
    return "should_have_acted" if original.name == RESPOND else "wrong_action"


def same_arguments(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return dict(one) == dict(other)


def as_choice(correction: Correction) -> Choice | None:
    """What the correction demonstrates; None when nothing should have been done."""
    if correction.corrected is None:
        return None
    return Choice(correction.state, correction.corrected, correction.key, correction.case or correction.key, 1.0)


def as_preference(correction: Correction) -> Preference | None:
    """Which action is better than which; None unless two different ones are compared."""
    if not (correction.original and correction.corrected):
        return None
    if correction.original.name == correction.corrected.name:
        return None  # other arguments or words: nothing that a choice between actions could learn
    case = correction.case or correction.key
    return Preference(correction.state, correction.corrected.name, correction.original.name, case)


def as_episode(correction: Correction) -> Episode | None:
    """A demonstration of one step, for what learns from episodes."""
    if correction.corrected is None:
        return None
    step = Step(correction.state.observation, correction.corrected, source=correction.state.source)
    return Episode(correction.key, (step,), 1.0, correction.case)
