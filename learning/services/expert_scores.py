"""Answers that experts scored: what a judge is compared with before it may score anything."""

from __future__ import annotations

from uuid import UUID

from learning.engines.agreement import ScoredAnswer
from learning.models import DatasetExample, SourceType, Split
from learning.score_sources import score_sources

MOST = 200  # the engine takes a spread of these


def scored_answers(*, version_id: UUID) -> list[ScoredAnswer]:
    """From the train and validation examples of a version: what the agent said, with the score that experts gave it.

    In a review that approved the example, or with an example that is an expert's review; a number that came with any
    other example is nobody's word. The sealed test split is left alone. Synthetic examples are nobody's answers.
    """
    items = DatasetExample.objects.filter(version=version_id).exclude(split=Split.TEST)
    items = items.exclude(original_output="").exclude(expected_output="")
    items = items.exclude(example__source_type=SourceType.SYNTHETIC).order_by("example_id")
    reviews = items.filter(example__source_type=SourceType.EXPERT_REVIEW, example__quality_score__isnull=False)
    rows = reviews.values_list("example_id", "example__quality_score")[:MOST]
    scores = {pk: score for pk, score in rows if score is not None}
    for scored in score_sources():
        scores |= scored(examples=items.values("example_id"), most=MOST)
    chosen = items.filter(example_id__in=sorted(scores)[:MOST])
    texts = chosen.values_list("example_id", "input_text", "original_output", "expected_output")
    return [ScoredAnswer(asked, said, wanted, scores[pk]) for pk, asked, said, wanted in texts]
