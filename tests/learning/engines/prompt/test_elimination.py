from __future__ import annotations

import random

import pytest

from learning.engines.prompt.elimination import RISK, is_worse, wealth


def test_a_bet_that_always_wins_grows_as_the_integral_says() -> None:
    # The mean over all bets b from 0 to 1 of (1 + b)^n is (2^(n + 1) - 1) / (n + 1); 32 bets come near.
    for n in (1, 5, 10):
        assert wealth([1.0] * n) == pytest.approx((2 ** (n + 1) - 1) / (n + 1), rel=0.01)


def test_nothing_is_won_on_ties_and_little_is_left_after_losses() -> None:
    assert wealth([]) == wealth([0.0] * 50) == pytest.approx(1.0)
    assert wealth([-1.0] * 5) < 0.2


def test_endless_wins_do_not_overflow() -> None:
    assert wealth([1.0] * 5000) > 1e100


def test_a_difference_outside_of_the_scores_is_refused() -> None:
    with pytest.raises(ValueError, match="between -1 and 1"):
        wealth([1.5])


def test_an_equal_variant_is_hardly_ever_dropped_however_often_one_looks() -> None:
    rng = random.Random(5)
    runs, dropped = 400, 0
    for _ in range(runs):
        leader, rival = ([float(rng.random() < 0.5) for _ in range(60)] for _ in range(2))
        dropped += any(is_worse(leader[:n], rival[:n], rivals=1) for n in range(1, 61))
    assert dropped / runs <= RISK + 3 * (RISK * (1 - RISK) / runs) ** 0.5


def test_a_clearly_worse_variant_is_dropped_soon_and_later_among_many() -> None:
    leader, rival = [1.0] * 20, [0.0] * 20
    first = {rivals: next(n for n in range(1, 21) if is_worse(leader[:n], rival[:n], rivals)) for rivals in (1, 20)}
    assert first[1] <= 5 < first[20] <= 12


def test_only_what_both_answered_counts() -> None:
    assert not is_worse([1.0] * 30, [0.0] * 3, rivals=1)
