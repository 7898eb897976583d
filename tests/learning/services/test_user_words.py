"""What a run may read of the users' own words."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from learning.models import AgentFeedback, DatasetVersion
from learning.services import datasets, publication
from organizations.models import Organization
from tests import factories


def published() -> DatasetVersion:
    """Thirty corrections, each with a user's feedback behind it."""
    agent = factories.make_agent()
    for number in range(30):
        feedback = AgentFeedback.objects.create(
            agent=agent,
            feedback_type="correction",
            correction_text="positive",
            feedback_text=f"far too long, write to ann{number}@example.com",
            issue_categories=["tone"],
        )
        factories.make_example(agent, review_status="approved", source_feedback=feedback, input_text=f"Film {number}")
    return publication.publish_version(dataset=datasets.create_dataset(name="all", agent=agent))


def test_users_words_reach_the_train_examples_redacted(scope: Organization) -> None:
    examples = datasets.open_examples(published())
    train = [one for one in examples if one.split == "train"]
    assert train
    assert {one.issues for one in train} == {("tone",)}
    assert {one.comment for one in train} == {"far too long, write to <EMAIL_1>"}
    assert {(one.issues, one.comment) for one in examples if one.split != "train"} == {((), "")}


@pytest.mark.parametrize("values", [{"consent": False}, {"removed_at": timezone.now()}])
def test_words_without_consent_or_past_their_time_reach_nobody(scope: Organization, values: dict[str, Any]) -> None:
    version = published()
    AgentFeedback.objects.update(**values)
    assert {(one.issues, one.comment) for one in datasets.open_examples(version)} == {((), "")}


def test_an_example_without_feedback_has_no_words(scope: Organization) -> None:
    agent = factories.make_agent()
    version = factories.make_published_version(agent, 30)
    assert {one.comment for one in datasets.open_examples(version)} == {""}
