"""Agreement on real ratings equals what the reference implementations say."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pytest

from annotation import agreement

DATA = Path(__file__).parent.parent / "data" / "agreement"
CODES = {"": np.nan, "Reject": 0.0, "Accept": 1.0}
FILES = ("edits", "messiness", "newsroom")
# By irrCAC 0.4.4, CAC(frame, weights=..., digits=15).gwet(); that package needs a scipy that the product does not have.
AC2_BY_IRRCAC = {
    ("edits", "identity"): 0.351992397264657,
    ("edits", "linear"): 0.351992397264657,
    ("edits", "quadratic"): 0.351992397264657,
    ("messiness", "identity"): 0.156536931894758,
    ("messiness", "linear"): 0.528134323992276,
    ("messiness", "quadratic"): 0.730248772303105,
    ("newsroom", "identity"): 0.14764162111614,
    ("newsroom", "linear"): 0.426580871709143,
    ("newsroom", "quadratic"): 0.618802579684144,
}


def read(name: str) -> Any:
    """The ratings of an extract: (raters, items)."""
    with (DATA / f"{name}.csv").open(newline="") as file:
        rows = [row[1:] for row in csv.reader(file)][1:]
    return np.array([[CODES[cell] if cell in CODES else float(cell) for cell in row] for row in rows]).T


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
@pytest.mark.parametrize("name", FILES)
def test_alpha_equals_the_krippendorff_package(name: str, level: Any) -> None:
    ratings = read(name)
    wanted = krippendorff.alpha(reliability_data=ratings, level_of_measurement=level)
    assert agreement.krippendorff_alpha(ratings, level) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize(("weights", "wt"), [("identity", None), ("linear", "linear"), ("quadratic", "quadratic")])
@pytest.mark.parametrize("name", FILES)
def test_cohens_kappa_equals_statsmodels_for_every_pair(name: str, weights: Any, wt: Any) -> None:
    from statsmodels.stats import inter_rater  # not by every process of the suite

    for one, other in itertools.combinations(read(name), 2):
        both = ~np.isnan(one) & ~np.isnan(other)
        values = np.unique(np.concatenate([one[both], other[both]]))
        table = np.array([[((one == a) & (other == b)).sum() for b in values] for a in values])
        # Statsmodels weighs by place in the table; ours by value, so that a value nobody used leaves its gap.
        wanted = inter_rater.cohens_kappa(
            table, weights=None if wt is None else agreement_distance(values, wt), return_results=False
        )
        assert agreement.cohen_kappa(one, other, weights) == pytest.approx(wanted, abs=1e-9)


def agreement_distance(values: Any, wt: str) -> Any:
    apart = np.abs(values[:, None] - values)
    return apart if wt == "linear" else apart**2


@pytest.mark.parametrize("name", ["messiness", "newsroom"])
def test_fleiss_kappa_equals_statsmodels(name: str) -> None:
    from statsmodels.stats import inter_rater  # not by every process of the suite

    ratings = read(name)
    whole = ratings[:, ~np.isnan(ratings).any(axis=0)]
    table, _ = inter_rater.aggregate_raters(whole.T.astype(int))
    assert agreement.fleiss_kappa(ratings) == pytest.approx(inter_rater.fleiss_kappa(table), abs=1e-9)


@pytest.mark.parametrize(("name", "weights"), list(AC2_BY_IRRCAC))
def test_ac2_equals_its_reference_implementation(name: str, weights: Any) -> None:
    assert agreement.gwet_ac2(read(name), weights) == pytest.approx(AC2_BY_IRRCAC[name, weights], abs=1e-9)


def test_perfect_agreement_is_one_and_opposite_raters_are_below_zero() -> None:
    same = np.array([[0, 1, 2, 1], [0, 1, 2, 1]], float)
    opposite = np.array([[0, 1, 0, 1], [1, 0, 1, 0]], float)
    for coefficient in (agreement.krippendorff_alpha, agreement.fleiss_kappa, agreement.gwet_ac2):
        assert coefficient(same) == pytest.approx(1)
        assert coefficient(opposite) < 0


@pytest.mark.parametrize(
    "ratings",
    [
        np.array([[1.0, 1.0], [1.0, 1.0]]),  # nothing to tell chance from agreement by
        np.array([[1.0, np.nan], [np.nan, 2.0]]),  # nothing rated twice
        np.full((2, 2), np.nan),
        np.zeros((2, 0)),
    ],
)
def test_what_cannot_be_computed_is_nan(ratings: Any) -> None:
    assert np.isnan(agreement.krippendorff_alpha(ratings))
    assert np.isnan(agreement.fleiss_kappa(ratings))
    assert np.isnan(agreement.gwet_ac2(ratings))
    assert np.isnan(agreement.cohen_kappa(*ratings))
    assert np.isnan(agreement.bootstrap_interval(agreement.gwet_ac2, ratings, np.random.default_rng(1)).low)


def test_the_bootstrap_interval_holds_the_true_agreement_about_as_often_as_it_says() -> None:
    """Raters who copy a hidden value with probability 0.8: the large-sample alpha lies in most of the intervals."""
    rng = np.random.default_rng(7)

    def draw(items: int) -> Any:
        hidden = rng.integers(0, 2, items)
        return np.where(rng.random((3, items)) < 0.8, hidden, rng.integers(0, 2, (3, items))).astype(float)

    truth = agreement.krippendorff_alpha(draw(200_000))
    runs = 120
    intervals = [
        agreement.bootstrap_interval(agreement.krippendorff_alpha, draw(100), rng, resamples=100) for _ in range(runs)
    ]
    held = sum(interval.low <= truth <= interval.high for interval in intervals)
    assert 0.87 <= held / runs <= 0.99, held / runs
