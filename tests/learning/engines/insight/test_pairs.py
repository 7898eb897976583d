"""Which of two answers people prefer: the weights of all, and those of each reviewer."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from learning.engines.insight.own_pairs import fit_own
from learning.engines.insight.pairs import Pairs, compare_pairs, learn_pairs


def chosen(weights: list[float], n: int, seed: int) -> np.ndarray:
    """Differences between the preferred answer and the other one, of people with these weights."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(n, len(weights)))
    first = rng.uniform(size=n) < 1 / (1 + np.exp(-table @ np.array(weights)))
    return table * np.where(first, 1.0, -1.0)[:, None]


def columns(table: np.ndarray) -> dict[str, np.ndarray]:
    return {name: table[:, place] for place, name in enumerate("abcdefg"[: table.shape[1]])}


def test_pairs_are_those_of_a_logistic_regression_without_a_constant() -> None:
    rng = np.random.default_rng(4)
    table = rng.normal(size=(200, 2))
    flip = np.where(rng.uniform(size=200) < 1 / (1 + np.exp(-table @ [0.8, -0.3])), 1.0, -1.0)
    table = table * flip[:, None]
    found = compare_pairs({"a": table[:, 0], "b": table[:, 1]})
    signs = np.where(np.arange(200) % 2 == 0, 1, -1)
    scaled = table / np.sqrt((table**2).mean(axis=0)) * signs[:, None]
    wanted = sm.Logit((signs > 0).astype(float), scaled).fit(disp=False, tol=1e-12, method="newton", maxiter=100)
    assert [one.weight.value for one in found] == pytest.approx(wanted.params.tolist(), rel=1e-9)
    assert [one.p_value for one in found] == pytest.approx(wanted.pvalues.tolist(), rel=1e-6)


def test_separated_and_few_pairs_have_no_answer() -> None:
    assert compare_pairs({"a": np.arange(1.0, 40.0)}) is None
    assert compare_pairs({"a": np.array([1.0, -1.0])}) is None and compare_pairs({}) is None


def test_errors_that_know_who_chose_are_those_of_statsmodels() -> None:
    table, who = chosen([0.6, -0.4], 240, 5), np.arange(240) % 24
    table[who < 6, 0] += 0.8
    found = compare_pairs(columns(table), [who])
    assert found is not None
    scaled = table / np.sqrt((table**2).mean(axis=0))
    wanted = sm.GLM(np.ones(240), scaled, family=sm.families.Binomial()).fit(
        tol=1e-13, cov_type="cluster", cov_kwds={"groups": who}, use_t=True
    )
    assert [one.weight.value for one in found] == pytest.approx(wanted.params.tolist(), rel=1e-9)
    assert [one.p_value for one in found] == pytest.approx(wanted.pvalues.tolist(), rel=1e-6)
    assert [one.weight.low for one in found] == pytest.approx(wanted.conf_int()[:, 0].tolist(), rel=1e-6)
    assert all(one.adjusted >= one.p_value for one in found)


def test_one_person_who_repeats_themself_proves_nothing() -> None:
    """A hundred independent choices would; one case that was chosen in a hundred times does not."""
    table = np.concatenate([np.ones(100), np.tile([1.0, -1.0], 20)])[:, None]
    cases = np.concatenate([np.zeros(100, int), 1 + np.arange(40)])
    (plain,) = compare_pairs(columns(table)) or []
    (known,) = compare_pairs(columns(table), [cases]) or []
    assert plain.p_value < 1e-6 and known.p_value > 0.01


def test_each_reviewer_speaks_for_themself_the_more_the_more_they_compared() -> None:
    own = [[1.5, 0.0]] * 4 + [[-1.5, 0.0]]
    sizes = [200, 200, 200, 200, 200]
    table = np.vstack(
        [chosen(weights, size, place) for place, (weights, size) in enumerate(zip(own, sizes, strict=True))]
    )
    who = np.repeat(np.arange(5), sizes)
    found = fit_own(table, who)
    both = found.common + found.own
    assert (both[:4, 0] > 1).all() and both[4, 0] < -1 and np.abs(both[:, 1]).max() < 0.4
    few = np.concatenate([np.flatnonzero(who < 4), np.flatnonzero(who == 4)[:5]])
    drawn = fit_own(table[few], who[few])
    assert drawn.common[0] + drawn.own[4, 0] > both[4, 0] + 0.5
    assert drawn.of_sum[4, 0, 0] > drawn.of_sum[0, 0, 0]


