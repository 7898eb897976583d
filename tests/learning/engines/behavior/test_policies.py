from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy import stats

from learning.engines.behavior.agreement import agreement, cross_predict, gain, hits_of
from learning.engines.behavior.cloning import LinearPolicy, clone, log_loss
from learning.engines.behavior.corrections import Preference
from learning.engines.behavior.episodes import Action, Choice, choices_of
from learning.engines.behavior.features import features_of
from learning.engines.behavior.policies import FrequentPolicy, MixedPolicy, PatternPolicy, best
from learning.engines.behavior.preference import prefer, score
from learning.engines.behavior.retrieval import DemonstrationStore
from learning.engines.behavior.rewarded import advantages, off_policy, reinforce
from learning.engines.behavior.veto import AFTER, ASKED, NOT_AFTER, Check, CheckedPolicy
from tests.learning.engines.behavior.worlds import episode, shop, state

FITS = {
    "none": lambda episodes: FrequentPolicy.fit(choices_of(episodes)),
    "patterns": lambda episodes: PatternPolicy.fit(choices_of(episodes)),
    "retrieved": lambda episodes: DemonstrationStore(choices_of(episodes)),
    "cloned": lambda episodes: clone(choices_of(episodes)),
}


def test_every_policy_beats_the_most_frequent_action_where_the_state_tells() -> None:
    held_out = cross_predict(FITS, shop(120), folds=3, seed=1)

    for name in ("patterns", "retrieved", "cloned"):
        assert gain(held_out.hits(name), held_out.hits("none")).is_gain, name
    assert gain(held_out.hits("retrieved", "cloned"), held_out.hits("none")).is_gain


def test_no_policy_gains_where_actions_are_thrown_with_a_die() -> None:
    gains = 0
    for seed in range(10):
        rng = random.Random(seed)
        episodes = [episode(str(n), *rng.choices("abc", weights=(5, 3, 2), k=6)) for n in range(20)]
        held_out = cross_predict({name: FITS[name] for name in ("none", "patterns")}, episodes, folds=4, seed=1)
        gains += gain(held_out.hits("patterns"), held_out.hits("none")).is_gain
    assert gains <= 2


