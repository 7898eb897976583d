"""Checks that forbid an action in a state, made from policy rules. Pure, and plain enough for every client.

Only what can be seen before the arguments are known is checked: what was done before and who spoke last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from learning.engines.behavior.episodes import RESPOND, USER, State
from learning.engines.behavior.policies import Policy, Probabilities

AFTER, ASKED, NOT_AFTER = "after", "asked", "not_after"


@dataclass(frozen=True, slots=True)
class Check:
    """AFTER: `action` needs `of` before it; NOT_AFTER: `action` must not follow `of`; ASKED: the user spoke last."""

    kind: str
    action: str
    of: str = ""

    def allows(self, action: str, state: State) -> bool:
        if action != self.action:
            return True
        done = {name for name, failed in state.past if not failed}
        if self.kind == AFTER:
            return self.of in done
        if self.kind == NOT_AFTER:
            # Using it once more after both were used in the right order breaks nothing.
            return self.of not in done or action in done
        return state.source == USER if self.kind == ASKED else True


def read_checks(rules: Sequence[Mapping[str, Any]]) -> list[Check]:
    """The checks of kept rules; a rule without one, or with an unknown one, forbids nothing."""
    found = [rule.get("check") or {} for rule in rules]
    return [
        Check(str(one["kind"]), str(one["action"]), str(one.get("of", "")))
        for one in found
        if one.get("kind") in (AFTER, ASKED, NOT_AFTER) and one.get("action")
    ]


@dataclass(frozen=True, slots=True)
class CheckedPolicy:
    """A policy whose forbidden actions have no probability; what is left is what it was, where nothing else is."""

    policy: Policy
    checks: Sequence[Check]

    def probabilities(self, states: Sequence[State]) -> list[Probabilities]:
        return [checked(answer, state, self.checks) for answer, state in
                zip(self.policy.probabilities(states), states, strict=True)]  # fmt: skip


def checked(answer: Probabilities, state: State, checks: Sequence[Check]) -> Probabilities:
    """The probabilities without what the checks forbid. An answer to the user is never forbidden."""
    kept = {
        name: share
        for name, share in answer.items()
        if name == RESPOND or all(check.allows(name, state) for check in checks)
    }
    total = sum(kept.values())
    return {name: share / total for name, share in kept.items()} if total > 0 else answer
