"""What becomes of imported rows that were known, and of a split that a row names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from annotation.models import Slot
from annotation.services.filling import fill_queue
from annotation.services.queues import default_queue
from learning.models import Agent, Job, LearningExample
from learning.services.preparation import prepare_waiting
from learning.services.publication import publish_version
from learning.services.recipes import create_dataset
from organizations.models import Organization
from tests import factories
from tests.learning.services.test_example_imports import GOOD, artifacts, bring, lines

__all__ = ["artifacts"]  # a fixture


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent(external_id="tutor", domain="maths")


def test_a_known_row_with_other_content_is_offered_for_review_again(agent: Agent, tmp_path: Path) -> None:
    bring(tmp_path, lines(GOOD), agent, approve=True)
    LearningExample.objects.update(created_at="2020-01-01T00:00Z")
    prepare_waiting()
    queue = default_queue()
    assert queue is not None
    fill_queue(queue=queue)
    assert not Slot.objects.exists()
    bring(tmp_path, lines(GOOD | {"expected_output": "four"}), agent, update=True)
    assert Job.objects.exists()
    prepare_waiting()
    queue.refresh_from_db()
    fill_queue(queue=queue)
    assert Slot.objects.get().example.expected_output == "four"


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_the_split_of_a_row_is_kept_without_a_cluster_of_its_own(agent: Agent, tmp_path: Path, split: Any) -> None:
    rows = [{"input_text": f"Film {n * 7919} was good", "expected_output": "x", "split": split} for n in range(30)]
    bring(tmp_path, lines(*rows), agent, approve=True)
    version = publish_version(dataset=create_dataset(name="Films", agent=agent))
    assert set(version.items.values_list("split", flat=True)) == {split}
