"""Patterns, thresholds, terms, rules, texts and rates."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import fisher_exact
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from learning.engines.insight.folds import folds_by_group
from learning.engines.insight.patterns import find_patterns
from learning.engines.insight.rates import rate_of
from learning.engines.insight.rules import find_rules
from learning.engines.insight.terms import find_terms, log_odds, words_of
from learning.engines.insight.text_features import FEATURE_WORDS, similarity, text_features
from learning.engines.insight.thresholds import best_cut, find_thresholds

RNG = np.random.default_rng(0)
N = 300
CASES = np.arange(N) % 100
WORDS = RNG.normal(size=N)
SUCCESS = (WORDS + 0.5 * RNG.normal(size=N) < 0.3).astype(float)
NOISE = RNG.normal(size=N)


def test_wilson_is_that_of_statsmodels_and_nothing_is_unknown() -> None:
    found = rate_of(3, 20)
    assert (found.low, found.high) == pytest.approx(proportion_confint(3, 20, method="wilson"), rel=1e-9)
    assert rate_of(0, 0).value is None
    with pytest.raises(ValueError, match="impossible"):
        rate_of(3, 2)


def test_a_pattern_tells_its_rates_and_a_clustered_difference() -> None:
    flags = {"short": WORDS < 0, "coin": NOISE < 0, "rare": np.arange(N) < 3}
    short, coin = find_patterns(flags, SUCCESS, np.arange(N), CASES)
    assert short.name == "short" and short.significant and not coin.significant
    assert short.having.n + short.lacking.n == N and short.lift > 1
    fit = sm.OLS(SUCCESS, sm.add_constant(flags["short"].astype(float)))
    wanted = fit.fit(cov_type="cluster", cov_kwds={"groups": CASES}, use_t=True)
    one_way = find_patterns({"short": flags["short"]}, SUCCESS, np.zeros(N, np.int64), CASES)[0]
    low, high = wanted.conf_int()[1]
    rates = [rate_of(float(SUCCESS[chosen].sum()), int(chosen.sum())) for chosen in (WORDS < 0, WORDS >= 0)]
    counts = [[one.successes, one.n - one.successes] for one in rates]
    sides = [confint_proportions_2indep(rates[0].successes, rates[0].n, rates[1].successes, rates[1].n, "newcomb")]
    assert (one_way.low, one_way.high) == pytest.approx((min(low, sides[0][0]), max(high, sides[0][1])), rel=1e-6)
    assert one_way.p_value == pytest.approx(max(wanted.pvalues[1], fisher_exact(counts).pvalue), rel=1e-9)


def test_a_property_that_few_have_is_no_pattern_because_all_of_them_went_well() -> None:
    """Eight of eight where seven of ten succeed: errors that know who judged find no spread at all in the eight."""
    rare, often = np.arange(N) % 40 == 0, np.where(np.arange(N) % 10 < 7, 1.0, 0.0)
    (found,) = find_patterns({"rare": rare}, np.where(rare, 1.0, often), np.arange(N) % 37, np.arange(N))
    assert found.having.successes == found.having.n == 8
    assert found.p_value > 0.05 and found.low < 0 and not found.significant


def test_what_a_few_people_have_in_common_counts_once_for_each_of_them() -> None:
    """Six of forty people, each of whom judged ten answers, and all of the six liked theirs."""
    who = np.repeat(np.arange(40), 10)
    liked = np.where((who < 6) | (who % 10 < 7), 1.0, 0.0)
    (found,) = find_patterns({"plan is gold": who < 6}, liked, who, np.arange(400))
    assert found.having.successes == found.having.n == 60
    assert found.p_value > 0.05 and found.low < 0 and not found.significant


def test_patterns_of_successes_alone_have_no_p_value() -> None:
    found = find_patterns({"short": WORDS < 0}, np.ones(N), np.arange(N), CASES)
    assert found[0].p_value is None and not found[0].significant
    assert find_patterns({"short": WORDS < 0}, np.full(N, np.nan), np.arange(N), CASES) == []


def test_a_threshold_holds_on_what_it_was_not_found_on_and_noise_has_none() -> None:
    (found,) = find_thresholds({"words": WORDS, "noise": NOISE, "same": np.ones(N)}, SUCCESS, np.arange(N), CASES)
    assert found.feature == "words" and not found.above and found.adjusted < 1e-6
    assert found.low <= found.cut <= found.high and abs(found.cut - 0.3) < 0.4
    assert found.better.n + found.worse.n == N
    assert best_cut(np.ones(10), SUCCESS[:10]) is None


def test_looking_for_cuts_and_rules_in_noise_finds_none() -> None:
    """Fifteen features of fifty cases, each judged eight times, that have nothing to do with success."""
    rng, cases = np.random.default_rng(2), np.repeat(np.arange(50), 8)
    cuts, rules = 0, 0
    for _ in range(8):
        features = {f"f{place}": rng.normal(size=50)[cases] for place in range(15)}
        success = (rng.random(400) < rng.beta(1.2, 0.8, size=50)[cases]).astype(float)
        cuts += len(find_thresholds(features, success, np.arange(400) % 37, cases))
        rules += len(find_rules(features, success, cases))
    assert (cuts, rules) == (0, 0)


def test_log_odds_are_those_of_the_paper_with_cases_as_what_is_counted() -> None:
    delta, z = log_odds(30, 40, 10, 30)
    prior = 10 * 40 / 70
    sides = [(30 + prior, 10 + 10 - prior), (10 + prior, 20 + 10 - prior)]
    assert delta == pytest.approx(math.log(sides[0][0] / sides[0][1]) - math.log(sides[1][0] / sides[1][1]))
    assert z == pytest.approx(delta / math.sqrt(sum(1 / one + 1 / other for one, other in sides)))
    assert log_odds(40, 40, 30, 30) == (0, 0)


def test_terms_are_counted_once_in_a_case() -> None:
    texts = [f"the answer is {'unfortunately impossible' if not said else 'possible'}" for said in SUCCESS]
    found = {one.word: one for one in find_terms(texts, SUCCESS, np.arange(N))}
    assert set(found) == {"unfortunately", "impossible", "possible"}
    assert found["unfortunately"].log_odds < 0 < found["possible"].log_odds
    assert (
        find_terms(texts, SUCCESS, np.zeros(N, np.int64)) == [] == find_terms([], SUCCESS[:0], CASES[:0])
    )  # one case is no evidence
    assert words_of("It's a Test, a test of 22") == {"it's", "test"}


def test_a_rule_shows_the_precision_it_has_on_held_out_cases() -> None:
    rules = find_rules({"words": WORDS, "noise": NOISE, "none": np.full(N, np.nan)}, SUCCESS, CASES)
    assert {one.success for one in rules} == {True, False}
    assert all(one.conditions[0].feature == "words" for one in rules)
    assert all(one.held_out.low > one.base and one.held_out.n < N / 2 for one in rules)
    assert find_rules({"noise": NOISE}, RNG.integers(0, 2, N).astype(float), CASES) == []
    assert find_rules({"words": WORDS}, np.ones(N), CASES) == []


def test_folds_tear_no_case_apart() -> None:
    parts = folds_by_group(CASES, 5)
    assert len(parts) == 5 and np.sum([held for _, held in parts], axis=0).tolist() == [1] * N
    for learned, held in parts:
        assert not set(CASES[learned]) & set(CASES[held])
    assert folds_by_group(np.zeros(9, np.int64), 5) == [] == folds_by_group(np.zeros(0, np.int64), 5)


def test_texts_have_numbers_and_an_empty_one_has_no_shares() -> None:
    found = text_features("Maybe you could try this:\n- one\n- two\n\nUse `ls`. Is it 3 or 4?")
    assert found.keys() == FEATURE_WORDS.keys()
    assert found["words"] == 12 and found["questions"] == 1 and found["list_share"] == 0.5
    assert found["hedges"] == pytest.approx(200 / 12) and found["code_share"] > 0
    empty = text_features("")
    assert empty["words"] == 0 and math.isnan(empty["reading_ease"])
    assert text_features("The cat sat.")["reading_ease"] == pytest.approx(206.835 - 1.015 * 3 - 84.6)


def test_similarity_is_that_of_words() -> None:
    assert similarity("A b c", "a B c!") == 1 and similarity("a b", "c d") == 0
    assert math.isnan(similarity("", "a"))
