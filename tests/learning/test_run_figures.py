"""Figures of training runs as people read them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from learning.pages.training_results import read_outcome
from learning.templatetags import runs


@pytest.mark.parametrize(
    ("given", "told"),
    [(0, "0 s"), (41.4, "41 s"), (100, "2 min"), (720, "12 min"), (3900, "65 min"), (7260, "2 h 1 min"), (None, "-")],
)
def test_a_duration_is_told_as_exactly_as_it_matters(given: Any, told: str) -> None:
    assert runs.seconds(given) == told


@pytest.mark.parametrize(
    ("given", "told"), [(0, "0"), (7, "7"), (680, "680"), (41_318, "41,000"), (1_250_000, "1,200,000"), ("x", "-")]
)
def test_an_estimate_has_no_digits_that_mean_nothing(given: Any, told: str) -> None:
    assert runs.rounded(given) == told


@pytest.mark.parametrize(
    ("given", "told"),
    [(Decimal("0E-8"), "0"), ("0.01230000", "0.0123"), (Decimal(100), "100"), (None, "-"), ("NaN", "-"), ("", "-")],
)
def test_money_has_the_digits_that_count(given: Any, told: str) -> None:
    assert runs.money(given) == told


@pytest.mark.parametrize(("given", "told"), [(0.042, "+4.2"), (-0.1, "-10"), (0.00001, "0"), (float("nan"), "-")])
def test_a_difference_of_scores_is_told_in_points(given: Any, told: str) -> None:
    assert runs.points(given) == told


def test_a_share_is_drawn_inside_of_its_bar() -> None:
    assert 'width="48.0"' in runs.share_bar(0.5)
    assert 'width="96.0"' in runs.share_bar(7)
    assert runs.share_bar(None) == ""


def test_a_long_trace_is_thinned_and_keeps_its_end() -> None:
    trace = [{"calls": n, "best": n / 1000, "variant": str(n)} for n in range(1000)]
    (line,) = read_outcome({"trace": trace}).trace
    assert len(line.points) <= 201
    assert line.points[-1] == (999.0, 99.9)
