"""Which candidates fit which conditions, and which of several rules decides."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learning.engines.rules import (
    Candidate,
    ConditionRefused,
    Conditions,
    Rule,
    first_fitting,
    is_sampled,
    read_conditions,
)

LIKED = Candidate("x1", feedback_type="thumbs_up")
KNOWN = {"opinion": ["positive", "negative"], "status": ["completed", "failed"], "feedback_types": ["thumbs_up"]}


@pytest.mark.parametrize(
    ("conditions", "fits", "fits_not"),
    [
        ({"opinion": "positive"}, {"feedback_type": "thumbs_up"}, {"feedback_type": "thumbs_down"}),
        ({"opinion": "positive"}, {"rating": 4}, {"rating": 3}),
        ({"opinion": "positive"}, {"rating": 5}, {"feedback_type": "thumbs_down", "rating": 5}),
        ({"opinion": "negative"}, {"rating": 2}, {"rating": 3}),
        ({"opinion": "negative"}, {"feedback_type": "report_issue"}, {"feedback_type": "detailed_feedback"}),
        ({"feedback_types": ["thumbs_up"]}, {"feedback_type": "thumbs_up"}, {"feedback_type": "star_rating"}),
        ({"rating_min": 2, "rating_max": 3}, {"rating": 2}, {"rating": 4}),
        ({"rating_min": 1}, {"rating": 1}, {}),
        ({"issue_categories": ["tone", "unsafe"]}, {"issue_categories": ("unsafe",)}, {"issue_categories": ("other",)}),
        ({"has_comment": True}, {"has_comment": True}, {}),
        ({"has_comment": False}, {}, {"has_comment": True}),
        ({"disagreement": True}, {"ups": 1, "downs": 2}, {"ups": 3}),
        ({"status": "failed"}, {"status": "failed"}, {"status": "completed"}),
        ({"confidence_below": 0.5}, {"confidence": 0.4}, {"confidence": 0.5}),
        ({"confidence_below": 0.5}, {"confidence": 0.0}, {}),
        ({"duration_above_ms": 100}, {"duration_ms": 101.0}, {"duration_ms": 100.0}),
        ({"slow": True}, {"duration_ms": 9.0, "slow_above": 8.0}, {"duration_ms": 8.0, "slow_above": 8.0}),
        ({"slow": True}, {"duration_ms": 9.0, "slow_above": 8.0}, {"duration_ms": 9.0}),
    ],
)
def test_a_condition_holds_for_what_it_names_alone(
    conditions: dict[str, Any], fits: dict[str, Any], fits_not: dict[str, Any]
) -> None:
    read = read_conditions(conditions, known={})
    assert read.hold(Candidate("a", **fits))
    assert not read.hold(Candidate("a", **fits_not))


@pytest.mark.parametrize(
    ("conditions", "field"),
    [
        ({"colour": "red"}, "colour"), ({"rating_min": 6}, "rating_min"), ({"rating_min": True}, "rating_min"),
        ({"rating_min": 4, "rating_max": 2}, "rating_max"), ({"sample": 1.5}, "sample"), ({"sample": "1"}, "sample"),
        ({"status": "running"}, "status"), ({"opinion": "none"}, "opinion"), ({"has_comment": 1}, "has_comment"),
        ({"feedback_types": "thumbs_up"}, "feedback_types"), ({"feedback_types": ["shrug"]}, "feedback_types"),
        ({"confidence_below": float("nan")}, "confidence_below"), ({"duration_above_ms": -1}, "duration_above_ms"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_refused_with_its_field(conditions: dict[str, Any], field: str) -> None:
    with pytest.raises(ConditionRefused) as refusal:
        read_conditions(conditions, known=KNOWN)
    assert refusal.value.field == field


def test_conditions_are_kept_as_what_is_asked_for() -> None:
    asked = {"opinion": "positive", "rating_min": 4, "sample": 0.5, "feedback_types": ["thumbs_up"]}
    assert read_conditions(asked | {"slow": False, "status": None}, known=KNOWN).as_json() == asked


def test_the_first_rule_that_fits_decides() -> None:
    all_liked = Rule("1", "positive", Conditions(opinion="positive"))
    commented = Rule("2", "edge_case", Conditions(has_comment=True))
    both = Candidate("x", feedback_type="thumbs_up", has_comment=True)
    assert first_fitting([all_liked, commented], both, "agent", "k") == all_liked
    assert first_fitting([commented, all_liked], both, "agent", "k") == commented
    assert first_fitting([commented], LIKED, "agent", "k") is None


def test_a_rule_looks_at_its_own_agent_and_at_what_came_after_it_was_switched_on() -> None:
    rule = Rule("1", "positive", Conditions(opinion="positive"), agent="mine", since="k5")
    assert rule.fits(LIKED, "mine", "k5")
    assert not rule.fits(LIKED, "other", "k5")
    assert not rule.fits(LIKED, "mine", "k4")


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_who_is_in_a_small_sample_is_in_every_larger_one(key: str, one: float, other: float) -> None:
    small, large = sorted([one, other])
    assert is_sampled(key, 1.0)
    assert not is_sampled(key, 0.0)
    assert not is_sampled(key, small) or is_sampled(key, large)


def test_a_sample_takes_its_share_and_two_rules_take_different_ones() -> None:
    taken = {salt: {n for n in range(4000) if is_sampled(str(n), 0.25, salt)} for salt in "ab"}
    assert all(900 < len(chosen) < 1100 for chosen in taken.values())
    assert 150 < len(taken["a"] & taken["b"]) < 350
