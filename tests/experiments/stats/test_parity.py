"""The same numbers as tea-tasting, scipy and statsmodels, on real experiments. See tests/data/experiments."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
import scipy

from experiments.stats.fixed import welch, z_test
from experiments.stats.moments import SampleMoments
from experiments.stats.relative import relative_interval, relative_lift
from experiments.stats.scores import Comparison, compare
from experiments.stats.sufficient import Stratum, Sums

DATA = Path(__file__).parents[2] / "data" / "experiments"
ORACLES = json.loads((DATA / "oracles.json").read_text())
CLOSE = {"rel": 1e-9, "abs": 1e-12}


def read(name: str) -> dict[str, np.ndarray]:
    with (DATA / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0] if key != "experiment_id"}


NSW = read("nsw.csv")
TREATED = NSW["treat"] == 1


def nsw(*columns: str, parts: int = 3, ratio: bool = False) -> Comparison:
    """The comparison from sums that were added in parts, around an origin near the values."""
    rows, origin = np.column_stack([NSW[column] for column in columns]), tuple(5000.0 for _ in columns)
    arms = {}
    for arm, mask in (("control", ~TREATED), ("treatment", TREATED)):
        arms[arm] = Sums.empty(origin)
        for part in np.array_split(rows[mask], parts):
            arms[arm] += Sums.of(part, origin)
    strata = [Stratum({"control": 0.6, "treatment": 0.4}, arms)]
    return compare(strata, "control", "treatment", ratio=ratio)


@pytest.mark.parametrize(
    ("name", "columns"), [("mean", ["re78"]), ("cuped", ["re78", "re75"]), ("ratio", ["re78", "educ"])]
)
def test_estimates_are_those_of_tea_tasting(name, columns):
    comparison = nsw(*columns, ratio=name == "ratio")
    oracle, test = ORACLES[name], welch(comparison, alpha=0.05)
    assert comparison.control == pytest.approx(oracle["control"], **CLOSE)
    assert comparison.treatment == pytest.approx(oracle["treatment"], **CLOSE)
    assert comparison.difference.estimate == pytest.approx(oracle["effect_size"], **CLOSE)
    assert (test.interval.low, test.interval.high) == pytest.approx(
        (oracle["effect_size_ci_lower"], oracle["effect_size_ci_upper"]), **CLOSE
    )
    assert (test.statistic, test.p) == pytest.approx((oracle["statistic"], oracle["pvalue"]), **CLOSE)
    assert relative_lift(comparison) == pytest.approx(oracle["rel_effect_size"], **CLOSE)


@pytest.mark.parametrize(("name", "columns"), [("mean_z", ["re78"]), ("ratio_z", ["re78", "educ"])])
def test_large_sample_intervals_are_those_of_tea_tasting(name, columns):
    comparison = nsw(*columns, ratio=name == "ratio_z")
    oracle, test = ORACLES[name], z_test(comparison, alpha=0.05)
    assert test.p == pytest.approx(oracle["pvalue"], **CLOSE)
    assert test.interval.low == pytest.approx(oracle["effect_size_ci_lower"], **CLOSE)
    relative = relative_interval(comparison, alpha=0.05)
    expected = (oracle["rel_effect_size_ci_lower"], oracle["rel_effect_size_ci_upper"])
    assert (relative.low, relative.high) == pytest.approx(expected, **CLOSE)


def test_the_difference_is_that_of_statsmodels_and_scipy():
    from statsmodels.stats.weightstats import CompareMeans  # not by every process of the suite

    comparison, test = nsw("re78"), welch(nsw("re78"), alpha=0.05)
    theirs = CompareMeans.from_data(NSW["re78"][TREATED], NSW["re78"][~TREATED])
    assert (test.statistic, test.p, test.degrees) == pytest.approx(theirs.ttest_ind(usevar="unequal"), **CLOSE)
    assert test.interval.low == pytest.approx(theirs.tconfint_diff(usevar="unequal")[0], **CLOSE)
    scipys = scipy.stats.ttest_ind(NSW["re78"][TREATED], NSW["re78"][~TREATED], equal_var=False)
    assert (test.statistic, test.p) == pytest.approx((scipys.statistic, scipys.pvalue), **CLOSE)
    assert comparison.units == 445


def test_every_snapshot_of_real_experiments_is_welchs_test():
    data = read("asos.csv")
    names = ("mean_t", "variance_t", "count_t", "mean_c", "variance_c", "count_c")
    mean_t, variance_t, count_t, mean_c, variance_c, count_c = (data[name] for name in names)
    theirs = scipy.stats.ttest_ind_from_stats(
        mean_t, np.sqrt(variance_t), count_t, mean_c, np.sqrt(variance_c), count_c, equal_var=False
    )
    assert len(mean_t) == 305
    for row in range(0, 305, 5):
        arms = {
            "c": sums_of(count_c[row], mean_c[row], variance_c[row]),
            "t": sums_of(count_t[row], mean_t[row], variance_t[row]),
        }
        ours = welch(compare([Stratum({"c": 0.5, "t": 0.5}, arms)], "c", "t"), alpha=0.05)
        assert (ours.statistic, ours.p) == pytest.approx((theirs.statistic[row], theirs.pvalue[row]), rel=1e-9)


def sums_of(count: float, mean: float, variance: float) -> Sums:
    """The sums of units of which only the moments are known, around their mean."""
    moments = SampleMoments(int(count), mean, variance * (count - 1))
    return Sums((mean,), moments.n, (0.0,), (moments.m2,))


def test_covariates_that_say_nothing_change_nothing_and_good_ones_narrow():
    plain = nsw("re78").difference
    assert nsw("re78", "re75").difference.standard_error < plain.standard_error
    two = nsw("re78", "re75", "re74", "age")
    assert math.isfinite(two.difference.estimate) and two.difference.standard_error < plain.standard_error
    NSW["constant"] = np.full(445, 7.0)
    assert nsw("re78", "constant").difference.estimate == pytest.approx(plain.estimate, **CLOSE)
    twice = nsw("re78", "re75", "re75").difference
    assert twice.estimate == pytest.approx(nsw("re78", "re75").difference.estimate, rel=1e-9)
