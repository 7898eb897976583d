"""The plan picks what is worth most in the time there is."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.sampling import Candidate, expected_seconds, plan_review

items = st.builds(
    Candidate,
    key=st.uuids().map(str),
    severity=st.floats(0, 1),
    uncertainty=st.floats(0, 1),
    seconds=st.floats(5, 600),
    cluster=st.sampled_from(["", "a", "b"]),
)


def test_severe_uncertain_and_short_items_come_first() -> None:
    plan = plan_review(
        [
            Candidate("mild", 0.1, 1, 60),
            Candidate("sure", 1, 0.1, 60),
            Candidate("long", 1, 1, 600),
            Candidate("best", 1, 1, 60),
        ],
        seconds=7200,
    )
    assert [pick.key for pick in plan.picks] == ["best", "long", "mild", "sure"]
    assert plan.seconds == 780


def test_near_duplicates_do_not_fill_the_plan() -> None:
    alike = [Candidate(f"alike {number}", 1, 1, 60, "alike") for number in range(5)]
    plan = plan_review([*alike, Candidate("other", 0.6, 1, 60)], seconds=120)
    assert [pick.key for pick in plan.picks] == ["alike 0", "other"]
    seen = plan_review([*alike, Candidate("other", 0.6, 1, 60)], seconds=60, seen={"alike": 3})
    assert [pick.key for pick in seen.picks] == ["other"]


@given(st.lists(items, max_size=30, unique_by=lambda one: one.key), st.floats(1, 3600))
def test_a_plan_never_takes_longer_than_there_is_time_and_takes_no_item_twice(made: Any, seconds: float) -> None:
    plan = plan_review(made, seconds=seconds)
    assert plan.seconds <= seconds + 1e-6
    assert len({pick.key for pick in plan.picks}) == len(plan.picks)
    left = seconds - plan.seconds
    taken = {pick.key for pick in plan.picks}
    assert all(one.seconds > left - 1e-6 for one in made if one.key not in taken)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(5, 20)), max_size=8))
def test_a_plan_is_worth_at_least_half_of_the_best_one_and_one_item(made: Any) -> None:
    candidates = [Candidate(str(number), *values) for number, values in enumerate(made)]
    plan = plan_review(candidates, seconds=60)
    best = max(
        sum(one.worth for one in chosen)
        for size in range(len(candidates) + 1)
        for chosen in itertools.combinations(candidates, size)
        if sum(one.seconds for one in chosen) <= 60
    )
    largest = max((one.worth for one in candidates), default=0)
    assert plan.value + largest >= best - 1e-9


def test_a_long_item_is_expected_to_take_longer_but_not_in_proportion() -> None:
    assert expected_seconds(400, median_seconds=90, median_characters=400) == 90
    assert expected_seconds(1600, median_seconds=90, median_characters=400) == 180
    assert expected_seconds(0, median_seconds=1, median_characters=400) == 5


@pytest.mark.parametrize("values", [(2, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, float("inf")), (float("nan"), 0, 1)])
def test_impossible_items_are_refused(values: Any) -> None:
    with pytest.raises(ValueError):
        Candidate("a", *values)
