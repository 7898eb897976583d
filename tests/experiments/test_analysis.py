"""From executions and feedback to a verdict."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from experiments.models import Analysis, Experiment, Exposure, MetricResult, UnitOutcome
from experiments.services import lifecycle
from experiments.services.analysis import analyse_experiment
from experiments.services.assignment import config_for_user, find_agent_to_serve
from experiments.services.deployments import deploy_config
from experiments.services.outcome_columns import layout_of
from experiments.services.outcomes import Outcomes, load_outcomes
from experiments.services.standing import create_aa
from experiments.tasks import analyse_running_experiments, due_experiments, is_due
from learning.models import Agent, Execution
from organizations.errors import Conflict
from tests import factories
from tests.clients_in_process import outside_scope
from tests.experiments.audience import rate, report, run_users

EVERY = [
    {"name": "net_satisfaction"},
    {"name": "satisfaction"},
    {"name": "accuracy"},
    {"name": "correction_rate"},
    {"name": "error_rate"},
    {"name": "latency"},
]


@pytest.fixture
def running(draft: Any) -> Experiment:
    """An experiment that measures everything."""
    return lifecycle.start_experiment(experiment=draft(metrics=EVERY))


def asks(experiment: Experiment, user: str, count: int = 1, **values: Any) -> list[Execution]:
    """The user asks `count` times with the config that the user is given."""
    agent = find_agent_to_serve(experiment.agent.external_id)
    served = config_for_user(agent=agent, user_id=user)
    row = {"user_id": user, "variant": served.variant, "config_id": served.config.pk} | values
    return report(agent, [row] * count)


def outcomes_of(experiment: Experiment) -> Outcomes:
    return load_outcomes(experiment=experiment, variants=list(experiment.variants.order_by("position")))


def only(experiment: Experiment) -> dict[str, list[float]]:
    """Each metric's outcomes of all arms together."""
    outcomes_of(experiment)
    rows = [row.values for row in UnitOutcome.objects.filter(experiment=experiment, crossed=False)]
    places = layout_of(experiment.metrics).places
    return {name: sorted(row[place[0]] for row in rows if row[place[0]] is not None) for name, place in places.items()}


def test_a_user_with_many_executions_is_one_unit(running: Experiment) -> None:
    first, second, third = asks(running, "a", 3, duration_ms=100)
    for execution in (first, second):
        rate(execution)
    rate(third, feedback_type="thumbs_down")
    found = only(running)
    assert found["satisfaction"] == [pytest.approx(2 / 3)]
    assert found["net_satisfaction"] == [pytest.approx(1 / 3)]
    assert found["latency"] == [100.0]


def test_users_without_a_rating_count_for_net_satisfaction_alone(running: Experiment) -> None:
    asks(running, "silent")
    found = only(running)
    assert (found["net_satisfaction"], found["satisfaction"], found["accuracy"]) == ([0.0], [], [])
    assert (found["correction_rate"], found["error_rate"], found["latency"]) == ([0.0], [0.0], [])


@pytest.mark.parametrize(
    ("feedback", "satisfaction", "net"),
    [
        ({"feedback_type": "thumbs_up"}, 1.0, 1.0),
        ({"feedback_type": "thumbs_down"}, 0.0, -1.0),
        ({"feedback_type": "star_rating", "rating": 5}, 1.0, 1.0),
        ({"feedback_type": "star_rating", "rating": 4}, 1.0, 1.0),
        ({"feedback_type": "star_rating", "rating": 3}, 0.0, 0.0),
        ({"feedback_type": "star_rating", "rating": 2}, 0.0, -1.0),
        ({"feedback_type": "thumbs_down", "rating": 5}, 0.0, -1.0),
    ],
)
def test_what_a_rating_is_worth(running: Experiment, feedback: dict[str, Any], satisfaction: float, net: float) -> None:
    rate(asks(running, "a")[0], **feedback)
    found = only(running)
    assert (found["satisfaction"], found["net_satisfaction"]) == ([satisfaction], [net])


def test_corrections_and_failures_are_shares_of_a_users_executions(running: Experiment) -> None:
    first, *_ = asks(running, "a", 3)
    asks(running, "a", status="failed")
    for text in ("better", "better still"):
        rate(first, feedback_type="correction", correction_text=text)
    found = only(running)
    assert (found["correction_rate"], found["error_rate"]) == ([0.25], [0.25])


def test_accuracy_is_the_applications_score_before_the_users_rating(running: Experiment) -> None:
    rate(asks(running, "rated")[0], feedback_type="detailed_feedback", accuracy=4)
    scored = asks(running, "scored", metadata={"score": {"accuracy": 1}})
    rate(scored[0], feedback_type="detailed_feedback", accuracy=1)
    assert only(running)["accuracy"] == [0.75, 1.0]


