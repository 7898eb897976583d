"""Which config a user gets."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections

from experiments.bucketing import assign, takes_part
from experiments.models import Experiment, Exposure
from experiments.models.experiments import split_of
from experiments.services.assignment import config_for_user, find_agent_to_serve
from experiments.services.creation import create_experiment, halves
from experiments.services.deployments import deploy_config, promote_deployment
from experiments.services.lifecycle import pause_experiment, resume_experiment, start_experiment, stop_experiment
from learning.models import Agent, AgentConfig
from organizations.errors import Missing, Refused
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

USERS = [f"user-{number}" for number in range(150)]


def variants_of(agent: Agent) -> dict[str, str]:
    return {user: config_for_user(agent=agent, user_id=user).variant for user in USERS}


def test_a_user_gets_the_arm_that_the_published_function_names(agent: Agent, experiment: Experiment) -> None:
    split = split_of(list(experiment.variants.all()))
    for user in USERS:
        served = config_for_user(agent=agent, user_id=user)
        assert served.variant == assign(experiment.salt, user, experiment.coverage, split)
        assert served.config == experiment.variants.get(key=served.variant).config


def test_a_user_keeps_the_arm_through_pause_and_resume(agent: Agent, experiment: Experiment) -> None:
    before = variants_of(agent)
    assert 50 < Counter(before.values())["treatment"] < 100
    pause_experiment(experiment=experiment)
    resume_experiment(experiment=experiment)
    assert variants_of(agent) == before


def test_while_paused_everybody_gets_control_and_no_variant(agent: Agent, experiment: Experiment) -> None:
    pause_experiment(experiment=experiment)
    for user in USERS[:50]:
        served = config_for_user(agent=agent, user_id=user, expose=True)
        assert (served.variant, served.config) == ("", agent.serving_config)
    assert not Exposure.objects.exists()


def test_after_the_stop_everybody_gets_what_serves(agent: Agent, experiment: Experiment) -> None:
    stop_experiment(experiment=experiment)
    served = config_for_user(agent=agent, user_id="user-1")
    assert (served.variant, served.experiment, served.config) == ("", None, agent.serving_config)


def test_only_the_share_of_the_traffic_takes_part(agent: Agent, draft: Any) -> None:
    experiment = start_experiment(experiment=draft(traffic=20))
    arms = Counter(variants_of(agent).values())
    assert 15 < arms["control"] + arms["treatment"] < 48
    outside = next(user for user in USERS if not takes_part(experiment.salt, user, 2000))
    assert config_for_user(agent=agent, user_id=outside).experiment is None


def test_without_a_user_nobody_is_assigned(agent: Agent, experiment: Experiment) -> None:
    served = config_for_user(agent=agent, expose=True)
    assert (served.variant, served.config) == ("", agent.serving_config)


def test_a_ramping_deployment_serves_its_share_and_widening_keeps_who_has_it(
    agent: Agent, candidate: AgentConfig
) -> None:
    deployment = deploy_config(agent=agent, config=candidate, share=10)
    with_it = {user for user in USERS if config_for_user(agent=agent, user_id=user).deployment}
    assert 4 < len(with_it) < 30
    assert config_for_user(agent=agent).config == agent.serving_config
    promote_deployment(deployment=deployment, share=30)
    wider = {user for user in USERS if config_for_user(agent=agent, user_id=user).config == candidate}
    assert with_it < wider
    assert 28 < len(wider) < 64


def test_an_agent_without_any_config_says_so(scope: Organization) -> None:
    with pytest.raises(Missing, match="tell what it does today"):
        config_for_user(agent=factories.make_agent(), user_id="user-1")


@pytest.mark.parametrize("user", ["x" * 201, "\ud800"])
def test_an_impossible_user_is_refused(agent: Agent, experiment: Experiment, user: str) -> None:
    with pytest.raises(Refused):
        config_for_user(agent=agent, user_id=user)


def test_it_takes_two_queries_with_an_experiment_and_three_without(
    agent: Agent, experiment: Experiment, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        config_for_user(agent=find_agent_to_serve(agent.external_id), user_id="user-1")
    with django_assert_num_queries(3):
        config_for_user(agent=find_agent_to_serve(agent.external_id), user_id="user-1", expose=True)
    stop_experiment(experiment=experiment)
    with django_assert_num_queries(3):
        config_for_user(agent=find_agent_to_serve(agent.external_id), user_id="user-1")


def test_the_first_exposure_stays(agent: Agent, experiment: Experiment) -> None:
    variant = config_for_user(agent=agent, user_id="user-1", expose=True).variant
    first = Exposure.objects.get()
    config_for_user(agent=agent, user_id="user-1", expose=True)
    assert Exposure.objects.get() == first
    assert (first.unit, first.variant.key) == ("user-1", variant)


@pytest.mark.django_db(transaction=True)
def test_one_unit_is_exposed_once_under_concurrency() -> None:
    organization = factories.make_organization()
    with organization_scope(organization.id):
        agent = factories.make_agent()
        deploy_config(agent=agent, config=factories.make_config(agent))
        agent.refresh_from_db()
        candidate = factories.make_config(agent)
        draft = create_experiment(agent=agent, name="x", arms=halves(candidate=candidate, control=agent.serving_config))
        start_experiment(experiment=draft)

    def ask(user: str) -> None:
        try:
            with organization_scope(organization.id):
                config_for_user(agent=find_agent_to_serve(agent.external_id), user_id=user, expose=True)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, ["a", "b", "c"] * 16))
    connections.close_all()
    with organization_scope(organization.id):
        assert sorted(Exposure.objects.values_list("unit", flat=True)) == ["a", "b", "c"]
