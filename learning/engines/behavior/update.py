"""A policy update: what was learned, and what each part of it is worth on episodes that were not learned from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from learning.engines.behavior.agreement import Estimate
from learning.engines.behavior.cloning import LinearPolicy
from learning.engines.behavior.episodes import Action, Choice, State
from learning.engines.behavior.patterns import Mined
from learning.engines.behavior.rewarded import OffPolicy
from learning.engines.behavior.rules import Rule

LONGEST_SHOWN = 1_000  # characters of a text in a kept demonstration
SHOWN = 3  # demonstrations that a client puts before the model
HEADING = "Rules learned from experts and from logged work:"
KEY = "behavior"  # of an agent config's content
NOTHING, IMPROVED = "no measurable improvement", "improved"
RULES_ONLY, PARTS_ONLY = "rules only", "parts only"
LEFT_OPEN = (
    "The gate looks for harm and then a person decides; whether the agent does better is for an experiment to show."
)
RULES_APART = "Rules are not counted in: of those that were kept no loss of agreement was found."
MEANINGS = {  # what a verdict says about the candidate, for a person
    NOTHING: "No part of the policy update helps on held-out demonstrations, so there is no candidate.",
    IMPROVED: f"The kept parts agree with more held-out steps than the most frequent action does. {RULES_APART}",
    RULES_ONLY: "No overall gain is proven. Proposed are rules that at least nine in ten of the held-out cases that "
    f"ended well keep to; no loss of agreement by them was found. {LEFT_OPEN}",
    PARTS_ONLY: "No overall gain is proven: each kept part gained by itself, all together did not. "
    f"{RULES_APART} {LEFT_OPEN}",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the update. `gain`: in action agreement over the most frequent action, on held-out episodes."""

    name: str
    included: bool
    reason: str
    gain: Estimate | None = None

    def as_json(self) -> dict[str, Any]:
        gain = self.gain.as_json() if self.gain else None
        return {"name": self.name, "included": self.included, "reason": self.reason, "gain": gain}


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """A rule on held-out episodes: kept by `kept` of the `cases` that ended well and where it applies."""

    rule: Rule
    included: bool
    reason: str
    kept: int
    cases: int

    def as_json(self) -> dict[str, Any]:
        return self.rule.as_json() | {
            "included": self.included,
            "reason": self.reason,
            "held_out_kept": self.kept,
            "held_out_cases": self.cases,
        }


@dataclass(frozen=True, slots=True)
class PolicyUpdate:
    """What to change about an agent, and why. Empty when no part helps.

    `agreement`: by policy (none, patterns, retrieved, cloned, all) the share of held-out steps it agrees with.
    `off_policy`: what all of it together would have earned; None without rewards or without anything to estimate.
    `preferences`: (agreed, n) held-out corrections; None without enough. `earlier_readings`: how often the held-out
    episodes were read before, by others; the claims are corrected for them.
    """

    strategy: str
    rules: tuple[RuleCheck, ...]
    demonstrations: tuple[Choice, ...]
    policy: LinearPolicy | None
    parts: tuple[Part, ...]
    agreement: Mapping[str, Estimate] = field(hash=False)
    overall: Estimate | None
    mined: Mined
    learned: int
    held_out: int
    off_policy: OffPolicy | None = None
    preferences: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    earlier_readings: int = 0

    @property
    def kept_rules(self) -> tuple[Rule, ...]:
        return tuple(one.rule for one in self.rules if one.included)

    @property
    def included(self) -> tuple[str, ...]:
        return tuple(part.name for part in self.parts if part.included)

    @property
    def is_empty(self) -> bool:
        return not self.included

    @property
    def verdict(self) -> str:
        """A key of MEANINGS: improved only where all that is proposed, but for rules, gains together."""
        if self.is_empty:
            return NOTHING
        if self.overall and self.overall.is_gain:
            return IMPROVED
        return RULES_ONLY if self.included == ("rules",) else PARTS_ONLY

    def content(self, base: Mapping[str, Any]) -> dict[str, Any]:
        """The content of an agent config with this update: rules also in words, in the system prompt."""
        behavior: dict[str, Any] = {"strategy": self.strategy}
        prompt = str(base.get("system_prompt", ""))
        if "rules" in self.included:
            behavior["rules"] = [rule.as_json() for rule in self.kept_rules]
            prompt = with_rules(prompt, [rule.text for rule in self.kept_rules])
        if "demonstrations" in self.included:
            behavior |= {"shown": SHOWN, "demonstrations": [choice_json(one) for one in self.demonstrations]}
        if "action_policy" in self.included and self.policy is not None:
            behavior["action_policy"] = self.policy.as_json()
        return {**base, "system_prompt": prompt, KEY: behavior}

    def as_json(self) -> dict[str, Any]:
        """As it is stored with the run. The content of the demonstrations is not in it, and no word of a person."""
        return {
            "strategy": self.strategy,
            "verdict": self.verdict,
            "parts": [part.as_json() for part in self.parts],
            "agreement": {name: one.as_json() for name, one in self.agreement.items()},
            "overall": self.overall.as_json() if self.overall else None,
            "rules": [one.as_json() for one in self.rules],
            "patterns": [one.as_json() for one in self.mined.patterns[:50]],
            "tested_patterns": self.mined.tested,
            "pattern_reason": self.mined.reason,
            "frequent": [
                {"kind": trait.kind, "actions": list(trait.actions), "words": trait.words, "episodes": n}
                for trait, n in self.mined.frequent[:50]
            ],
            "learned": self.learned,
            "held_out": self.held_out,
            "earlier_readings": self.earlier_readings,
            "off_policy": self.off_policy.as_json() if self.off_policy else None,
            "preferences": None
            if self.preferences is None
            else {"agreed": self.preferences[0], "n": self.preferences[1]},
            "notes": list(self.notes),
        }


def with_rules(prompt: str, rules: Sequence[str]) -> str:
    """A system prompt with rules at its end; those of an earlier update are replaced."""
    own = prompt.partition(HEADING)[0].rstrip()
    if not rules:
        return own
    listed = "\n".join(f"- {rule}" for rule in rules)
    return f"{own}\n\n{HEADING}\n{listed}" if own else f"{HEADING}\n{listed}"


def shortened(choice: Choice) -> Choice:
    """The choice as it is kept in a config: its texts cut."""
    state = choice.state
    cut = State(state.request[:LONGEST_SHOWN], state.observation[:LONGEST_SHOWN], state.source, state.past[-20:])
    arguments = {name: _cut(value) for name, value in choice.action.arguments.items()}
    return Choice(cut, Action(choice.action.name, arguments), choice.episode, choice.case, choice.reward)


def choice_json(choice: Choice) -> dict[str, Any]:
    state = choice.state
    return {
        "request": state.request,
        "observation": state.observation,
        "source": state.source,
        "past": [[name, failed] for name, failed in state.past],
        "action": choice.action.name,
        "arguments": dict(choice.action.arguments),
        "from": choice.episode,
    }


def choice_from_json(value: Mapping[str, Any]) -> Choice:
    """Read a kept demonstration. Raises ValueError when it is none."""
    try:
        past = tuple((str(name), bool(failed)) for name, failed in value.get("past", []))
        state = State(str(value["request"]), str(value["observation"]), str(value.get("source", "user")), past)
        action = Action(str(value["action"]), dict(value.get("arguments", {})))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"This demonstration cannot be read: {error}") from error
    key = str(value.get("from", ""))
    return Choice(state, action, key, key, None)


def _cut(value: Any) -> Any:
    return value[:LONGEST_SHOWN] if isinstance(value, str) else value
