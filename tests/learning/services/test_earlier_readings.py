"""How often a test split was read before a run read it: what its claim is corrected for."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from learning.models import TEST_SPLIT_READ, DatasetVersion
from learning.services.dataset_versions import count_earlier_readings, count_readings, list_readings
from organizations import audit
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


def test_a_version_without_a_person_goes_on_counting_where_those_that_it_replaced_were() -> None:
    agent = factories.make_agent(name="Critic")
    first = factories.make_published_version(agent)
    second, third = (factories.publish_with(first, text) for text in ("Something else", "And one thing more"))
    read(first.pk, OTHER)
    read(second.pk, THIRD)
    assert count_earlier_readings(version_id=third.pk, run_id=MINE) == 0, "a new version begins anew"
    for old, new in ((first, second), (second, third)):
        DatasetVersion.objects.filter(pk=old.pk).update(erased_at=timezone.now(), replaced_by=new)
    assert count_earlier_readings(version_id=third.pk, run_id=MINE) == 2
    assert count_readings([first, second, third]) == {first.pk: 1, second.pk: 2, third.pk: 2}
    assert len(list_readings(third)) == 2
