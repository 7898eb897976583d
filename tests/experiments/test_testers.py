"""Testers: one arm by hand, and counted nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.models import Experiment, Exposure, ForcedAssignment
from experiments.services.analysis import analyse_experiment
from experiments.services.assignment import config_for_user
from experiments.services.lifecycle import pause_experiment, stop_experiment
from experiments.services.testers import force_unit, release_unit
from learning.models import Agent
from organizations.errors import Conflict, Missing, Refused
from organizations.models import AuditEvent
from tests.experiments.audience import report, run_users


def someone_in(agent: Agent, variant: str) -> str:
    users = (f"tester-{number}" for number in range(100))
    return next(user for user in users if config_for_user(agent=agent, user_id=user).variant == variant)


def test_a_tester_gets_the_arm_and_is_not_exposed(agent: Agent, experiment: Experiment) -> None:
    user = someone_in(agent, "control")
    force_unit(experiment=experiment, unit=user, variant="treatment")
    served = config_for_user(agent=agent, user_id=user, expose=True)
    assert (served.variant, served.forced, served.propensity) == ("treatment", True, None)
    assert not Exposure.objects.exists()
    assert AuditEvent.objects.filter(action="experiment.tester_forced", target_id=str(experiment.pk)).count() == 1


def test_no_comparison_counts_a_tester_not_even_after_the_release(agent: Agent, experiment: Experiment) -> None:
    run_users(experiment, 40, {"control": 0.5, "treatment": 0.5})
    seen = config_for_user(agent=agent, user_id="user-0", expose=True)
    assert analyse_experiment(experiment=experiment).total_units == 40
    force_unit(experiment=experiment, unit="user-0", variant="treatment")
    force_unit(experiment=experiment, unit="new", variant="treatment")
    report(agent, [{"user_id": "new", "variant": "treatment"}])
    assert analyse_experiment(experiment=experiment).total_units == 39
    release_unit(experiment=experiment, unit="user-0")
    assert config_for_user(agent=agent, user_id="user-0").variant == seen.variant
    release_unit(experiment=experiment, unit="new")
    report(agent, [{"user_id": "new", "variant": "control"}])
    assert analyse_experiment(experiment=experiment).total_units == 39


def test_in_a_pause_testers_get_control_like_everybody(agent: Agent, experiment: Experiment) -> None:
    force_unit(experiment=experiment, unit="t", variant="treatment")
    pause_experiment(experiment=experiment)
    assert config_for_user(agent=agent, user_id="t").config == agent.serving_config


def test_it_takes_no_query_more(agent: Agent, experiment: Experiment, django_assert_num_queries: Any) -> None:
    force_unit(experiment=experiment, unit="t", variant="treatment")
    with django_assert_num_queries(1):
        config_for_user(agent=agent, user_id="t")


@pytest.mark.parametrize(
    ("unit", "variant", "error"),
    [("", "treatment", Refused), ("x" * 1_000_000, "treatment", Refused), ("t\x00", "treatment", Refused),
     ("t", "purple", Missing)],
)  # fmt: skip
def test_what_cannot_be_forced_is_refused(experiment: Experiment, unit: str, variant: str, error: Any) -> None:
    with pytest.raises(error):
        force_unit(experiment=experiment, unit=unit, variant=variant)
    assert not ForcedAssignment.objects.exists()


def test_after_the_end_nobody_is_forced(experiment: Experiment) -> None:
    stop_experiment(experiment=experiment)
    with pytest.raises(Conflict, match="stopped"):
        force_unit(experiment=experiment, unit="t", variant="treatment")


def test_testers_over_http(api: Any, experiment: Experiment) -> None:
    address = f"/api/learning/experiments/{experiment.pk}/testers"
    body = {"unit_id": "t", "variant": "treatment", "note": "Ada"}
    assert api.post(address, body, format="json").status_code == 201
    assert [(one["unit_id"], one["variant"], one["note"]) for one in api.get(address).json()["testers"]] == [
        ("t", "treatment", "Ada")
    ]
    assert api.post(address, {"unit_id": "x" * 1_000_000, "variant": "treatment"}, format="json").status_code == 400
    assert api.post(f"{address}/release", {"unit_id": "t"}, format="json").json() == {"testers": []}
    assert api.post(f"{address}/release", {"unit_id": "t"}, format="json").status_code == 404
