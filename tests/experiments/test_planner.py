"""What a plan says that a difference costs."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.pages import planner
from experiments.pages.planner import Design, Planned, planned_of
from experiments.services.baselines import Baseline
from experiments.stats.planning import units_for_means, units_when_peeking

SATISFACTION = {"name": "satisfaction", "role": "success"}
NOBODY = Baseline(0, 0, None, None)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    """told(baseline, **design) -> the plan, for an agent that meets 100 users a day."""

    def plan(baseline: Baseline = NOBODY, **changes: Any) -> Planned:
        monkeypatch.setattr(planner, "baseline_of", lambda **asked: baseline)
        monkeypatch.setattr(planner, "units_a_day", lambda **asked: 100.0)
        usual = {"unit": "user", "metrics": [SATISFACTION], "shares": [0.5, 0.5], "taking": 1.0, "alpha": 0.05}
        return planned_of(Design(**{"agent": None, "planned_units": 2000} | usual | changes))

    return plan


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_without_outcomes_a_rate_spreads_as_far_as_it_can(told: Any) -> None:
    plan = told()
    fixed = units_for_means(0.5, 0.05)
    assert [cost.lift for cost in plan.costs] == ["3 points", "5 points", "10 points"]
    assert (plan.costs[1].fixed, plan.costs[1].peeking) == (f"{fixed:,}", f"{units_when_peeking(fixed):,}")
    assert number(plan.costs[1].days) == -(-units_when_peeking(fixed) // 100)
    assert "At most" in plan.basis


def test_net_satisfaction_spreads_twice_as_far_as_a_rate(told: Any) -> None:
    twice = told(metrics=[{"name": "net_satisfaction", "role": "success"}])
    assert number(twice.costs[0].fixed) == pytest.approx(4 * number(told().costs[0].fixed), abs=4)


def test_what_was_seen_counts_and_those_without_an_outcome_take_part_too(told: Any) -> None:
    plan = told(Baseline(1000, 250, 0.7, 0.4))
    assert number(plan.costs[0].fixed) == pytest.approx(4 * units_for_means(0.4, 0.03), abs=4)
    assert "250 of 1,000 users" in plan.basis and "70.0 %" in plan.basis


def test_a_rare_rate_and_a_mean_are_planned_by_parts_of_what_they_are(told: Any) -> None:
    rare = told(Baseline(900, 900, 0.04, 0.196), metrics=[{"name": "correction_rate", "role": "success"}])
    assert [cost.lift for cost in rare.costs] == ["0.4 points (10 %)", "1.0 points (25 %)", "2.0 points (50 %)"]
    slow = told(Baseline(900, 900, 800, 300), metrics=[{"name": "latency", "role": "success"}])
    assert [cost.lift for cost in slow.costs] == ["24 ms (3 %)", "40 ms (5 %)", "80 ms (10 %)"]


def test_a_mean_that_nobody_has_seen_costs_nobody_knows_what(told: Any) -> None:
    plan = told(metrics=[{"name": "latency", "role": "success"}])
    assert plan.costs == [] and plan.basis.startswith("Nobody can say yet")


def test_more_comparisons_smaller_arms_and_less_traffic_cost_more(told: Any) -> None:
    one = told().costs[1]
    two_metrics = told(metrics=[SATISFACTION, {"name": "accuracy", "role": "success"}]).costs[1]
    uneven = told(shares=[0.8, 0.2]).costs[1]
    three = told(shares=[0.34, 0.33, 0.33]).costs[1]
    assert number(two_metrics.fixed) > number(one.fixed)
    assert number(uneven.fixed) == pytest.approx(number(one.fixed) / (4 * 0.8 * 0.2), abs=2)
    assert number(three.fixed) > 1.5 * number(one.fixed)
    assert number(told(taking=0.25).costs[1].days) == pytest.approx(4 * number(one.days), abs=4)


def test_the_chance_at_the_planned_units_agrees_with_their_price(told: Any) -> None:
    enough = number(told().costs[1].peeking)
    assert told(planned_units=enough).chance == pytest.approx(80, abs=1)
    assert told(planned_units=enough // 10).chance < 30
