"""Making the parts of a policy update and proving each on episodes that were not learned from. Pure.

Which parts are worth proving is decided by cross-validation among the episodes that are learned from. Only these are
asked about the held-out episodes, once, and each claim is made at a level divided by their number (Bonferroni), which
is the stricter, the more often others have read the same episodes (engines/levels.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from learning.engines.behavior.agreement import (
    Estimate,
    Fit,
    HeldOut,
    agreement,
    cross_predict,
    gain,
)
from learning.engines.behavior.episodes import SUCCESS, Choice, Episode, choices_of, successes
from learning.engines.behavior.policies import FrequentPolicy, MixedPolicy, PatternPolicy, Policy
from learning.engines.behavior.retrieval import DemonstrationStore
from learning.engines.behavior.rules import Rule
from learning.engines.behavior.update import Part, RuleCheck, shortened
from learning.engines.behavior.veto import Check, CheckedPolicy, read_checks
from learning.engines.levels import confidence_of_reading
from learning.engines.protocols import Tick

FOLDS = 5
MOST_KEPT = 300  # choices in a config's store
FEWEST_HELD_OUT = 5  # cases that ended well
RULE_SHARE = 0.9  # of the held-out successes where a rule applies
ALPHA = 0.05
PARTS = {"demonstrations": "retrieved", "action_policy": "cloned"}  # part -> the policy it is measured as


@dataclass(frozen=True, slots=True)
class Proved:
    """The parts with their figures on held-out episodes."""

    parts: tuple[Part, ...]
    agreement: Mapping[str, Estimate]
    overall: Estimate | None
    mixed: Policy | None


def kept_choices(episodes: Sequence[Episode]) -> list[Choice]:
    """The choices that a config keeps: taken in turns from the cases, so that none crowds out the others."""
    by_case: dict[str, list[Choice]] = {}
    for choice in choices_of(successes(episodes)):
        by_case.setdefault(choice.case, []).append(shortened(choice))
    kept: list[Choice] = []
    place = 0
    while len(kept) < MOST_KEPT and any(place < len(of_case) for of_case in by_case.values()):
        kept += [of_case[place] for of_case in by_case.values() if place < len(of_case)]
        place += 1
    return kept[:MOST_KEPT]


def worth_proving(fits: Mapping[str, Fit], episodes: Sequence[Episode], seed: int, tick: Tick | None) -> dict[str, str]:
    """By part why it is not worth a claim; empty where it is: its gain among what is learned from is above zero."""
    held_out = cross_predict(fits, episodes, folds=FOLDS, seed=seed, tick=tick).among(_ended_well)
    reasons = {}
    for part, name in PARTS.items():
        found = gain(held_out.hits(name), held_out.hits("none"))
        reasons[part] = "" if found.is_gain else f"No sure gain in cross-validation: {_points(found)}."
    return reasons


def prove(
    policies: Mapping[str, Policy], tests: Sequence[Episode], reasons: Mapping[str, str], *, earlier: int = 0
) -> Proved:
    """Each part against the most frequent action on the held-out episodes that ended well.

    `earlier`: how often others read the same episodes before.
    """
    good = successes(tests)
    choices = choices_of(good)
    states = [choice.state for choice in choices]
    held_out = HeldOut(choices, {name: policy.probabilities(states) for name, policy in policies.items()})
    cases = {choice.case for choice in choices}
    if len(cases) < FEWEST_HELD_OUT:
        reason = f"Only {len(cases)} held-out cases ended well; at least {FEWEST_HELD_OUT} are needed."
        return Proved(tuple(Part(part, False, reason) for part in PARTS), {}, None, None)
    wanted = [part for part in PARTS if not reasons.get(part)]
    confidence = 1 - (1 - confidence_of_reading(earlier, 1 - ALPHA)) / max(1, len(wanted))
    parts = tuple(_prove_part(part, held_out, reasons.get(part, ""), confidence) for part in PARTS)
    figures = {name: agreement(held_out.hits(name)) for name in policies}
    names = [PARTS[part.name] for part in parts if part.included]
    if not names:
        return Proved(parts, figures, None, None)
    figures["all"] = agreement(held_out.hits(*names))
    overall = gain(held_out.hits(*names), held_out.hits("none"), confidence=confidence)
    return Proved(parts, figures, overall, MixedPolicy([policies[name] for name in names]))


def check_rules(rules: Sequence[Rule], tests: Sequence[Episode]) -> tuple[RuleCheck, ...]:
    """Whether the held-out successes keep to the rules too."""
    good = successes(tests)
    return tuple(_check_rule(rule, good) for rule in rules)


def rules_part(checks: Sequence[RuleCheck], base: Policy, tests: Sequence[Episode]) -> Part:
    """The rules together: kept when there are any, and when forbidding by them costs `base` no agreement."""
    kept = [one.rule for one in checks if one.included]
    if not kept:
        return Part("rules", False, "No rule stood the test." if checks else "Nothing was found that could be a rule.")
    choices = choices_of(successes(tests))
    states = [choice.state for choice in choices]
    answers = {"free": base.probabilities(states), "kept": CheckedPolicy(base, checks_of(kept)).probabilities(states)}
    held_out = HeldOut(choices, answers)
    change = gain(held_out.hits("kept"), held_out.hits("free"))
    if change.high < 0:
        return Part("rules", False, f"Keeping to the rules costs agreement: {_points(change)}.", change)
    return Part("rules", True, f"{len(kept)} of {len(checks)} rules stood the test.", change)


def checks_of(rules: Sequence[Rule]) -> list[Check]:
    """What the rules forbid."""
    return read_checks([rule.as_json() for rule in rules])


def base_fits() -> dict[str, Fit]:
    """What every update is compared with."""
    return {
        "none": lambda episodes: FrequentPolicy.fit(choices_of(successes(episodes))),
        "patterns": lambda episodes: PatternPolicy.fit(choices_of(successes(episodes))),
        "retrieved": lambda episodes: DemonstrationStore(kept_choices(episodes)),
    }


def _ended_well(choice: Choice) -> bool:
    return choice.reward is None or choice.reward >= SUCCESS


def _prove_part(part: str, held_out: HeldOut, reason: str, confidence: float) -> Part:
    if reason:
        return Part(part, False, reason)
    found = gain(held_out.hits(PARTS[part]), held_out.hits("none"), confidence=confidence)
    if found.is_gain:
        return Part(part, True, f"More agreement than the most frequent action: {_points(found)}.", found)
    return Part(part, False, f"No measurable gain on held-out episodes: {_points(found)}.", found)


def _check_rule(rule: Rule, good: Sequence[Episode]) -> RuleCheck:
    cases: dict[str, bool] = {}
    for episode in good:
        kept = rule.kept_by(episode)
        if kept is not None:
            cases[episode.case] = cases.get(episode.case, True) and kept
    kept_cases, n = sum(cases.values()), len(cases)
    if n < FEWEST_HELD_OUT:
        reason = f"It applies to {n} held-out successes only; at least {FEWEST_HELD_OUT} are needed."
        return RuleCheck(rule, False, reason, kept_cases, n)
    if kept_cases < RULE_SHARE * n:
        return RuleCheck(rule, False, f"Only {kept_cases} of {n} held-out successes keep to it.", kept_cases, n)
    return RuleCheck(rule, True, f"{kept_cases} of {n} held-out successes keep to it.", kept_cases, n)


def _points(estimate: Estimate) -> str:
    low, value, high = (100 * one for one in (estimate.low, estimate.value, estimate.high))
    return f"{value:+.1f} points [{low:+.1f}, {high:+.1f}]"
