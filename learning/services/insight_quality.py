"""The quality predictor at work: for one answer, and for the examples that wait for review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from learning.engines.insight.saved import Prediction, SavedModel
from learning.models import Agent, Execution, LearningExample, QualityModel, ReviewStatus
from learning.services.insight_features import PLAIN, describe_answer
from learning.services.text_numbers import example_numbers
from organizations.errors import Conflict

MOST_WAITING = 2_000  # examples of an agent that are foretold at once
MOST_MODELS = 32  # that a process keeps at hand


def quality_model(*, agent: Agent) -> tuple[QualityModel, SavedModel] | None:
    """The newest report's model when it is used; None when there is none, or it does not beat the baselines."""
    row = _newest(agent)
    return (row, _saved(row.pk)) if row and row.used else None


def predict_quality(
    *, agent: Agent, asked: str, said: str, known: Mapping[str, float]
) -> tuple[QualityModel, Prediction]:
    """What people would say of an answer. Raises Conflict, with the reason, when there is no model that is used."""
    row = _newest(agent)
    if row is None or not row.used:
        reason = row.reason if row else "Nothing was learned about this agent yet."
        raise Conflict(f"There is no quality model in use. {reason}", "agent_id")
    return row, _saved(row.pk).predict(describe_answer(asked=asked, said=said, known=known))


def predict_waiting(*, agent: Agent) -> int:
    """Write what the model says of the examples that wait for review, whose order it decides; how many it told apart.

    Without a model in use what an earlier one said is taken back.
    """
    waiting = LearningExample.objects.filter(agent=agent, review_status=ReviewStatus.PENDING)
    if quality_model(agent=agent) is None:
        waiting.filter(predicted_quality__isnull=False).update(predicted_quality=None)
        return 0
    newest = waiting.order_by("-id").values_list("pk", flat=True)[:MOST_WAITING]
    return predict_examples(example_ids=list(newest))


def predict_examples(*, example_ids: Sequence[UUID]) -> int:
    """Write what is foretold of these examples, where their agent's model is used; of how many. Decided ones are not
    touched: what was foretold of them stays beside what was said.
    """
    waiting = LearningExample.objects.filter(pk__in=example_ids, review_status=ReviewStatus.PENDING)
    rows = list(waiting.only("id", "agent_id", "source_execution_id").order_by("id"))
    agents = Agent.objects.filter(pk__in={row.agent_id for row in rows})
    models = {agent.pk: found[1] for agent in agents if (found := quality_model(agent=agent))}
    rows = [row for row in rows if row.agent_id in models]
    if not rows:
        return 0
    numbers = example_numbers([row.pk for row in rows])
    known = _known({row.source_execution_id for row in rows if row.source_execution_id})
    for row in rows:
        features = numbers[row.pk].values | known.get(row.source_execution_id, {})
        row.predicted_quality = models[row.agent_id].predict(features).quality
    LearningExample.objects.bulk_update(rows, ["predicted_quality"], batch_size=500)
    return len(rows)


def _newest(agent: Agent) -> QualityModel | None:
    """Without its content, which may be long."""
    rows = QualityModel.objects.filter(report__agent=agent).select_related("report").order_by("-report__number")
    return rows.only("used", "reason", "report__number", "report__agent_id").first()


@lru_cache(maxsize=MOST_MODELS)
def _saved(pk: UUID) -> SavedModel:
    """A model never changes. Whoever asks has found its row, so that it is their organization's."""
    return SavedModel.from_json(QualityModel.objects.values_list("content", flat=True).get(pk=pk))


def _known(executions: set[Any]) -> dict[Any, dict[str, float]]:
    rows = Execution.objects.filter(pk__in=executions).values_list("pk", *PLAIN)
    return {pk: {n: float(v) for n, v in zip(PLAIN, values, strict=True) if v is not None} for pk, *values in rows}
