"""Datasets over HTTP: made, filled, published, exported without the sealed split."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from learning.models import Agent, DatasetVersion, LearningExample, TrainingDataset
from organizations.models import Organization
from tests import factories

DATASETS = "/api/learning/datasets"


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent(external_id="critic")


@pytest.fixture
def version(agent: Agent) -> DatasetVersion:
    return factories.make_published_version(agent, examples=40)


def test_a_dataset_is_made_and_found(api: Any, agent: Agent) -> None:
    made = api.post(DATASETS, {"name": "Reviews", "agent_id": "critic", "domains": ["film"]}, format="json")
    assert made.status_code == 201
    shown = api.get(f"{DATASETS}/{made.json()['id']}").json()
    assert (shown["name"], shown["agent_id"], shown["domains"]) == ("Reviews", "critic", ["film"])
    assert [one["name"] for one in api.get(DATASETS).json()["results"]] == ["Reviews"]


def test_every_address_of_a_dataset_takes_its_name_as_well(api: Any, other_api: Any, version: DatasetVersion) -> None:
    path = f"{DATASETS}/{quote(version.dataset.name)}"
    assert "%20" in path
    assert api.get(path).json()["id"] == str(version.dataset_id)
    assert api.get(f"{path}/versions/1").json()["id"] == str(version.pk)
    assert len(api.get(f"{path}/export", {"version": 1}).json()["results"]) == version.total - version.test_count
    assert other_api.get(f"{path}/export").status_code == 404
    assert api.get(f"{DATASETS}/nobody%00").status_code == 404


def test_a_dataset_whose_name_fits_no_address_is_found_in_the_list(api: Any, agent: Agent) -> None:
    for name in ("a/b", "a"):
        api.post(DATASETS, {"name": name}, format="json")
    assert [one["name"] for one in api.get(DATASETS, {"name": "a/b"}).json()["results"]] == ["a/b"]
    assert api.get(DATASETS, {"name": "b"}).json()["results"] == []


def test_a_dataset_of_all_agents_has_no_agent(api: Any, scope: Organization) -> None:
    assert api.post(DATASETS, {"name": "All"}, format="json").json()["agent_id"] is None


def test_a_name_that_is_taken_is_a_conflict(api: Any, agent: Agent) -> None:
    api.post(DATASETS, {"name": "Reviews"}, format="json")
    response = api.post(DATASETS, {"name": "Reviews"}, format="json")
    assert (response.status_code, response.json()["errors"][0]["field"]) == (409, "name")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x", "size": 3}, "size"),
        ({"name": "x", "domains": "film"}, "domains"),
    ],
)
def test_bad_input_gets_a_problem_naming_the_field(api: Any, scope: Organization, body: Any, field: str) -> None:
    response = api.post(DATASETS, body, format="json")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"].startswith(field)


def test_publishing_makes_a_version_and_publishing_again_gives_the_same_one(api: Any, version: DatasetVersion) -> None:
    path = f"{DATASETS}/{version.dataset_id}/versions"
    again = api.post(path)
    assert (again.status_code, again.json()["id"]) == (200, str(version.pk))
    factories.make_example(version.dataset.agent, review_status="approved")
    new = api.post(path)
    assert (new.status_code, new.json()["number"], new.json()["total"]) == (201, 2, 41)
    assert [one["number"] for one in api.get(path).json()["results"]] == [2, 1]


def test_publishing_nothing_says_what_to_do(api: Any, agent: Agent) -> None:
    dataset = TrainingDataset.objects.create(name="empty", agent=agent)
    response = api.post(f"{DATASETS}/{dataset.pk}/versions")
    assert response.status_code == 400
    assert "Review some first" in response.json()["detail"]


def test_an_example_given_to_a_dataset_waits_for_review(api: Any, version: DatasetVersion) -> None:
    path = f"{DATASETS}/{version.dataset_id}/examples"
    body = {"example_type": "correction", "input_text": "new", "expected_output": "positive"}
    given = api.post(path, body, format="json")
    assert (given.status_code, given.json()["review_status"], given.json()["agent_id"]) == (201, "pending", "critic")
    listed = [one["id"] for one in api.get(path, {"limit": 200}).json()["results"]]
    assert len(listed) == 40
    assert given.json()["id"] not in listed
    LearningExample.objects.filter(pk=given.json()["id"]).update(review_status="approved")
    assert given.json()["id"] in [one["id"] for one in api.get(path).json()["results"]]


def test_an_example_of_another_agent_does_not_get_in(api: Any, version: DatasetVersion) -> None:
    factories.make_agent(external_id="other")
    body = {"agent_id": "other", "example_type": "correction", "input_text": "x", "expected_output": "y"}
    response = api.post(f"{DATASETS}/{version.dataset_id}/examples", body, format="json")
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "agent_id")


def test_the_export_holds_the_open_examples_as_chats_and_nothing_sealed(api: Any, version: DatasetVersion) -> None:
    path = f"{DATASETS}/{version.dataset_id}/export"
    items = api.get(path, {"version": 1, "limit": 200}).json()["results"]
    assert len(items) == version.train_count + version.validation_count
    assert {item["split"] for item in items} == {"train", "validation"}
    first = version.items.get(example_id=items[0]["example_id"])
    assert items[0]["messages"] == [
        {"role": "user", "content": first.input_text},
        {"role": "assistant", "content": first.expected_output},
    ]
    train = api.get(path, {"split": "train", "limit": 200}).json()["results"]
    assert len(train) == version.train_count
    assert api.get(path, {"split": "test"}).status_code == 400
    assert api.get(path, {"version": 9}).status_code == 404


def test_a_reading_key_may_look_and_not_publish(organization: Organization, version: DatasetVersion) -> None:
    from tests.conftest import api_with

    reader = api_with(factories.make_key(organization, scopes=["read"]))
    assert reader.get(f"{DATASETS}/{version.dataset_id}/versions").status_code == 200
    assert reader.post(f"{DATASETS}/{version.dataset_id}/versions").status_code == 403
    assert reader.post(DATASETS, {"name": "x"}, format="json").status_code == 403


def test_a_stranger_finds_nothing(other_api: Any, version: DatasetVersion) -> None:
    path = f"{DATASETS}/{version.dataset_id}"
    assert other_api.get(DATASETS).json()["results"] == []
    for address in (path, f"{path}/examples", f"{path}/versions", f"{path}/export"):
        assert other_api.get(address).status_code == 404
    assert other_api.post(f"{path}/versions").status_code == 404
