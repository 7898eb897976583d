"""Putting a config before users and taking it back."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from experiments.models import Deployment, DeploymentEvent, Experiment
from experiments.services import lineage, overview
from experiments.services.assignment import config_for_user
from experiments.services.creation import halves
from experiments.services.deployments import deploy_config, promote_deployment, rollback_deployment
from experiments.services.lifecycle import complete_experiment, start_experiment
from experiments.services.winner import deploy_winner
from learning.models import Agent, AgentConfig
from organizations.errors import Conflict, Refused
from organizations.models import AuditEvent, Organization
from organizations.transitions import move
from tests import factories
from tests.experiments.audience import run_users


def served(agent: Agent) -> AgentConfig:
    agent.refresh_from_db()
    return config_for_user(agent=agent, user_id="user-1").config


def kinds(deployment: Deployment) -> list[str]:
    return list(deployment.events.order_by("id").values_list("kind", flat=True))


def test_a_deployment_serves_everybody_and_one_click_returns_to_the_config_before(
    agent: Agent, candidate: AgentConfig
) -> None:
    before = agent.serving_config
    first = Deployment.objects.get(agent=agent)
    second = deploy_config(agent=agent, config=candidate)
    assert served(agent) == candidate
    rollback_deployment(deployment=second, reason="complaints")
    assert served(agent) == before
    first.refresh_from_db()
    assert (first.status, second.status) == ("serving", "rolled_back")
    assert kinds(first) == ["deployed", "superseded", "restored"]
    assert kinds(second) == ["deployed", "rolled_back"]
    assert second.events.get(kind="rolled_back").note == "complaints"
    assert AuditEvent.objects.filter(action="deployment.rolled_back").exists()


def test_rolling_back_twice_walks_back_twice(agent: Agent, candidate: AgentConfig) -> None:
    first = agent.serving_config
    second = deploy_config(agent=agent, config=candidate)
    third = deploy_config(agent=agent, config=factories.make_config(agent))
    rollback_deployment(deployment=third)
    assert served(agent) == candidate
    rollback_deployment(deployment=Deployment.objects.get(pk=second.pk))
    assert served(agent) == first


def test_the_first_deployment_has_nothing_to_return_to(agent: Agent) -> None:
    with pytest.raises(Conflict, match="no config to return to"):
        rollback_deployment(deployment=Deployment.objects.get(agent=agent))
    assert served(agent) is not None


def test_what_no_longer_serves_cannot_be_rolled_back(agent: Agent, candidate: AgentConfig) -> None:
    first = Deployment.objects.get(agent=agent)
    second = deploy_config(agent=agent, config=candidate)
    rollback_deployment(deployment=second)
    with pytest.raises(Conflict):
        rollback_deployment(deployment=second)
    third = deploy_config(agent=agent, config=candidate)
    assert third != second
    with pytest.raises(Conflict):
        rollback_deployment(deployment=Deployment.objects.get(pk=first.pk))


def test_what_was_retired_meanwhile_gets_no_more_users_and_may_lose_some(agent: Agent, candidate: AgentConfig) -> None:
    ramping = deploy_config(agent=agent, config=candidate, share=10)
    move(AgentConfig.objects.get(pk=candidate.pk), "retired")
    for share in (100, 20):
        with pytest.raises(Conflict, match="retired"):
            promote_deployment(deployment=ramping, share=share)
    assert promote_deployment(deployment=ramping, share=5).coverage == 500


def test_a_share_is_promoted_to_everybody(agent: Agent, candidate: AgentConfig) -> None:
    before = agent.serving_config
    deployment = deploy_config(agent=agent, config=candidate, share=5)
    assert (deployment.status, deployment.share) == ("ramping", 5)
    agent.refresh_from_db()
    assert agent.serving_config == before
    promote_deployment(deployment=deployment, share=50)
    promote_deployment(deployment=deployment)
    assert (deployment.status, deployment.share, served(agent)) == ("serving", 100, candidate)
    assert kinds(deployment) == ["deployed", "promoted", "promoted"]
    shares = AuditEvent.objects.filter(target_id=str(deployment.pk), after__has_key="share").order_by("id")
    assert [(event.action, event.after["share"]) for event in shares] == [
        ("deployment.created", 5),
        ("deployment.promoted", 50),
    ]
    rollback_deployment(deployment=deployment)
    assert served(agent) == before


def test_a_share_can_be_taken_back_too(agent: Agent, candidate: AgentConfig) -> None:
    before = agent.serving_config
    deployment = deploy_config(agent=agent, config=candidate, share=99)
    rollback_deployment(deployment=deployment)
    assert served(agent) == before
    assert Deployment.objects.get(status="serving").config == before


def test_a_newer_deployment_replaces_one_that_ramps(agent: Agent, candidate: AgentConfig) -> None:
    ramping = deploy_config(agent=agent, config=candidate, share=5)
    deploy_config(agent=agent, config=factories.make_config(agent), share=10)
    ramping.refresh_from_db()
    assert ramping.status == "superseded"
    with pytest.raises(Conflict, match="share of the users"):
        promote_deployment(deployment=ramping)


def test_an_unapproved_config_cannot_be_deployed(agent: Agent) -> None:
    for status in ("draft", "candidate", "retired"):
        with pytest.raises(Conflict, match="must pass the gate"):
            deploy_config(agent=agent, config=factories.make_config(agent, status=status))


def test_impossible_deployments_are_refused(agent: Agent, candidate: AgentConfig) -> None:
    for share in (0, -1, 100.5, 0.001):
        with pytest.raises(Refused):
            deploy_config(agent=agent, config=candidate, share=share)
    with pytest.raises(Refused, match="another agent"):
        deploy_config(agent=agent, config=factories.make_config(factories.make_agent()))
    with pytest.raises(Conflict, match="already"):
        deploy_config(agent=agent, config=agent.serving_config)


def test_nothing_is_deployed_beside_a_running_experiment(agent: Agent, experiment: Experiment) -> None:
    with pytest.raises(Conflict, match="experiment runs"):
        deploy_config(agent=agent, config=factories.make_config(agent))


def test_a_rollback_ends_an_experiment_that_has_the_config_as_an_arm(agent: Agent, draft: Any) -> None:
    bad = factories.make_config(agent)
    deployment = deploy_config(agent=agent, config=bad)
    agent.refresh_from_db()
    experiment = start_experiment(experiment=draft(arms=halves(candidate=factories.make_config(agent), control=bad)))
    rollback_deployment(deployment=deployment)
    experiment.refresh_from_db()
    assert experiment.status == "stopped"
    assert served(agent) != bad


def test_deploying_the_winner_is_a_click_after_the_verdict(
    agent: Agent, candidate: AgentConfig, experiment: Experiment
) -> None:
    with pytest.raises(Conflict, match="No treatment has won"):
        deploy_winner(experiment=experiment)
    experiment.refresh_from_db()
    assert experiment.status == "running"
    run_users(experiment, 400, {"control": 0.3, "treatment": 0.9})
    deployment = deploy_winner(experiment=experiment)
    experiment.refresh_from_db()
    assert (experiment.status, deployment.experiment, deployment.share) == ("completed", experiment, 100)
    assert served(agent) == candidate


def test_a_completed_experiment_can_deploy_its_winner_later_and_by_share(
    agent: Agent, candidate: AgentConfig, experiment: Experiment
) -> None:
    run_users(experiment, 400, {"control": 0.3, "treatment": 0.9})
    complete_experiment(experiment=experiment)
    assert deploy_winner(experiment=experiment, share=25).status == "ramping"


def test_the_history_can_be_added_to_and_never_changed(agent: Agent) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        DeploymentEvent.objects.update(note="it never happened")


def test_the_dashboard_and_the_lineage_read_what_there_is(
    agent: Agent, candidate: AgentConfig, experiment: Experiment, scope: Organization
) -> None:
    assert overview.active_experiments() == 1
    assert overview.recent_experiments() == [experiment]
    assert [row.config for row in overview.serving_deployments()] == [agent.serving_config]
    assert lineage.experiments_of(candidate) == [experiment]
    assert [row.status for row in lineage.deployments_of(agent.serving_config)] == ["serving"]
