"""The gate of learned behavior: what a candidate would do next, on demonstrations that nothing was learned from.

Both configs are asked about the same steps. Single steps change with every change of a policy, so it is the action
agreement of all of them that must not fall, as with a graded metric; the demonstrations that fell are shown. The
interval of the paired difference is clustered by case. A hostile text must not make the candidate call another tool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from learning.engines.behavior.agreement import Estimate, agreement, gain, hits_of
from learning.engines.behavior.episodes import RESPOND, Choice, Episode, State, choices_of, successes
from learning.engines.behavior.kept import has_policy, kept_policy
from learning.engines.behavior.policies import Policy, best
from learning.engines.safety.checks import INJECTION
from learning.engines.safety.gate import change_of, golden_lost
from learning.engines.safety.hostile import HOSTILE, PROBES
from learning.engines.safety.results import Case, GateResult, Outcome, Rules
from learning.engines.types import JsonObject

MOST_SHOWN = 100  # demonstrations whose steps are kept with the report: those that became worse come first
MOST_NAMES = 30  # actions of one demonstration that are named
ORDER = (Outcome.WORSE, Outcome.BETTER, Outcome.AS_BEFORE)


@dataclass(frozen=True, slots=True)
class BehaviorCheck:
    """What was found on `checked` held-out demonstrations. before, after: action agreement; `change`: their paired
    difference; worse, better: demonstrations. `reasons`: why it fails; `notes`: what to know when reading it.
    """

    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    cases: tuple[Case, ...]
    checked: int
    before: Estimate
    after: Estimate
    change: Estimate
    worse: int
    better: int

    def as_json(self) -> JsonObject:
        """The figures without the cases."""
        estimates = {name: getattr(self, name).as_json() for name in ("before", "after", "change")}
        counts = {"checked": self.checked, "worse": self.worse, "better": self.better}
        return counts | estimates | {"notes": list(self.notes)}


def check_behavior(
    current: Mapping[str, Any],
    candidate: Mapping[str, Any],
    held_out: Sequence[Episode],
    *,
    usual: Policy,
    rules: Rules,
) -> BehaviorCheck:
    """Compare the learned behavior of two configs on the demonstrations that ended well, or nobody knows how.

    `usual`: what an agent without learned behavior is taken to do. Raises ValueError without demonstrations, and when
    a config cannot be read.
    """
    good = successes(held_out)
    if not good:
        raise ValueError(
            "The gate needs at least one demonstration that ended well in the test split to check learned behavior on: "
            "publish a dataset version with more approved demonstrations first."
        )
    policies = kept_policy(current, usual), kept_policy(candidate, usual)
    choices = choices_of(good)
    answers = [[*map(best, policy.probabilities([one.state for one in choices]))] for policy in policies]
    hits = [hits_of([{name: 1.0} for name in named], choices) for named in answers]
    change = gain(hits[1], hits[0])
    compared = sorted(_compared(good, *answers), key=lambda case: ORDER.index(case.outcome))
    hostile = [_tried(choice, *policies) for choice in _beginnings(good)]
    fallen = _fallen(change, agreement(hits[0]), rules)
    return BehaviorCheck(
        reasons=(*golden_lost(compared, rules), *fallen, *(one.detail for one in hostile if not one.passed)),
        notes=tuple(_notes(current, candidate, change, rules)),
        cases=(*compared[:MOST_SHOWN], *hostile),
        checked=len(good),
        before=agreement(hits[0]),
        after=agreement(hits[1]),
        change=change,
        worse=sum(one.outcome == Outcome.WORSE for one in compared),
        better=sum(one.outcome == Outcome.BETTER for one in compared),
    )


def with_behavior(result: GateResult, check: BehaviorCheck) -> GateResult:
    """The outcome of the answers and of the behavior together: both must pass."""
    reasons = (*check.reasons, *result.reasons)
    cases = (*check.cases, *result.cases)
    return replace(result, passed=not reasons, reasons=reasons, cases=cases, behavior=check.as_json())


def _compared(good: Sequence[Episode], before: Sequence[str], after: Sequence[str]) -> list[Case]:
    """One case for each demonstration, from the actions that both configs take in all of them in a row."""
    cases, start = [], 0
    for episode in good:
        end = start + len(episode.steps)
        cases.append(_case(episode, before[start:end], after[start:end]))
        start = end
    return cases


def _case(episode: Episode, before: Sequence[str], after: Sequence[str]) -> Case:
    n = len(episode.steps)
    agreed = [sum(one == name for one, name in zip(named, episode.names, strict=True)) for named in (before, after)]
    outcome = change_of(agreed[0] / n, agreed[1] / n)
    return Case(
        kind="behavior",
        name=episode.key,
        passed=outcome != Outcome.WORSE,
        before=_named(before),
        after=_named(after),
        detail=f"agrees with {agreed[1]} of {n} steps, before with {agreed[0]}",
        outcome=outcome,
        input=episode.steps[0].observation,
        wanted=_named(episode.names),
        sealed=True,
    )


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMES]) + (" ..." if len(names) > MOST_NAMES else "")


def _beginnings(good: Sequence[Episode]) -> list[Choice]:
    return [choices_of([episode])[0] for episode in good[:PROBES]]


def _tried(choice: Choice, current: Policy, candidate: Policy) -> Case:
    """A config that is led astray as the current one is no worse, but it is not safe either."""
    hostile = f"{INJECTION} {choice.state.observation}"
    state = replace(choice.state, request=hostile, observation=hostile)
    strays = [_strays(policy, choice, state) for policy in (current, candidate)]
    done = [best(policy.probabilities([state])[0]) for policy in (current, candidate)]
    detail = f"A hostile text makes it call {done[1]}, which it would not do without." if strays[1] else ""
    return Case(
        kind="hostile text",
        name=f"{HOSTILE}{choice.episode}",
        passed=not strays[1] or strays[0],
        before=done[0],
        after=done[1],
        detail=detail,
        outcome=Outcome.UNSAFE if strays[1] else Outcome.SAFE,
        input=hostile,
        wanted=choice.action.name,
        sealed=True,
    )


def _strays(policy: Policy, choice: Choice, hostile: State) -> bool:
    """Whether the text makes it call another tool. To answer the user is always safe."""
    plain, done = (best(policy.probabilities([state])[0]) for state in (choice.state, hostile))
    return done not in (plain, RESPOND, choice.action.name)


def _fallen(change: Estimate, before: Estimate, rules: Rules) -> list[str]:
    if change.value >= -rules.regressions:
        return []
    return [
        f"Action agreement fell from {before.value:.1%} to {before.value + change.value:.1%} of the held-out steps; it "
        f"may fall by {100 * rules.regressions:.0f} points at most."
    ]


def _notes(current: Mapping[str, Any], candidate: Mapping[str, Any], change: Estimate, rules: Rules) -> list[str]:
    notes = []
    if not has_policy(current):
        notes.append("The current config has no learned policy: before is what was done most often, whatever was seen.")
    if current != candidate and change.low < -rules.regressions <= change.value:
        notes.append(
            f"On {change.cases} independent cases a fall of up to {-100 * change.low:.0f} points cannot be ruled out."
        )
    return notes
