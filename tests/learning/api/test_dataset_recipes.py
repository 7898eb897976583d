"""Recipes, previews, cards, differences, compiled forms and weights over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from learning.models import Agent, DatasetVersion, Job, LearningExample, TrainingDataset
from learning.services import publication_jobs
from learning.services.publication import publish_version
from organizations.models import AuditEvent, Organization
from tests import factories

DATASETS = "/api/learning/datasets"


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent(external_id="critic")


@pytest.fixture
def version(agent: Agent) -> DatasetVersion:
    return factories.make_published_version(agent, examples=40)


def test_a_recipe_is_given_changed_and_kept_by_the_versions_made_of_it(api: Any, agent: Agent) -> None:
    body = {"name": "mine", "agent_id": "critic", "train_share": 8000, "validation_share": 1000, "group_by": "user"}
    made = api.post(DATASETS, body, format="json").json()
    assert body.items() <= made.items()
    factories.make_example(agent, review_status="approved")
    path = f"{DATASETS}/{made['id']}"
    assert api.post(f"{path}/versions").status_code == 201
    changed = api.patch(path, {"agent_id": None, "least_quality": 0.5, "balance_by": "domain"}, format="json").json()
    assert (changed["agent_id"], changed["least_quality"], changed["balance_by"]) == (None, 0.5, "domain")
    assert changed["train_share"] == 8000
    recipe = api.get(f"{path}/versions/1").json()["recipe"]
    assert (recipe["agent"], recipe["least_quality"], recipe["group_by"]) == ("critic", None, "user")
    event = AuditEvent.objects.get(action="trainingdataset.changed")
    assert event.before == {"agent": "critic", "least_quality": None, "balance_by": ""}
    assert event.after == {"agent": None, "least_quality": 0.5, "balance_by": "domain"}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"train_share": 9000, "validation_share": 1000}, "validation_share"),
        ({"example_types": ["poem"]}, "example_types"),
        ({"group_by": "mood"}, "group_by"),
        ({"least_quality": 2}, "least_quality"),
        ({"half_life_days": 0}, "half_life_days"),
        ({"tags": [""]}, "tags"),
        ({"name": " "}, "name"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused_at_its_field(api: Any, agent: Agent, wrong: Any, field: str) -> None:
    made = api.post(DATASETS, {"name": "mine"}, format="json").json()
    refused = api.patch(f"{DATASETS}/{made['id']}", wrong, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"].split(".")[0]) == (400, field)
    assert TrainingDataset.objects.get().train_share == 4000


def test_a_preview_says_what_a_version_would_hold_and_stores_nothing(api: Any, version: DatasetVersion) -> None:
    path = f"{DATASETS}/{version.dataset_id}"
    assert api.get(f"{path}/preview").json()["is_known"] is True
    agent = version.dataset.agent
    factories.make_example(agent, review_status="approved", input_text="Nobody has looked at this one yet")
    seen = api.get(f"{path}/preview").json()
    assert (seen["eligible"], seen["unprepared"], seen["total"]) == (41, 1, version.total)
    assert 0 < seen["groups"] <= version.total
    assert seen["splits"] == {
        "train": version.train_count, "validation": version.validation_count, "test": version.test_count,
    }  # fmt: skip
    assert publish_version(dataset=version.dataset).total == seen["total"] + 1


def test_a_version_shows_its_card(api: Any, version: DatasetVersion) -> None:
    card = api.get(f"{DATASETS}/{version.dataset_id}/versions/1").json()
    assert (card["manifest_hash"], card["test_readings"]) == (version.manifest_hash, 0)
    assert card["card"]["leaks"]["exact_across_splits"] == 0
    assert api.get(f"{DATASETS}/{version.dataset_id}/versions/9").status_code == 404


def test_the_difference_of_two_versions_tells_texts_and_only_counts_the_sealed(
    api: Any, version: DatasetVersion
) -> None:
    items = {split: list(version.items.filter(split=split).order_by("example_id")) for split in ("train", "test")}
    removed, changed, sealed = items["train"][0], items["train"][1], items["test"][0]
    LearningExample.objects.filter(pk=removed.example_id).update(review_status="rejected")
    for item in (changed, sealed):
        LearningExample.objects.filter(pk=item.example_id).update(expected_output="mixed")
    new = factories.make_example(version.dataset.agent, review_status="approved", input_text=removed.input_text)
    publish_version(dataset=version.dataset)
    path = f"{DATASETS}/{version.dataset_id}/diff"
    diff = api.get(path, {"from": 1, "to": 2}).json()
    assert diff["counts"]["changed"] == {"train": 1, "validation": 0, "test": 1}
    assert diff["counts"]["removed"]["train"] == diff["counts"]["added"]["train"] == 1
    told = {row["example_id"]: row for row in diff["results"]}
    assert set(told) == {str(removed.example_id), str(changed.example_id), str(new.pk)}
    row = told[str(changed.example_id)]
    assert (row["old"]["expected_output"], row["new"]["expected_output"]) == (changed.expected_output, "mixed")
    assert told[str(new.pk)]["old"] is None and told[str(removed.example_id)]["new"] is None
    first = api.get(path, {"from": 1, "to": 2, "limit": 1}).json()
    rest = api.get(path, {"from": 1, "to": 2, "after": first["next"]}).json()
    assert first["results"] + rest["results"] == diff["results"]
    only = api.get(path, {"from": 1, "to": 2, "kind": "added"}).json()["results"]
    assert [row["example_id"] for row in only] == [str(new.pk)]


def test_compiled_forms_come_from_the_open_items_alone(api: Any, version: DatasetVersion) -> None:
    path = f"{DATASETS}/{version.dataset_id}/compiled"
    page = api.get(path, {"kind": "sft_row", "limit": 200}).json()
    opened = set(version.items.exclude(split="test").values_list("example_id", flat=True))
    assert {row["example_id"] for row in page["results"]} == {str(key) for key in opened}
    assert page["results"][0]["content"]["messages"][1]["role"] == "assistant"
    first = api.get(path, {"kind": "sft_row", "limit": 3}).json()
    assert api.get(path, {"kind": "sft_row", "after": first["next"]}).json()["results"] == page["results"][3:53]
    assert api.get(path).status_code == 400


def test_a_weight_is_a_persons_word_audited_and_holds_from_the_next_version_on(
    api: Any, version: DatasetVersion
) -> None:
    item = version.items.filter(split="train").first()
    path = f"/api/learning/examples/{item.example_id}/weight"
    assert api.put(path, {"weight": 2.5}, format="json").json() == {"weight": 2.5}
    assert AuditEvent.objects.get(action="example.weighed").after == {"weight": 2.5}
    second = publish_version(dataset=version.dataset)
    assert second.items.get(example_id=item.example_id).weight == 2.5
    assert version.items.get(example_id=item.example_id).weight == 1
    assert api.put(path, {"weight": None}, format="json").json() == {"weight": None}
    assert api.put(path, {"weight": 101}, format="json").status_code == 400
    assert api.put(path, {}, format="json").status_code == 400


def test_much_is_published_by_a_job(api: Any, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publication_jobs, "LARGE", 3)
    answer = api.post(f"{DATASETS}/{version.dataset_id}/versions")
    job = Job.objects.get()
    assert (answer.status_code, answer.json()["job_id"], answer.json()["total"]) == (202, str(job.pk), 40)
    assert api.get(answer.json()["url"]).json()["kind"] == "publication"


@pytest.mark.parametrize(
    "tail", ["", "/preview", "/versions", "/versions/1", "/examples", "/export", "/diff?from=1&to=1"]
)
def test_experts_cannot_look_gold_answers_up_in_datasets(sign_in: Any, version: DatasetVersion, tail: str) -> None:
    path = f"{DATASETS}/{version.dataset_id}{tail}"
    assert sign_in("expert").get(path).status_code == 403
    assert sign_in("manager").get(path).status_code == 200


def test_a_stranger_finds_nothing(other_api: Any, version: DatasetVersion) -> None:
    path = f"{DATASETS}/{version.dataset_id}"
    for tail in ("/preview", "/versions/1", "/diff?from=1&to=1", "/compiled?kind=few_shot"):
        assert other_api.get(path + tail).status_code == 404
    assert other_api.patch(path, {"name": "x"}, format="json").status_code == 404
    key = version.items.first().example_id
    assert other_api.put(f"/api/learning/examples/{key}/weight", {"weight": 1}, format="json").status_code == 404
