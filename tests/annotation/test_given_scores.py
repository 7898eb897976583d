"""The scores that experts gave: only theirs, only where they approved."""

from __future__ import annotations

from typing import Any

import pytest

from annotation.services.claims import claim_next
from annotation.services.given_scores import given_scores
from annotation.services.submissions import submit_annotation
from learning.models import Agent, LearningExample
from learning.services.expert_scores import scored_answers
from learning.services.publication import publish_version
from learning.services.recipes import create_dataset
from tests import factories

UNSCORED = dict.fromkeys(("technical_accuracy", "professional_quality", "completeness", "clarity"))


def review(expert: Any, opinion: Any) -> LearningExample:
    slot = claim_next(expert=expert)
    assert slot is not None and slot.lease_token is not None
    submit_annotation(expert=expert, slot_id=slot.pk, lease_token=slot.lease_token, opinion=opinion)
    return slot.example


def all_given(most: int = 10) -> dict[Any, float]:
    return given_scores(examples=LearningExample.objects.values("id"), most=most)


def test_an_approval_gives_the_mean_of_its_scores(agent: Agent, expert: Any, approval: Any) -> None:
    factories.make_example(agent)
    example = review(expert, approval())
    assert all_given() == {example.pk: pytest.approx(0.85)}


def test_an_approval_without_scores_does_not_make_an_imported_number_an_experts(
    agent: Agent, expert: Any, approval: Any
) -> None:
    factories.make_example(agent, quality_score=0.2, source_type="import")
    example = review(expert, approval(**UNSCORED))
    assert LearningExample.objects.get(pk=example.pk).quality_score == 0.2
    assert all_given() == {}


def test_who_rejected_gave_no_score_of_what_is_learned(agent: Agent, expert: Any, approval: Any) -> None:
    factories.make_example(agent)
    review(expert, approval(decision="reject"))
    assert all_given() == {}


def test_no_more_are_read_than_were_asked_for(agent: Agent, expert: Any, approval: Any) -> None:
    for _ in range(3):
        factories.make_example(agent)
    ids = sorted(review(expert, approval()).pk for _ in range(3))
    assert list(all_given(most=2)) == ids[:2]


def test_a_judge_is_compared_with_what_experts_gave(agent: Agent, expert: Any, approval: Any) -> None:
    for number in range(12):
        factories.make_example(agent, input_text=f"Question {number}", quality_score=0.1, prepared_version=0)
        review(expert, approval() if number % 2 else approval(**UNSCORED))
    version = publish_version(dataset=create_dataset(name="Reviewed", agent=agent))
    found = scored_answers(version_id=version.pk)
    assert 0 < len(found) < version.total
    assert {round(one.score, 9) for one in found} == {0.85}
    assert all(int(one.input.split()[-1]) % 2 for one in found)
