"""What a judge is compared with: scores that experts gave, and no other numbers."""

from __future__ import annotations

from typing import Any

import pytest

from learning import score_sources
from learning.models import DatasetVersion, LearningExample, SourceType
from learning.services.expert_scores import scored_answers
from organizations.models import Organization
from tests import factories

OPEN = ("train", "validation")
GIVEN: dict[Any, float] = {}


def given(*, examples: Any, most: int) -> dict[Any, float]:
    """Stands for an app above learning."""
    return dict([(pk, GIVEN[pk]) for pk in sorted(row["example_id"] for row in examples) if pk in GIVEN][:most])


@pytest.fixture
def version(scope: Organization, monkeypatch: pytest.MonkeyPatch) -> DatasetVersion:
    monkeypatch.setattr(score_sources, "_paths", [f"{__name__}.given"])
    GIVEN.clear()
    return factories.make_published_version(factories.make_agent(), examples=30)


def test_a_number_that_came_with_an_example_is_nobodys_word(version: DatasetVersion) -> None:
    for source in (SourceType.IMPORT, SourceType.USER_FEEDBACK, SourceType.BENCHMARK):
        LearningExample.objects.update(quality_score=0.9, source_type=source)
        assert scored_answers(version_id=version.pk) == []


def test_an_example_that_is_an_experts_review_brings_its_score(version: DatasetVersion) -> None:
    LearningExample.objects.update(quality_score=0.25, source_type=SourceType.EXPERT_REVIEW)
    found = scored_answers(version_id=version.pk)
    assert len(found) == version.train_count + version.validation_count, "the test split is left alone"
    assert {one.score for one in found} == {0.25}
    assert {one.expected for one in found} == {"positive", "negative"}


def test_a_review_goes_before_the_number_that_an_example_has(version: DatasetVersion) -> None:
    LearningExample.objects.update(quality_score=0.25, source_type=SourceType.EXPERT_REVIEW)
    item = version.items.filter(split__in=OPEN).order_by("-example_id").first()
    assert item is not None
    GIVEN[item.example_id] = 0.75
    (reviewed,) = [one for one in scored_answers(version_id=version.pk) if one.score == 0.75]
    assert (reviewed.input, reviewed.answer, reviewed.expected) == (
        item.input_text, item.original_output, item.expected_output,
    )  # fmt: skip


def test_a_sealed_or_synthetic_example_is_left_out_whoever_scored_it(version: DatasetVersion) -> None:
    GIVEN.update((item.example_id, 0.5) for item in version.items.all())
    assert len(scored_answers(version_id=version.pk)) == version.train_count + version.validation_count
    LearningExample.objects.update(source_type=SourceType.SYNTHETIC)
    assert scored_answers(version_id=version.pk) == []