def test_the_posterior_is_at_its_top() -> None:
    """No weight can be changed to make data and priors likelier, the variances as they are."""
    table, who = chosen([0.8, -0.5], 120, 8), np.arange(120) % 6
    found = fit_own(table, who)

    def height(common: np.ndarray, own: np.ndarray) -> float:
        score = np.einsum("ij,ij->i", table, (common + own)[who])
        return float(-np.log1p(np.exp(-score)).sum() - (common**2).sum() / 12.5 - (own**2 / found.spread).sum() / 2)

    top = height(found.common, found.own)
    for place in range(2):
        for step in (-0.02, 0.02):
            moved = found.common.copy()
            moved[place] += step
            assert height(moved, found.own) < top
            other = found.own.copy()
            other[3, place] += step
            assert height(found.common, other) < top


def test_what_is_learned_is_told_with_its_accuracy_on_other_cases() -> None:
    table = chosen([1.2, 0.0], 300, 9)
    found = learn_pairs(Pairs(columns(table), np.arange(300) % 12, np.arange(300) // 3))
    assert (found.n, found.reviewers, found.reason) == (300, 12, "") and found.predictable
    first, second = found.weights
    assert first.weight.low > 0 and first.adjusted < 0.01 and second.adjusted > 0.05
    assert len(found.own) == 12 and found.own[0].n == 25 and set(found.own[0].weights) == {"a", "b"}
    noise = learn_pairs(Pairs(columns(chosen([0.0, 0.0], 300, 3)), np.arange(300) % 12, np.arange(300)))
    assert not noise.predictable and all(one.adjusted > 0.05 for one in noise.weights)


def test_choices_between_the_same_answers_foretell_no_more_than_one() -> None:
    """Five questions with the same choice twenty times each: four that are foretold may be luck."""
    table = np.repeat(np.array([1.0, 1.2, 0.8, 1.1, -1.0]), 20)[:, None]
    table[:3] = -table[:3]
    found = learn_pairs(Pairs(columns(table), np.arange(100) % 10, np.repeat(np.arange(5), 20)))
    assert found.accuracy.n == 100 and found.accuracy.value > 0.7 and not found.predictable


def test_what_nothing_speaks_against_is_drawn_to_none_and_gets_no_p_value() -> None:
    rising = np.abs(np.random.default_rng(1).normal(size=40)) + 0.1
    found = learn_pairs(Pairs({"a": rising}, np.zeros(40, int), np.arange(40)))
    (weight,) = found.weights
    assert "without exception" in found.reason and weight.p_value is None
    assert weight.weight.low > 0 and weight.weight.high < 50 and found.predictable


def test_features_that_move_together_are_not_told_apart() -> None:
    table = chosen([3.0], 60, 7)[:, 0]
    found = learn_pairs(Pairs({"a": table, "b": 2 * table}, np.zeros(60, int), np.arange(60)))
    assert found.reason.startswith("Features move together") and found.predictable
    assert [one.p_value for one in found.weights] == [None, None]


def test_too_few_pairs_or_equal_ones_end_in_a_reason() -> None:
    few = learn_pairs(Pairs({"a": np.arange(9.0)}, np.zeros(9, int), np.arange(9)))
    assert few.reason == "There are 9 pairs; 10 are needed." and few.weights == () and few.accuracy is None
    same = learn_pairs(Pairs({"a": np.zeros(30), "b": np.full(30, np.nan)}, np.zeros(30, int), np.arange(30)))
    assert "never differ" in same.reason
    one_case = learn_pairs(Pairs(columns(chosen([1.0], 30, 2)), np.zeros(30, int), np.zeros(30, int)))
    assert one_case.weights and one_case.accuracy is None and not one_case.predictable
    with pytest.raises(ValueError, match="equally long"):
        Pairs({"a": np.arange(3.0)}, np.zeros(2, int), np.zeros(2, int))


def test_with_few_pairs_the_first_features_count() -> None:
    table = chosen([1.0, 0.5, 0.2], 25, 4)
    found = learn_pairs(Pairs(columns(table), np.arange(25) % 5, np.arange(25)))
    assert [one.feature for one in found.weights] == ["a", "b"]
