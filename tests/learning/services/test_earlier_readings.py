"""How often a test split was read before a run read it: what its claim is corrected for."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from learning.engines.levels import confidence_of_reading
from learning.models import TEST_SPLIT_READ, Agent, DatasetVersion, LearningExample, SplitAssignment
from learning.services.dataset_versions import count_earlier_readings, count_readings, list_readings
from learning.services.datasets import create_dataset
from learning.services.publication import publish_version
from organizations import audit
from organizations.erasers import erasing
from tests import factories

pytestmark = pytest.mark.usefixtures("scope")

MINE, OTHER, THIRD = uuid4(), uuid4(), uuid4()


def read(version: UUID, run: UUID | None, attempt: int = 1) -> None:
    told = {"training_run": str(run), "attempt": attempt} if run else {"export": "jsonl"}
    audit.record(action=TEST_SPLIT_READ, target=DatasetVersion(pk=version), after=told)


def test_what_others_read_before_counts_once_for_each_run_and_each_export() -> None:
    version, another = uuid4(), uuid4()
    assert count_earlier_readings(version_id=version, run_id=MINE) == 0
    for run, attempt in ((OTHER, 1), (OTHER, 2), (None, 1), (None, 1), (MINE, 1), (THIRD, 1), (MINE, 2)):
        read(version, run, attempt)
    read(another, THIRD)
    assert count_earlier_readings(version_id=version, run_id=MINE) == 3
    assert count_earlier_readings(version_id=version, run_id=THIRD) == 4
    assert count_earlier_readings(version_id=version, run_id=OTHER) == 0


def test_a_run_that_did_not_read_it_yet_comes_after_all_who_did() -> None:
    version = uuid4()
    read(version, OTHER)
    assert count_earlier_readings(version_id=version, run_id=MINE) == 1


def unlike(agent: Agent) -> DatasetVersion:
    """Published examples that resemble nothing, not even each other."""
    texts = [sha256(f"{agent.pk} {place}".encode()).hexdigest() for place in range(24)]
    LearningExample.objects.bulk_create(
        factories.an_example(
            agent, input_text=" ".join(text[start : start + 5] for start in range(0, 60, 5)), review_status="approved"
        )
        for text in texts
    )
    return publish_version(dataset=create_dataset(name=str(agent.pk), agent=agent))


def test_the_next_version_of_a_dataset_goes_on_counting_since_it_keeps_most_test_examples() -> None:
    first = factories.make_published_version(factories.make_agent(), examples=24)
    read(first.pk, OTHER)
    second = factories.publish_with(first, "Something else")
    earlier = count_earlier_readings(version_id=second.pk, run_id=MINE)
    assert (earlier, confidence_of_reading(earlier, 0.95)) == (1, pytest.approx(0.975))
    read(second.pk, MINE)
    assert count_earlier_readings(version_id=first.pk, run_id=THIRD) == 2, "who read the newer one saw the older one's"
    assert count_earlier_readings(version_id=first.pk, run_id=OTHER) == 0
    assert count_readings([first, second]) == {first.pk: 1, second.pk: 1}, "each tells who opened it itself"


def test_versions_without_a_common_test_example_are_read_for_the_first_time_each() -> None:
    first, second = unlike(factories.make_agent()), unlike(factories.make_agent())
    assert first.test_count
    assert second.test_count
    read(first.pk, OTHER)
    assert count_earlier_readings(version_id=second.pk, run_id=MINE) == 0


def test_one_common_test_example_is_enough_and_a_common_train_example_is_not() -> None:
    agent = factories.make_agent()
    first = unlike(agent)
    read(first.pk, OTHER)
    for split, counted in (("train", 0), ("test", 1)):
        known = first.items.filter(split=split).values_list("example_id", flat=True)[0]
        LearningExample.objects.filter(pk=known).update(domain=split)
        dataset = create_dataset(name=f"Of {split}", agent=agent, domains=[split])
        assert count_earlier_readings(version_id=publish_version(dataset=dataset).pk, run_id=MINE) == counted


def test_near_duplicates_of_test_examples_are_the_same_case() -> None:
    first, second = (factories.make_published_version(factories.make_agent(), examples=24) for _ in range(2))
    ours, theirs = (set(one.items.values_list("example_id", flat=True)) for one in (first, second))
    assert not ours & theirs
    read(first.pk, OTHER)
    assert count_earlier_readings(version_id=second.pk, run_id=MINE) == 1


def test_an_example_whose_cluster_was_joined_to_another_is_still_the_same() -> None:
    first = factories.make_published_version(factories.make_agent(), examples=24)
    second = factories.publish_with(first, "Something else")
    read(first.pk, OTHER)
    SplitAssignment.objects.create(key="joined", split="test")
    with erasing():
        second.items.filter(split="test").update(cluster_key="joined")
    assert count_earlier_readings(version_id=second.pk, run_id=MINE) == 1


def test_a_version_without_a_person_goes_on_counting_where_those_that_it_replaced_were() -> None:
    dataset = create_dataset(name="Emptied")
    counts = dict.fromkeys(("total", "train_count", "validation_count", "test_count"), 0)
    first, second, third = (
        DatasetVersion.objects.create(dataset=dataset, number=number, manifest_hash=str(number), **counts)
        for number in (1, 2, 3)
    )
    read(first.pk, OTHER)
    read(second.pk, THIRD)
    assert count_earlier_readings(version_id=third.pk, run_id=MINE) == 0
    for old, new in ((first, second), (second, third)):
        DatasetVersion.objects.filter(pk=old.pk).update(erased_at=timezone.now(), replaced_by=new)
    assert count_earlier_readings(version_id=third.pk, run_id=MINE) == 2
    assert count_readings([first, second, third]) == {first.pk: 1, second.pk: 2, third.pk: 2}
    assert len(list_readings(third)) == 2
