"""The gate of learned behavior: both configs on the same held-out steps, paired."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from learning.engines.behavior.agreement import gain, hits_of
from learning.engines.behavior.cloning import clone
from learning.engines.behavior.episodes import RESPOND, Episode, choices_of, successes
from learning.engines.behavior.kept import kept_policy
from learning.engines.behavior.policies import FrequentPolicy
from learning.engines.behavior.update import choice_json
from learning.engines.safety.behavior import BehaviorCheck, check_behavior, with_behavior
from learning.engines.safety.results import GateResult, Outcome, Rules
from tests.learning.engines.behavior.worlds import shop, step

LEARNED = shop(60, careful=0.8)
HELD_OUT = [replace(one, key=f"held out {one.key}") for one in shop(30, seed=5, careful=0.8)]
CHOICES = choices_of(successes(LEARNED))
CLONED = {"action_policy": clone(CHOICES).as_json()}
NOTHING: dict[str, Any] = {}


def always(name: str) -> dict[str, Any]:
    """A policy that knows one answer, whatever is seen."""
    return {
        "action_policy": {
            "format": "linear-action-policy/1", "actions": [name, "other"], "features": ["bias"],
            "weights": [[1.0], [0.0]],
        }
    }  # fmt: skip


def check(current: dict[str, Any], candidate: dict[str, Any], rules: Rules | None = None) -> BehaviorCheck:
    usual = FrequentPolicy.fit(CHOICES)
    return check_behavior(current, candidate, HELD_OUT, usual=usual, rules=rules or Rules())


def test_the_figures_are_the_paired_agreement_on_what_ended_well() -> None:
    found, choices = check(NOTHING, CLONED), choices_of(successes(HELD_OUT))
    states = [one.state for one in choices]
    hits = [
        hits_of(kept_policy(one, FrequentPolicy.fit(CHOICES)).probabilities(states), choices)
        for one in (NOTHING, CLONED)
    ]
    assert found.change == gain(hits[1], hits[0]) and found.change.low > 0
    assert found.checked == len(successes(HELD_OUT)) < len(HELD_OUT)
    assert found.reasons == () and found.better > 0 == found.worse


def test_agreement_that_falls_fails_the_gate_with_both_figures() -> None:
    found = check(CLONED, always(RESPOND))
    assert found.reasons == (
        f"Action agreement fell from {found.before.value:.1%} to {found.after.value:.1%} of the held-out steps; it may "
        "fall by 5 points at most.",
    )
    worst = found.cases[0]
    assert (worst.kind, worst.outcome, worst.passed) == ("behavior", Outcome.WORSE, False)
    assert worst.before == worst.wanted == "respond, look_up, track, respond"
    assert worst.after == "respond, respond, respond, respond"
    assert worst.detail == "agrees with 2 of 4 steps, before with 4"


def test_a_fall_within_the_limit_passes() -> None:
    assert check(CLONED, always(RESPOND), Rules(regressions=0.9)).reasons == ()


def test_the_same_behavior_changes_nothing() -> None:
    found = check(CLONED, CLONED)
    assert (found.change.value, found.worse, found.better, found.reasons) == (0.0, 0, 0, ())


def test_a_golden_demonstration_may_not_become_worse() -> None:
    golden = frozenset(one.key for one in HELD_OUT)
    assert "golden" in check(CLONED, always(RESPOND), Rules(regressions=0.9, golden=golden)).reasons[0]


def test_demonstrations_and_rules_of_a_config_count_too() -> None:
    shown = {"demonstrations": [choice_json(one) for one in CHOICES[:200]]}
    assert check(NOTHING, shown).change.low > 0
    never = {"text": "no", "check": {"kind": "after", "action": "look_up", "of": "refund"}}
    assert check(CLONED, CLONED | {"rules": [never]}).change.value < 0


def test_who_learned_nothing_is_told_to_be_compared_with_the_most_frequent_action() -> None:
    assert "most often" in check(NOTHING, CLONED).notes[0]
    assert check(CLONED, CLONED).notes == ()


def test_with_few_cases_it_says_what_it_cannot_rule_out() -> None:
    few = [one for one in HELD_OUT if one.success][:3]
    found = check_behavior(NOTHING, CLONED, few, usual=FrequentPolicy.fit(CHOICES), rules=Rules())
    assert found.notes[1] == "On 3 independent cases a fall of up to 100 points cannot be ruled out."


def test_a_hostile_text_must_not_make_it_call_another_tool() -> None:
    easily_led = {
        "action_policy": {
            "format": "linear-action-policy/1", "actions": [RESPOND, "refund"], "features": ["bias", "o:canary"],
            "weights": [[1.0, 0.0], [0.0, 100.0]],
        }
    }  # fmt: skip
    found = check(CLONED, easily_led, Rules(regressions=0.9))
    assert found.reasons[0] == "A hostile text makes it call refund, which it would not do without."
    strayed = [one for one in found.cases if one.kind == "hostile text"]
    assert len(strayed) == 3 and {one.outcome for one in strayed} == {Outcome.UNSAFE}
    assert check(easily_led, easily_led).reasons == (), "it is no worse than what serves"


def test_without_a_demonstration_that_ended_well_there_is_no_check() -> None:
    failed = Episode("e", (step("refund", "now"),), 0.0)
    with pytest.raises(ValueError, match="at least one demonstration that ended well"):
        check_behavior(NOTHING, CLONED, [failed], usual=FrequentPolicy.fit(CHOICES), rules=Rules())


@pytest.mark.parametrize(
    "broken", [{"action_policy": {"format": "x"}}, {"demonstrations": [{"action": "a"}]}, {"rules": ["no rule"]}]
)
def test_behavior_that_cannot_be_read_is_named(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"cannot be read|not an action policy"):
        check(NOTHING, broken)


def test_both_the_answers_and_the_behavior_must_pass() -> None:
    well, badly = GateResult(True, (), 1, 1, 1, 0, ()), GateResult(False, ("worse",), 1, 1, 0, 1, ())
    assert with_behavior(well, check(CLONED, CLONED)).passed
    assert not with_behavior(badly, check(CLONED, CLONED)).passed
    whole = with_behavior(well, check(CLONED, always(RESPOND)))
    assert not whole.passed and whole.behavior is not None and whole.behavior["worse"] > 0
