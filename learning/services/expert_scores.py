"""Answers that experts scored: what a judge is compared with before it may score anything."""

from __future__ import annotations

from uuid import UUID

from learning.engines.agreement import ScoredAnswer
from learning.models import DatasetExample, SourceType, Split

MOST = 200  # the engine takes a spread of these


def scored_answers(*, version_id: UUID) -> list[ScoredAnswer]:
    """From the train and validation examples of a version: what the agent said, with the score that experts gave it.

    The sealed test split is left alone. Synthetic examples are nobody's answers.
    """
    rows = DatasetExample.objects.filter(version=version_id, example__quality_score__isnull=False)
    rows = rows.exclude(split=Split.TEST).exclude(original_output="").exclude(expected_output="")
    rows = rows.exclude(example__source_type=SourceType.SYNTHETIC)
    texts = rows.order_by("example_id").values_list(
        "input_text", "original_output", "expected_output", "example__quality_score"
    )
    return [
        ScoredAnswer(asked, said, wanted, score) for asked, said, wanted, score in texts[:MOST] if score is not None
    ]
