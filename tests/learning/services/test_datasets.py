"""Datasets: only what was approved, the same split for ever, the same content once, the test split sealed."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction

from learning.models import DatasetExample, LearningExample, Split
from learning.services import datasets, publication
from learning.services.splits import Shares, split_of
from organizations.errors import Conflict, Refused
from organizations.models import AuditEvent, Organization
from tests import factories


@pytest.fixture
def approved(scope: Organization) -> list[LearningExample]:
    agent = factories.make_agent()
    return [factories.make_example(agent, review_status="approved", quality_score=0.8) for _ in range(40)]


def test_publishing_makes_a_version_of_the_approved_examples(approved: list[LearningExample]) -> None:
    factories.make_example(approved[0].agent, review_status="pending")
    version = publication.publish_version(dataset=datasets.create_dataset(name="all", agent=approved[0].agent))
    assert (version.number, version.total) == (1, 40)
    assert version.train_count + version.validation_count + version.test_count == 40
    assert version.average_quality == pytest.approx(0.8)
    assert AuditEvent.objects.filter(action="datasetversion.published").exists()


def test_the_same_content_published_twice_is_one_version(approved: list[LearningExample]) -> None:
    dataset = datasets.create_dataset(name="all")
    first = publication.publish_version(dataset=dataset)
    assert publication.publish_version(dataset=dataset) == first
    factories.make_example(approved[0].agent, review_status="approved")
    second = publication.publish_version(dataset=dataset)
    assert (second.number, second.total) == (2, 41)
    assert second.manifest_hash != first.manifest_hash


def test_an_example_is_in_the_same_split_in_every_version(approved: list[LearningExample]) -> None:
    dataset = datasets.create_dataset(name="all")
    first = publication.publish_version(dataset=dataset)
    factories.make_example(approved[0].agent, review_status="approved")
    second = publication.publish_version(dataset=dataset)
    before = dict(first.items.values_list("example_id", "split"))
    after = dict(second.items.values_list("example_id", "split"))
    assert all(after[example] == split for example, split in before.items())


def test_examples_of_one_cluster_share_a_split(approved: list[LearningExample]) -> None:
    for example in approved:
        example.cluster_key = "one story"
        example.save()
    version = publication.publish_version(dataset=datasets.create_dataset(name="all"))
    assert version.items.values("split").distinct().count() == 1


def test_the_same_input_twice_counts_once_and_the_newest_answer_holds(scope: Organization) -> None:
    agent = factories.make_agent()
    factories.make_example(agent, review_status="approved", input_text="Fine film", expected_output="negative")
    factories.make_example(agent, review_status="approved", input_text=" fine  FILM ", expected_output="positive")
    version = publication.publish_version(dataset=datasets.create_dataset(name="all"))
    assert [item.expected_output for item in version.items.all()] == ["positive"]


def test_a_version_keeps_the_texts_as_they_were(approved: list[LearningExample]) -> None:
    version = publication.publish_version(dataset=datasets.create_dataset(name="all"))
    LearningExample.objects.update(expected_output="changed afterwards")
    assert not DatasetExample.objects.filter(version=version, expected_output="changed afterwards").exists()


def test_an_empty_selection_is_refused(scope: Organization) -> None:
    with pytest.raises(Refused, match="No approved example"):
        publication.publish_version(dataset=datasets.create_dataset(name="empty"))


def test_a_name_is_given_once(scope: Organization) -> None:
    datasets.create_dataset(name="all")
    with pytest.raises(Conflict, match="already"):
        datasets.create_dataset(name="all")


def test_the_test_split_is_not_among_the_open_examples(approved: list[LearningExample]) -> None:
    version = publication.publish_version(dataset=datasets.create_dataset(name="all"))
    assert {example.split for example in datasets.open_examples(version)} == {"train", "validation"}
    assert len(datasets.open_examples(version)) == version.total - version.test_count


def test_the_hash_gives_each_split_its_share() -> None:
    splits = [split_of(str(number), Shares(4000, 3000)) for number in range(5000)]
    for split, share in ((Split.TRAIN, 0.4), (Split.VALIDATION, 0.3), (Split.TEST, 0.3)):
        assert splits.count(split) / 5000 == pytest.approx(share, abs=0.03)


def test_an_example_stands_in_a_version_once(approved: list[LearningExample]) -> None:
    version = publication.publish_version(dataset=datasets.create_dataset(name="all"))
    item = version.items.first()
    assert item is not None
    with pytest.raises(DatabaseError), transaction.atomic():
        DatasetExample.objects.create(
            version=version, example=item.example, split="train", group_key="x", input_text="x", expected_output="x"
        )
