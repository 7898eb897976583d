"""Figures of training runs as people read them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.template.loader import render_to_string

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


@pytest.mark.parametrize(
    ("given", "told"),
    [(0.95, "95 %"), (0.975, "97.5 %"), (0.9975, "99.75 %"), (1 - 0.05 / 2**14, "99.99 %"), ("", "-")],
)
def test_a_level_of_confidence_is_never_told_as_more_than_it_is(given: Any, told: str) -> None:
    assert runs.level(given) == told


def test_the_page_tells_the_level_to_its_last_digit() -> None:
    gain = {"mean": 0.7, "low": 0.06, "high": 0.935, "n": 10, "p_value": 0.016, "confidence": 0.9975}
    outcome = read_outcome({"verdict": "improved", "improvement": gain})
    assert outcome is not None
    assert outcome.gain is not None
    assert "99.75 % interval" in render_to_string("learning/_run_gain.html", {"outcome": outcome})


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


@pytest.mark.parametrize(
    ("found", "told"),
    [({}, (0, "0")), ({"worse_count": 1_800}, (1_800, "1,800")), ({"worse_count": -3}, (0, "0"))],
)
def test_what_got_worse_is_counted(found: Any, told: tuple[int, str]) -> None:
    outcome = read_outcome(found)
    assert (outcome.worse, outcome.worse_told) == told
