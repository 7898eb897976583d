"""People change examples while a version of them is being written: what is stored is what was chosen and redacted."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest
from django.db import connection

from learning.models import Agent, DatasetExample, DatasetVersion, LearningExample, TrainingDataset
from learning.services import datasets, publication
from learning.services.preparation import hash_content, prepare_waiting
from organizations.errors import Conflict
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dataset(transactional_db: None) -> TrainingDataset:
    organization = factories.make_organization()
    with organization_scope(organization.pk):
        agent = Agent.objects.create(external_id="critic", name="Critic")
        for number in range(3):
            factories.make_example(agent, review_status="approved", input_text=f"Film {number * 7919} was good")
        prepare_waiting()
        return datasets.create_dataset(name="Films", agent=agent)


def reword_between(monkeypatch: pytest.MonkeyPatch, dataset: TrainingDataset, times: int) -> list[str]:
    """Somebody else rewords another example after the choosing, in the first `times` tries; the new wordings."""
    write, said = publication._write, []

    def reword() -> None:
        with organization_scope(dataset.organization_id):
            example = LearningExample.objects.order_by("id")[len(said) - 1]
            example.expected_output = said[-1]
            example.save(update_fields=["expected_output"])
        connection.close()

    def slowly(*asked: Any) -> DatasetVersion:
        if len(said) < times:
            said.append(f"Ask jane.doe@example.com about {len(said)}")
            thread = Thread(target=reword)
            thread.start()
            thread.join(20)
            assert not thread.is_alive(), "whoever rewords does not wait for who publishes"
        return write(*asked)

    monkeypatch.setattr(publication, "_write", slowly)
    return said


def test_new_words_are_redacted_before_they_are_published(
    dataset: TrainingDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    reword_between(monkeypatch, dataset, times=1)
    with organization_scope(dataset.organization_id):
        version = publication.publish_version(dataset=dataset)
        assert sorted(version.items.values_list("expected_output", flat=True)) == [
            "Ask <EMAIL_1> about 0", "positive", "positive",
        ]  # fmt: skip
        for item in version.items.all():
            assert hash_content(item) == item.content_hash  # type: ignore[arg-type]
        assert DatasetVersion.objects.count() == 1


def test_who_publishes_what_never_rests_is_told_so_and_nothing_is_stored(
    dataset: TrainingDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = reword_between(monkeypatch, dataset, times=99)
    with pytest.raises(Conflict, match="being changed right now"), organization_scope(dataset.organization_id):
        publication.publish_version(dataset=dataset)
    assert len(said) == publication.TRIES
    with organization_scope(dataset.organization_id):
        assert not DatasetVersion.objects.exists() and not DatasetExample.objects.exists()
