"""Pages of datasets: recipe, preview, data card, items, differences, weights."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import pytest

from learning.models import TEST_SPLIT_READ, Agent, DatasetVersion, Job, LearningExample, TrainingDataset
from learning.services import datasets, publication_jobs
from learning.services.dataset_exports import open_export
from learning.services.preparation import prepare_all
from learning.services.publication import publish_version
from organizations.models import AuditEvent, Organization
from tests import factories
from tests.learning.pages.test_datasets_and_gates import form

DATASETS = "/admin/learning/datasets"


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent(name="Critic")


@pytest.fixture
def version(agent: Agent) -> DatasetVersion:
    return factories.make_published_version(agent, examples=40)


def page_of(client: Any, address: str, **query: Any) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    text: str = answer.content.decode()
    return text


def test_a_manager_writes_a_recipe_and_changes_it(sign_in: Any, agent: Agent) -> None:
    client = sign_in("manager")
    wishes = {"tags": "urgent, vip, urgent", "example_types": ["correction"], "half_life_days": "30"}
    client.post(f"{DATASETS}/new/", form(agent, **wishes) | {"agent": ""})
    dataset = TrainingDataset.objects.get()
    assert (dataset.agent, dataset.tags, dataset.example_types) == (None, ["urgent", "vip"], ["correction"])
    assert (dataset.half_life_days, dataset.train_share, dataset.weigh_by_reviewers) == (30, 4000, False)
    page = page_of(client, f"{DATASETS}/{dataset.pk}/change/")
    assert 'value="urgent, vip"' in page and 'value="40.0"' in page
    wishes = {"train_percent": "80", "validation_percent": "12.5", "weigh_by_reviewers": "on"}
    page = client.post(f"{DATASETS}/{dataset.pk}/change/", form(agent, **wishes), follow=True).content.decode()
    assert "train 80 %, validation 12.5 %, test 7.5 %" in page
    refused = client.post(f"{DATASETS}/{dataset.pk}/change/", form(agent, train_percent="70")).content.decode()
    assert "leave nothing for the test split" in refused


def test_the_preview_warns_of_a_group_that_is_too_large(sign_in: Any, agent: Agent) -> None:
    for number in range(24):
        text = f"Dear team, please tell me in one short sentence what the order with the number {number} contains"
        factories.make_example(agent, review_status="approved", input_text=text)
    dataset = datasets.create_dataset(name="Orders", agent=agent)
    publish_version(dataset=dataset)
    page = page_of(sign_in("manager"), f"{DATASETS}/{dataset.pk}/preview/")
    assert "One group holds 24 of 24 examples" in page and "share a template" in page
    assert "Nothing is wrong" not in page
    assert "nothing new" in page


@pytest.mark.parametrize(
    ("group_by", "said"), [("cluster", "what resembles each other, and goes"), ("user", "or is of one user")]
)
def test_the_preview_of_a_few_examples_explains_their_splits_and_alarms_nobody(
    sign_in: Any, agent: Agent, group_by: str, said: str
) -> None:
    asked = "Where is my parcel that you sent last week"
    for text in (f"{asked}?", f"{asked}, please?", "How do I get a new password?"):
        factories.make_example(agent, review_status="approved", input_text=text)
    dataset = datasets.create_dataset(name="Few", agent=agent, group_by=group_by)
    prepare_all(waiting=LearningExample.objects.all())
    page = page_of(sign_in("manager"), f"{DATASETS}/{dataset.pk}/preview/")
    assert "3 examples make up 2 groups, the largest of 2." in page and said in page
    assert "Nothing is wrong" in page and "One group holds" not in page


def test_the_card_says_what_was_published_and_how_to_verify_it(sign_in: Any, version: DatasetVersion) -> None:
    client, address = sign_in("manager"), f"{DATASETS}/{version.dataset_id}/versions/1/"
    page = page_of(client, address)
    assert "cluster" not in re.sub(r"<[^>]*>", " ", page).lower(), "people read of near-duplicates"
    assert version.manifest_hash in page
    assert "None found" in page and "Nobody has read it yet" in page
    assert f'verify_dataset "{version.dataset.name}" --number 1' in page
    answer = client.get(f"{address}card.json")
    assert answer["Content-Disposition"].endswith('-1-card.json"')
    card = json.loads(answer.content)
    assert (card["manifest_sha256"], card["counts"]["example_type"]) == (version.manifest_hash, {"correction": 40})


def test_who_opened_the_test_split_and_for_what_is_on_the_card(sign_in: Any, version: DatasetVersion) -> None:
    open_export(version=version, format="openai-chat", split="all")
    AuditEvent.objects.create(
        actor_label="worker", action=TEST_SPLIT_READ, target_type="datasetversion", target_id=str(version.pk),
        after={"training_run": str(uuid4()), "attempt": 2},
    )  # fmt: skip
    page = page_of(sign_in("manager"), f"{DATASETS}/{version.dataset_id}/versions/1/")
    first, second = re.findall(r"<li>([^<]*(?:exported|training run)[^<]*)</li>", page)
    assert "a training run that is not there any more, attempt 2" in first
    assert re.search(r": exported by .+ \(openai-chat\)$", second)
    assert "not there any more" not in second and "Nobody has read" not in page


def test_the_card_of_an_older_version_that_has_little_in_it_is_shown_too(sign_in: Any, version: DatasetVersion) -> None:
    DatasetVersion.objects.update(card={"left_out": {"gone": 1}, "source_type": {"import": 40}}, recipe={})
    assert "1: gone" in page_of(sign_in("manager"), f"{DATASETS}/{version.dataset_id}/versions/1/")


def test_items_come_page_by_page_and_never_from_the_test_split(
    sign_in: Any, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, address = sign_in("manager"), f"{DATASETS}/{version.dataset_id}/versions/1/items/"
    page = page_of(client, address)
    texts = set(re.findall(r"Film number \d+ was \w+", page))
    assert texts == set(version.items.exclude(split="test").values_list("input_text", flat=True))
    train = set(re.findall(r"Film number \d+ was \w+", page_of(client, address, split="train")))
    assert train == set(version.items.filter(split="train").values_list("input_text", flat=True))
    last = version.items.exclude(split="test").order_by("-example_id").first()
    assert last is not None
    assert "No example here" in page_of(client, address, after=str(last.example_id))


def test_two_versions_are_compared_word_by_word(
    sign_in: Any, version: DatasetVersion, django_assert_max_num_queries: Any
) -> None:
    changed = version.items.filter(split="train")[:3]
    for item in changed:
        LearningExample.objects.filter(pk=item.example_id).update(expected_output=f"very {item.expected_output}")
    dataset = version.dataset
    dataset.half_life_days = 10
    dataset.save()
    publish_version(dataset=dataset)
    client, address = sign_in("manager"), f"{DATASETS}/{version.dataset_id}/diff/"
    with django_assert_max_num_queries(25):
        page = page_of(client, address)
    assert "Version 1 to 2" in page
    assert "<ins>very </ins>" in page
    assert "Half-life, days" in page
    assert "<ins>" not in page_of(client, address, kind="added", **{"from": "1", "to": "2"})
    assert "The same examples" in page_of(client, address, **{"from": "1", "to": "1"})
    assert client.get(address, {"from": "1", "to": "7"}).status_code == 404
    assert "nothing to compare yet" in page_of(client, address, **{"from": "x", "to": "9" * 30})


def test_a_weight_is_written_by_hand_and_taken_back(sign_in: Any, version: DatasetVersion) -> None:
    example = version.items.filter(split="train")[0].example
    client, address = sign_in("manager"), f"/admin/learning/examples/{example.pk}/weight/"
    for given, kept in (("2,5", 2.5), ("", None), ("0", 0)):
        answer = client.post(f"{address}?dataset={version.dataset_id}", {"weight": given})
        assert answer["Location"] == f"{DATASETS}/{version.dataset_id}/"
        assert LearningExample.objects.get(pk=example.pk).weight_override == kept
    for wrong in ("many", "nan", "inf", "-1", "101"):
        page = client.post(address, {"weight": wrong}).content.decode()
        assert "A weight is a number from 0 to 100." in page
    assert LearningExample.objects.get(pk=example.pk).weight_override == 0


def test_a_large_dataset_is_published_by_a_job(
    sign_in: Any, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publication_jobs, "LARGE", 3)
    client = sign_in("manager")
    answer = client.post(f"{DATASETS}/{version.dataset_id}/publish")
    job = Job.objects.get()
    assert answer["Location"] == f"/admin/learning/jobs/{job.pk}/"
    assert "Publishing: see how far" in page_of(client, f"{DATASETS}/{version.dataset_id}/")


@pytest.mark.parametrize("tail", ["", "change/", "preview/", "diff/", "versions/1/", "versions/1/card.json",
                                  "versions/1/items/"])  # fmt: skip
def test_experts_and_strangers_stay_outside(
    sign_in: Any, version: DatasetVersion, other_organization: Organization, tail: str
) -> None:
    address = f"{DATASETS}/{version.dataset_id}/{tail}"
    assert sign_in("expert").get(address).status_code == 403
    assert sign_in("manager").get(address).status_code == 200
    assert sign_in("manager", other_organization).get(address).status_code == 404