def test_a_case_is_never_asked_about_by_what_learned_from_it() -> None:
    seen: list[set[str]] = []

    def fit(episodes):
        seen.append({one.case for one in episodes})
        return FITS["none"](episodes)

    episodes = [episode(f"{n}", "a", "b", group=str(n // 4)) for n in range(40)]
    held_out = cross_predict({"none": fit}, episodes, folds=5, seed=3)

    assert len(held_out.choices) == 80
    assert set.intersection(*seen) == set()


def test_the_interval_is_that_of_the_mean_where_every_case_has_one_step() -> None:
    right = [1, 0, 1, 1, 0, 1, 1, 1]
    found = agreement({str(n): (one, 1) for n, one in enumerate(right)})

    assert found.value == pytest.approx(np.mean(right))
    expected = stats.ttest_1samp(right, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, min(1, expected.high)), abs=1e-12)


def test_cases_that_are_all_alike_leave_room_for_others() -> None:
    found = agreement({str(n): (2, 2) for n in range(8)})
    assert found.value == found.high == 1
    assert found.low == pytest.approx(stats.binomtest(8, 8).proportion_ci(0.95).low)


def test_with_four_cases_the_interval_says_nothing() -> None:
    found = agreement({str(n): (1, 1) for n in range(4)})
    assert (found.low, found.high) == (-1.0, 1.0) and not found.is_gain


def test_the_cloned_policy_predicts_what_scikit_learn_predicts_and_survives_json() -> None:
    from sklearn.linear_model import LogisticRegression  # not by every process of the suite

    choices = choices_of(shop(80))
    policy = clone(choices)
    labels = [choice.action.name for choice in choices]
    rows = policy.matrix([choice.state for choice in choices])
    model = LogisticRegression(C=1.0, fit_intercept=False, max_iter=300, tol=1e-3).fit(rows, labels)
    ours = policy.probabilities([choice.state for choice in choices])

    assert [list(one.values()) for one in ours] == pytest.approx(model.predict_proba(rows), abs=1e-6)
    read = LinearPolicy.from_json(policy.as_json())
    again = read.probabilities([choice.state for choice in choices])
    assert [best(one) for one in again] == [best(one) for one in ours]
    assert log_loss(read, choices) == pytest.approx(log_loss(policy, choices), abs=0.01)


def test_two_actions_are_enough_and_one_is_not() -> None:
    policy = clone(
        [Choice(state("yes" if n % 2 else "no"), Action("a" if n % 2 else "b"), "e", "e", 1) for n in range(20)]
    )
    assert best(policy.probabilities([state("yes")])[0]) == "a"
    with pytest.raises(ValueError, match="two different actions"):
        clone([Choice(state(), Action("a"), "e", "e", 1)] * 3)


@pytest.mark.parametrize("value", [{}, {"format": "x"}, {"format": "linear-action-policy/1", "actions": ["a"]}])
def test_a_kept_policy_that_is_none_is_refused(value: dict) -> None:
    with pytest.raises(ValueError, match="policy"):
        LinearPolicy.from_json(value)


def test_probabilities_add_up_to_one() -> None:
    episodes = shop(40)
    states = [choice.state for choice in choices_of(episodes)]
    policies = [fit(episodes) for fit in FITS.values()]
    for policy in (*policies, MixedPolicy(policies)):
        for answer in policy.probabilities(states[:20]):
            assert math.fsum(answer.values()) == pytest.approx(1)


def test_retrieval_finds_the_same_situation_first() -> None:
    choices = choices_of(shop(30))
    store = DemonstrationStore(choices)
    found = store.nearest(choices[7].state, 3)

    assert len(found) == 3 and found[0].similarity == pytest.approx(1)
    assert features_of(found[0].choice.state) == features_of(choices[7].state)


def test_corrections_move_the_policy_towards_what_experts_chose() -> None:
    policy = clone(choices_of(shop(120, careful=0.1)))
    asks = [choice for choice in choices_of(shop(120, seed=2, careful=0.1)) if choice.action.name == "refund"]
    preferences = [Preference(one.state, "look_up", "refund", one.case) for one in asks]
    before = score(policy, preferences[20:])
    after = score(prefer(policy, preferences[:20]), preferences[20:])

    assert before.agreed < 0.3 * before.n
    assert after.agreed > 0.9 * after.n


def test_too_few_preferences_are_refused() -> None:
    policy = clone(choices_of(shop(30)))
    with pytest.raises(ValueError, match="at least 5"):
        prefer(policy, [Preference(state(), "look_up", "refund", "c")] * 4)


def test_rewards_push_towards_what_earned_more_and_the_estimate_covers_the_truth() -> None:
    learned, tests = shop(200), shop(400, seed=7)
    logged = clone(choices_of(learned))
    better = reinforce(logged, learned)
    asked = [choice.state for choice in choices_of(tests) if choice.action.name in ("look_up", "refund", "track")
             and len(choice.state.past) == 1]  # fmt: skip
    gains = [
        new.get("look_up", 0) - old.get("look_up", 0)
        for new, old in zip(better.probabilities(asked), logged.probabilities(asked), strict=True)
    ]
    assert np.mean(gains) > 0.02

    estimate = off_policy(better, logged, tests)
    assert estimate.value > estimate.logged and estimate.effective > 100
    assert not estimate.reason


def test_an_unchanged_policy_earns_what_was_logged() -> None:
    episodes = shop(60)
    policy = clone(choices_of(episodes))
    estimate = off_policy(policy, policy, episodes)

    assert estimate.effective == pytest.approx(60, rel=0.05)
    assert estimate.value == pytest.approx(estimate.logged, abs=0.02)


def test_an_estimate_from_a_handful_of_episodes_says_so() -> None:
    episodes = shop(6)
    policy = clone(choices_of(shop(40)))
    assert "too few" in off_policy(policy, policy, episodes).reason


def test_the_advantage_is_against_the_other_tries_of_the_same_case() -> None:
    tries = [episode(str(n), "a", reward=float(n == 0), group="g") for n in range(3)]
    alone = episode("x", "a", reward=0.0)
    found = advantages([*tries, alone])

    assert found["0"] == 1 and found["1"] == -0.5
    assert found["x"] == pytest.approx(-0.25)
    with pytest.raises(ValueError, match="All rewards"):
        reinforce(clone(choices_of(shop(20))), [episode(str(n), "look_up", reward=1.0) for n in range(5)])


def test_a_check_takes_the_probability_of_what_it_forbids() -> None:
    policy = FrequentPolicy({"refund": 0.6, "look_up": 0.3, "respond": 0.1})
    checks = [Check(AFTER, "refund", "look_up")]
    before, after = CheckedPolicy(policy, checks).probabilities([state("x"), state("x", "look_up")])

    assert best(before) == "look_up" and "refund" not in before
    assert before["look_up"] == pytest.approx(0.75)
    assert after == pytest.approx({"refund": 0.6, "look_up": 0.3, "respond": 0.1})
    assert not Check(ASKED, "refund").allows("refund", state("x", source="tool"))
    assert not Check(NOT_AFTER, "look_up", "refund").allows("look_up", state("x", "refund"))
    assert Check(NOT_AFTER, "look_up", "refund").allows("look_up", state("x", "look_up", "refund"))


def test_hits_count_by_case() -> None:
    choices = choices_of([episode("k", "a", "b"), episode("l", "a")])
    answers = FrequentPolicy.fit(choices).probabilities([one.state for one in choices])
    assert hits_of(answers, choices) == {"k": (1, 2), "l": (1, 1)}