@pytest.mark.parametrize(
    "metadata",
    [
        {"score": {"accuracy": "1"}},
        {"score": {"accuracy": 2}},
        {"score": {"accuracy": -0.1}},
        {"score": {"accuracy": None}},
        {"score": {"accuracy": 10**400}},
        {"score": [1]},
        {"score": 1},
        {},
    ],
    ids=str,
)
def test_a_score_that_is_none_is_left_out(running: Experiment, metadata: Any) -> None:
    asks(running, "a", metadata=metadata)
    assert only(running)["accuracy"] == []


def test_executions_before_the_start_do_not_count(agent: Agent, draft: Any) -> None:
    report(agent, [{"user_id": "early", "variant": "treatment"}])
    experiment = lifecycle.start_experiment(experiment=draft())
    assert outcomes_of(experiment).units.total() == 0
    report(agent, [{"user_id": "early", "variant": config_for_user(agent=agent, user_id="early").variant}])
    assert outcomes_of(experiment).units.total() == 1


def test_executions_of_another_config_another_arm_or_nobody_do_not_count(agent: Agent, running: Experiment) -> None:
    other = running.variants.get(key="treatment").config
    report(
        agent,
        [
            {"user_id": "a", "variant": "control", "config_id": other.pk},
            {"user_id": "", "variant": "control"},
            {"user_id": "b", "variant": "unknown"},
            {"user_id": "c", "variant": ""},
        ],
    )
    assert outcomes_of(running).units.total() == 0


def test_reported_users_are_exposed_with_the_arm_they_were_assigned(agent: Agent, running: Experiment) -> None:
    mine = config_for_user(agent=agent, user_id="a").variant
    wrong = "control" if mine == "treatment" else "treatment"
    report(agent, [{"user_id": "a", "variant": wrong}])
    found = outcomes_of(running)
    assert Exposure.objects.get().variant.key == mine
    assert (found.crossed, found.units[mine]) == (1, 1)
    assert found.sums(mine, "net_satisfaction").n == 0


def test_a_user_seen_in_several_arms_is_counted_and_left_out(agent: Agent, running: Experiment) -> None:
    for user in ("a", "b", "c"):
        asks(running, user)
    mine = config_for_user(agent=agent, user_id="a").variant
    report(agent, [{"user_id": "a", "variant": "control" if mine == "treatment" else "treatment"}])
    found = outcomes_of(running)
    assert (found.crossed, found.units.total()) == (1, 3)
    assert sum(found.sums(arm, "net_satisfaction").n for arm in ("control", "treatment")) == 2


def test_users_in_several_arms_block_the_verdict(agent: Agent, running: Experiment) -> None:
    run_users(running, 300, {"control": 0.2, "treatment": 0.9})
    before = analyse_experiment(experiment=running)
    mine = config_for_user(agent=agent, user_id="user-0").variant
    wrong = "control" if mine == "treatment" else "treatment"
    report(agent, [{"user_id": f"user-{number}", "variant": wrong} for number in range(300)])
    after = analyse_experiment(experiment=running)
    assert (before.crossed_alarm, after.crossed_alarm) == (False, True)
    assert "several arms" in after.sentence and "several arms" not in before.sentence


def test_users_are_exposed_while_somebody_looks(running: Experiment) -> None:
    with CaptureQueriesContext(connection) as queries:
        analyse_experiment(experiment=running)
    locks = [query["sql"] for query in queries if "FOR " in query["sql"] and "UPDATE" in query["sql"]]
    assert locks and all("FOR NO KEY UPDATE" in lock for lock in locks), "an exposure's foreign key would wait"


def test_users_outside_of_the_traffic_are_not_counted(agent: Agent, draft: Any) -> None:
    experiment = lifecycle.start_experiment(experiment=draft(traffic=1))
    report(agent, [{"user_id": f"user-{number}", "variant": "control"} for number in range(300)])
    assert outcomes_of(experiment).units.total() < 15


def test_a_clear_difference_ends_in_a_verdict_for_the_treatment(experiment: Experiment) -> None:
    run_users(experiment, 500, {"control": 0.4, "treatment": 0.8})
    analysis = analyse_experiment(experiment=experiment)
    assert (analysis.verdict, analysis.winner.key) == ("treatment", "treatment")
    assert analysis.units.keys() == {"control", "treatment"} and analysis.total_units == 500
    row = analysis.results.get(metric="net_satisfaction")
    assert row.p < 1e-6 and 0.4 < row.low < row.lift < row.high < 1.2
    assert row.lift == pytest.approx(row.treatment_mean - row.control_mean)
    assert analysis.quality["rated"]["units"] == analysis.units
    assert "net satisfaction" in analysis.sentence


