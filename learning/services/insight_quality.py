"""The quality predictor at work: for one answer, and for the examples that wait for review."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from learning.engines.insight.saved import Prediction, SavedModel
from learning.models import Agent, Execution, LearningExample, QualityModel, ReviewStatus
from learning.services.insight_features import PLAIN, describe_answer
from organizations.errors import Conflict

MOST_WAITING = 2_000  # examples of an agent that are foretold at once


def quality_model(*, agent: Agent) -> tuple[QualityModel, SavedModel] | None:
    """The newest report's model when it is used; None when there is none, or it does not beat the baselines."""
    row = QualityModel.objects.filter(report__agent=agent).order_by("-report__number").first()
    return (row, SavedModel.from_json(row.content)) if row and row.used else None


def predict_quality(
    *, agent: Agent, asked: str, said: str, known: Mapping[str, float]
) -> tuple[QualityModel, Prediction]:
    """What people would say of an answer. Raises Conflict, with the reason, when there is no model that is used."""
    found = quality_model(agent=agent)
    if found is None:
        newest = QualityModel.objects.filter(report__agent=agent).order_by("-report__number").first()
        reason = newest.reason if newest else "Nothing was learned about this agent yet."
        raise Conflict(f"There is no quality model in use. {reason}", "agent_id")
    row, model = found
    return row, model.predict(describe_answer(asked=asked, said=said, known=known))


def predict_waiting(*, agent: Agent) -> int:
    """Write what the model says of the examples that wait for review, whose order it decides; how many it told apart.

    Without a model in use what an earlier one said is taken back.
    """
    waiting = LearningExample.objects.filter(agent=agent, review_status=ReviewStatus.PENDING)
    found = quality_model(agent=agent)
    if found is None:
        waiting.filter(predicted_quality__isnull=False).update(predicted_quality=None)
        return 0
    rows = list(
        waiting.order_by("-id").only("id", "input_text", "original_output", "source_execution_id")[:MOST_WAITING]
    )
    known = _known({row.source_execution_id for row in rows if row.source_execution_id})
    for row in rows:
        features = describe_answer(
            asked=row.input_text, said=row.original_output, known=known.get(row.source_execution_id, {})
        )
        row.predicted_quality = found[1].predict(features).quality
    LearningExample.objects.bulk_update(rows, ["predicted_quality"], batch_size=500)
    return len(rows)


def _known(executions: set[Any]) -> dict[Any, dict[str, float]]:
    rows = Execution.objects.filter(pk__in=executions).values_list("pk", *PLAIN)
    return {pk: {n: float(v) for n, v in zip(PLAIN, values, strict=True) if v is not None} for pk, *values in rows}
