"""Several experiments at once on one agent, and nobody in two of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from experiments.bucketing import bucket
from experiments.models import Experiment, Layer
from experiments.services.assignment import Served, config_for_user
from experiments.services.creation import halves, update_draft
from experiments.services.layers import create_layer, free_share, update_layer
from experiments.services.lifecycle import pause_experiment, start_experiment, stop_experiment
from learning.models import Agent
from organizations.errors import Conflict, Refused
from tests import factories

USERS = [f"user-{number}" for number in range(150)]


@pytest.fixture
def layer(agent: Agent) -> Layer:
    return create_layer(name="Answers", holdout=10)


@pytest.fixture
def pair(agent: Agent, draft: Any, layer: Layer) -> list[Experiment]:
    """Two that run at once, with 45 % of the layer each."""
    made = []
    for _ in range(2):
        arms = halves(candidate=factories.make_config(agent), control=agent.serving_config)
        made.append(start_experiment(experiment=draft(arms=arms, layer=layer, layer_percentage=45)))
    return made


def served_to(agent: Agent, user: str) -> Served:
    return config_for_user(agent=agent, user_id=user)


def test_nobody_is_in_two_experiments_and_the_holdout_in_none(
    agent: Agent, layer: Layer, pair: list[Experiment]
) -> None:
    first, second = pair
    assert [(one.layer_start, one.layer_buckets) for one in pair] == [(1000, 4500), (5500, 4500)]
    for user in USERS:
        place = bucket(layer.salt, "layer", user)
        expected = None if place < 1000 else first if place < 5500 else second
        assert served_to(agent, user).experiment == expected
    assert free_share(layer) == 0


def test_what_starts_takes_its_range_of_the_layer_that_it_is_in_by_now(layer: Layer, draft: Any) -> None:
    stale = draft()
    update_draft(experiment=Experiment.objects.get(pk=stale.pk), layer=layer, layer_percentage=45)
    started = start_experiment(experiment=stale)
    assert (started.layer, started.layer_start, started.layer_buckets) == (layer, 1000, 4500)


def test_when_one_is_paused_or_stopped_the_other_goes_on(agent: Agent, layer: Layer, pair: list[Experiment]) -> None:
    first, second = pair
    before = {user: served_to(agent, user) for user in USERS[:60]}
    pause_experiment(experiment=first)
    for user, was in before.items():
        now = served_to(agent, user)
        assert now == was if was.experiment == second else now.config == agent.serving_config
    stop_experiment(experiment=first)
    assert {served_to(agent, user).experiment for user in USERS[:60]} == {None, second}
    assert free_share(layer) == 45


def test_a_range_that_is_free_again_is_taken(agent: Agent, draft: Any, layer: Layer, pair: list[Experiment]) -> None:
    arms = halves(candidate=factories.make_config(agent), control=agent.serving_config)
    third = draft(arms=arms, layer=layer, layer_percentage=40)
    with pytest.raises(Conflict, match="0 % left in one piece"):
        start_experiment(experiment=third)
    stop_experiment(experiment=pair[1])
    assert start_experiment(experiment=third).layer_start == 5500


def test_one_outside_of_the_layer_cannot_run_beside(agent: Agent, draft: Any, pair: list[Experiment]) -> None:
    arms = halves(candidate=factories.make_config(agent), control=agent.serving_config)
    for other in (draft(arms=arms), draft(arms=arms, layer=create_layer(name="Other"))):
        with pytest.raises(Conflict, match="one layer"):
            start_experiment(experiment=other)


def test_the_database_itself_refuses_ranges_that_overlap(pair: list[Experiment], draft: Any, layer: Layer) -> None:
    third = draft(layer=layer, layer_percentage=10)
    with pytest.raises(IntegrityError, match="live_ranges_of_a_layer"), transaction.atomic():
        Experiment.objects.filter(pk=third.pk).update(status="running", layer_start=5000)


def test_the_database_itself_refuses_a_range_that_goes_beyond_the_layer(draft: Any, layer: Layer) -> None:
    made = draft(layer=layer, layer_percentage=10)
    rows = Experiment.objects.filter(pk=made.pk)
    with pytest.raises(IntegrityError, match="experiment_layer_range_inside"), transaction.atomic():
        rows.update(status="running", layer_start=9001)
    assert rows.update(status="running", layer_start=9000) == 1


def test_a_layer_is_frozen_while_an_experiment_runs_in_it(layer: Layer, pair: list[Experiment]) -> None:
    with pytest.raises(Conflict, match="holdout"):
        update_layer(layer=layer, holdout=5)
    for change in ({"holdout": 5}, {"salt": "0" * 32}):
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            Layer.objects.filter(pk=layer.pk).update(**change)
    assert update_layer(layer=layer, name="Answers of 2027").name == "Answers of 2027"


@pytest.mark.parametrize("holdout", [-1, 100, 101, 0.001])
def test_an_impossible_holdout_is_refused(scope: Any, holdout: float) -> None:
    with pytest.raises(Refused):
        create_layer(name="x", holdout=holdout)


def test_a_name_is_taken_once(layer: Layer) -> None:
    with pytest.raises(Conflict, match="already"):
        create_layer(name=layer.name)


def test_layers_over_http(api: Any, agent: Agent, candidate: Any) -> None:
    made = api.post("/api/learning/layers", {"name": "Tone", "holdout_percentage": 5}, format="json")
    assert (made.status_code, made.json()["free_percentage"]) == (201, 95)
    address = f"/api/learning/layers/{made.json()['id']}"
    assert api.patch(address, {"holdout_percentage": 20}, format="json").json()["free_percentage"] == 80
    assert [one["name"] for one in api.get("/api/learning/layers").json()["results"]] == ["Tone"]
    body = {"agent_id": agent.external_id, "name": "x", "candidate_config_id": str(candidate.pk), "layer_id": "Tone"}
    answer = api.post("/api/learning/experiments", body | {"layer_percentage": 30}, format="json").json()
    assert (answer["layer_id"], answer["layer_percentage"]) == (made.json()["id"], 30)
    missing = api.post("/api/learning/experiments", body | {"layer_id": "Elsewhere"}, format="json")
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (404, "layer_id")