def test_two_equal_arms_stay_inconclusive(experiment: Experiment) -> None:
    run_users(experiment, 400, {"control": 0.6, "treatment": 0.6})
    analysis = analyse_experiment(experiment=experiment)
    assert (analysis.verdict, analysis.winner) == ("inconclusive", None)
    assert analysis.units_needed is None or analysis.units_needed > 0
    assert "Inconclusive: net satisfaction is" in analysis.sentence


def test_a_harmful_treatment_loses(experiment: Experiment) -> None:
    run_users(experiment, 400, {"control": 0.8, "treatment": 0.3})
    assert analyse_experiment(experiment=experiment).verdict == "control"


def test_before_the_minimum_of_users_nobody_wins(draft: Any) -> None:
    experiment = lifecycle.start_experiment(experiment=draft(minimum_units=1000, planned_units=1000))
    run_users(experiment, 300, {"control": 0.2, "treatment": 0.9})
    analysis = analyse_experiment(experiment=experiment)
    assert analysis.verdict == "inconclusive"
    assert analysis.missing == ["700 more users (the minimum is 1,000)"]


def test_the_p_value_is_the_smallest_of_all_looks(experiment: Experiment) -> None:
    run_users(experiment, 200, {"control": 0.45, "treatment": 0.75})
    strong = analyse_experiment(experiment=experiment).results.get(metric="net_satisfaction")
    run_users(experiment, 300, {"control": 0.9, "treatment": 0.7}, before="later")
    weak = analyse_experiment(experiment=experiment).results.get(metric="net_satisfaction")
    assert abs(weak.lift) < abs(strong.lift)
    assert weak.p == strong.p < 0.05
    assert [row.number for row in Analysis.objects.order_by("number")] == [1, 2]


def test_a_broken_split_raises_an_alarm_that_stays(experiment: Experiment) -> None:
    control, treatment = experiment.variants.order_by("position")
    Exposure.objects.bulk_create(
        Exposure(experiment=experiment, variant=control if number % 10 < 7 else treatment, unit=f"forced-{number}")
        for number in range(400)
    )
    assert analyse_experiment(experiment=experiment).sample_ratio_alarm
    Exposure.objects.bulk_create(
        Exposure(experiment=experiment, variant=treatment, unit=f"late-{number}") for number in range(160)
    )
    later = analyse_experiment(experiment=experiment)
    assert later.sample_ratio_alarm and "shares" in later.sentence


def test_an_experiment_without_anybody_is_looked_at_in_peace(experiment: Experiment) -> None:
    analysis = analyse_experiment(experiment=experiment)
    assert (analysis.verdict, analysis.total_units, analysis.sample_ratio_p) == ("inconclusive", 0, None)
    assert MetricResult.objects.get(metric="error_rate").lift is None


def test_nothing_is_found_any_more_after_the_end(experiment: Experiment) -> None:
    stale = Experiment.objects.get(pk=experiment.pk)
    verdict = lifecycle.complete_experiment(experiment=experiment)
    for look in (analyse_experiment, lifecycle.look_again):
        with pytest.raises(Conflict, match="completed"):
            look(experiment=stale)
    assert Analysis.objects.get() == verdict


def test_what_was_found_can_be_added_to_and_never_changed(experiment: Experiment) -> None:
    analyse_experiment(experiment=experiment)
    for rows in (Analysis.objects.all(), MetricResult.objects.all()):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            rows.update(created_at=timezone.now())


def test_beat_looks_at_what_runs_and_is_due(experiment: Experiment) -> None:
    with outside_scope():
        assert analyse_running_experiments() == 1
        assert analyse_running_experiments() == 0
    lifecycle.pause_experiment(experiment=experiment)
    assert Analysis.objects.count() == 1


def test_looks_thin_out_with_age(monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    monkeypatch.setattr("experiments.tasks.timezone", SimpleNamespace(now=lambda: now))
    for age, waited, due in (
        (timedelta(minutes=5), timedelta(minutes=1), True),
        (timedelta(days=1), timedelta(minutes=1), False),
        (timedelta(days=1), timedelta(minutes=30), True),
        (timedelta(days=60), timedelta(minutes=59), False),
        (timedelta(days=60), timedelta(minutes=61), True),
    ):
        assert is_due(now - age, now - waited) is due


def test_what_is_due_is_found_by_one_query_however_much_runs(experiment: Experiment) -> None:
    analyse_experiment(experiment=experiment)
    others = []
    for _ in range(3):
        other = factories.make_agent()
        deploy_config(agent=other, config=factories.make_config(other))
        other.refresh_from_db()
        others.append(lifecycle.start_experiment(experiment=create_aa(agent=other)))
        with CaptureQueriesContext(connection) as queries:
            assert set(due_experiments()) == {one.pk for one in others}
        assert len(queries) == 1
