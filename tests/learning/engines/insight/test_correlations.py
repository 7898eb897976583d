"""Correlations against scipy and statsmodels, and what happens where nothing can be said."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.sandwich_covariance import cov_cluster, cov_cluster_2groups

from learning.engines.insight.clustered import slope_of, standardise
from learning.engines.insight.correlations import Basis, PairStatus, benjamini_yekutieli, correlate
from learning.engines.insight.types import Opinions, codes_of

EXACT = pytest.approx


def opinions(n: int = 300, reviewers: int = 12, cases: int = 60, seed: int = 0) -> Opinions:
    rng = np.random.default_rng(seed)
    who, what = rng.integers(0, reviewers, n), rng.integers(0, cases, n)
    x = rng.normal(size=n) + rng.normal(size=cases)[what]
    y = np.round(0.4 * x + rng.normal(size=n) + rng.normal(size=reviewers)[who])
    return Opinions({"x": x, "z": np.round(rng.normal(size=n))}, {"y": y}, who, what)


def pair(given: Opinions, feature: str = "x"):
    return next(one for one in correlate(given) if one.feature == feature)


def test_plain_correlations_are_those_of_scipy() -> None:
    given = opinions()
    for feature in ("x", "z"):
        found, x, y = pair(given, feature), given.features[feature], given.aspects["y"]
        spearman, pearson = stats.spearmanr(x, y), stats.pearsonr(x, y)
        assert found.spearman.value == EXACT(spearman.statistic, rel=1e-9)
        assert found.spearman.p_value == EXACT(spearman.pvalue, rel=1e-9)
        assert found.pearson.value == EXACT(pearson.statistic, rel=1e-9)
        assert found.pearson.p_value == EXACT(pearson.pvalue, rel=1e-9)
        interval = pearson.confidence_interval(0.95)
        assert (found.pearson.low, found.pearson.high) == EXACT((interval.low, interval.high), rel=1e-9)


def test_the_clustered_test_is_that_of_statsmodels() -> None:
    given = opinions()
    x, y = (standardise(stats.rankdata(column)) for column in (given.features["x"], given.aspects["y"]))
    fit = sm.OLS(y, sm.add_constant(x)).fit()
    both, first, second = cov_cluster_2groups(fit, given.reviewers, given.cases)
    found = pair(given).clustered
    variance = max(both[1, 1], first[1, 1], second[1, 1])
    error, freedom = variance**0.5, 11
    assert found.clusters == 12
    assert found.value == EXACT(fit.params[1], rel=1e-9)
    assert found.p_value == EXACT(2 * stats.t.sf(abs(fit.params[1]) / error, freedom), rel=1e-9)
    assert found.low == EXACT(fit.params[1] - stats.t.ppf(0.975, freedom) * error, rel=1e-9)


def test_one_way_and_rows_of_their_own_are_those_of_statsmodels() -> None:
    given = opinions()
    x, y = standardise(given.features["x"]), standardise(given.aspects["y"])
    fit = sm.OLS(y, sm.add_constant(x))
    clustered = fit.fit(cov_type="cluster", cov_kwds={"groups": given.cases}, use_t=True)
    found = slope_of(x, y, [given.cases])
    assert (found.low, found.high) == EXACT(tuple(clustered.conf_int()[1]), rel=1e-9)
    assert found.p_value == EXACT(clustered.pvalues[1], rel=1e-9)
    alone = slope_of(x, y, [])
    error = fit.fit(cov_type="HC1").bse[1]
    assert alone.high - alone.value == EXACT(stats.t.ppf(0.975, len(x) - 1) * error, rel=1e-9)


def test_the_partial_correlation_is_a_regression_with_a_constant_for_each_reviewer() -> None:
    given = opinions(reviewers=4)
    found = pair(given)
    assert found.basis is Basis.THESE_REVIEWERS and found.tested.value == found.partial.value
    x, y = (stats.rankdata(column) for column in (given.features["x"], given.aspects["y"]))
    dummies = np.eye(4)[given.reviewers]
    left, right = (sm.OLS(column, dummies).fit().resid for column in (x, y))
    assert found.partial.value == EXACT(stats.pearsonr(left, right).statistic, rel=1e-9)
    fit = sm.OLS(y, np.column_stack([x, dummies])).fit()
    t = fit.params[0] / cov_cluster(fit, given.cases)[0, 0] ** 0.5
    assert found.partial.p_value == EXACT(2 * stats.t.sf(abs(t), found.partial.clusters - 1), rel=1e-9)


def test_the_correction_is_that_of_statsmodels_and_skips_what_was_no_test() -> None:
    p_values = np.random.default_rng(1).uniform(0, 0.2, 25)
    wanted = multipletests(p_values, method="fdr_by")[1]
    assert benjamini_yekutieli([*p_values, None]) == [*(EXACT(p, rel=1e-12) for p in wanted), None]
    assert benjamini_yekutieli([]) == []


def test_few_opinions_say_so_with_their_number() -> None:
    given = opinions(n=9)
    assert [(one.status, one.n, one.adjusted) for one in correlate(given)] == [
        (PairStatus.INSUFFICIENT_DATA, 9, None)
    ] * 2


def test_constants_missing_values_and_infinities_end_in_a_reason() -> None:
    n, rng = 40, np.random.default_rng(3)
    y = rng.normal(size=n)
    gaps = rng.normal(size=n)
    gaps[:35], gaps[35] = np.nan, np.inf
    given = Opinions(
        {"same": np.full(n, 0.1), "gaps": gaps, "none": np.full(n, np.nan), "fine": rng.normal(size=n)},
        {"y": y, "all_approved": np.ones(n)},
        codes_of(["a", "b"] * 20),
        np.arange(n),
    )
    found = {(one.feature, one.aspect): one for one in correlate(given)}
    assert found["same", "y"].status is PairStatus.CONSTANT_FEATURE
    assert found["fine", "all_approved"].status is PairStatus.CONSTANT_ASPECT
    assert (found["gaps", "y"].status, found["gaps", "y"].n) == (PairStatus.INSUFFICIENT_DATA, 4)
    assert found["none", "y"].n == 0
    assert all(one.adjusted is None for one in found.values() if one.status is not PairStatus.MEASURED)


def test_one_reviewer_is_judged_by_the_cases_and_one_of_each_not_at_all() -> None:
    x = np.random.default_rng(4).normal(size=50)
    y = x + np.random.default_rng(5).normal(size=50)
    alone = np.zeros(50, np.int64)
    found = correlate(Opinions({"x": x}, {"y": y}, alone, np.arange(50)))[0]
    assert found.basis is Basis.THESE_REVIEWERS and 0 < found.adjusted < 1e-3
    nothing = correlate(Opinions({"x": x}, {"y": y}, alone, alone))[0]
    assert nothing.spearman.p_value < 1e-3 and nothing.tested.p_value is None and nothing.adjusted is None


def test_what_few_rows_carry_is_no_surer_than_if_all_were_independent() -> None:
    """Eight of eight where seven of ten are content: the clustered test finds no spread at all in the eight."""
    rare = np.arange(300) % 40 == 0
    said = np.where(rare | (np.arange(300) % 10 < 7), 1.0, 0.0)
    given = Opinions({"code": np.where(rare, 0.5, 0.0)}, {"satisfied": said}, np.arange(300) % 37, np.arange(300))
    found = pair(given, "code")
    assert found.clustered.p_value < 1e-6 and found.spearman.p_value > 0.05
    assert found.tested.p_value == EXACT(found.spearman.p_value, rel=1e-9)
    assert found.tested.low < 0 < found.tested.high and not found.significant and found.adjusted_pearson > 0.05


def test_a_feature_of_people_counts_once_for_each_of_them() -> None:
    who = np.repeat(np.arange(40), 10)
    liked = np.where((who < 6) | (who % 10 < 7), 1.0, 0.0)
    given = Opinions({"seats": np.where(who < 6, 5.0, 0.0)}, {"satisfied": liked}, who, np.arange(400))
    found = pair(given, "seats")
    assert found.independent == 40 and found.clustered.p_value < 1e-3 < 0.05 < found.tested.p_value


def test_no_p_value_is_made_up() -> None:
    x = np.arange(5_000.0)
    noisy = x + np.random.default_rng(6).normal(size=5_000)
    given = Opinions({"x": x}, {"same": 2 * x + 1, "nearly": noisy}, np.arange(5_000), np.arange(5_000))
    found = {one.aspect: one for one in correlate(given)}
    assert found["same"].spearman.p_value is None and found["same"].tested.p_value is None
    assert 0 < found["nearly"].tested.p_value < 1e-300 and found["nearly"].spearman.p_value > 0


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="equally long"):
        Opinions({"x": np.zeros(3)}, {}, np.zeros(2, np.int64), np.zeros(2, np.int64))
