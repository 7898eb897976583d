"""The rows of a person, deleted table by table in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from learning.models import (
    AgentFeedback,
    CompiledCorrection,
    Decision,
    Execution,
    ExecutionKey,
    JobChange,
    LearningExample,
    LlmResponse,
    RetrievalEvent,
    TelemetrySpan,
)
from learning.services.cluster_bands import forget_bands
from learning.services.clusters import lock_splits
from learning.services.erased_imports import remember_rows
from learning.services.erased_people import spans_of
from learning.services.example_words import forget_words
from organizations.erasers import Person, erasers, erasing

BATCH = 200


def count_rows(person: Person) -> dict[str, int]:
    """How many rows of each kind would go."""
    executions = Q(execution_id__in=person.execution_ids)
    counts = {
        "executions": len(person.execution_ids),
        "decisions": Decision.objects.filter(executions).count(),
        "retrievals": RetrievalEvent.objects.filter(executions).count(),
        "spans": len(spans_of(person)),
        "feedback": len(person.feedback_ids),
        "examples": len(person.example_ids),
        "compiled corrections": CompiledCorrection.objects.filter(example_id__in=person.example_ids).count(),
    }
    for eraser in erasers():
        counts |= eraser(person, dry_run=True)
    return counts


def delete_rows(person: Person) -> Iterator[dict[str, int]]:
    """Delete what is the person's; yields how many rows after each batch, which may be committed by itself.

    Nothing is yielded inside of `erasing()`: a transaction that is open there would outlive the step.
    """
    yield {"spans": TelemetrySpan.objects.filter(pk__in=spans_of(person)).delete()[0]}
    for eraser in erasers():
        with erasing():
            counts = eraser(person)
        yield counts
    for ids in _batches(person.example_ids):
        with erasing():
            counts = _delete_examples(ids)
        yield counts
    for ids in _batches(person.feedback_ids):
        # What others did with it is not theirs to keep: an example made of it meanwhile is found by the next look.
        free = AgentFeedback.objects.filter(pk__in=ids).exclude(pk__in=_sources("source_feedback_id", ids))
        yield {"feedback": free.delete()[0]}
    for ids in _batches(person.execution_ids):
        yield _delete_executions(ids)


def answers_since(since: datetime | None) -> QuerySet[LlmResponse]:
    """The language model's answers that may repeat somebody whose first row is of then; none where there is no row."""
    rows = LlmResponse.objects.all()
    return rows.none() if since is None else rows.filter(created_at__gte=since)


def delete_answers(*, since: datetime | None) -> int:
    """Forget the language model's answers since then: any of them may repeat what it was shown. They are a cache."""
    if since is None:
        return 0
    rows = answers_since(since)
    return rows._raw_delete(rows.db)  # type: ignore[attr-defined,no-any-return]  # nothing refers to them


def _delete_examples(ids: Sequence[UUID]) -> dict[str, int]:
    lock_splits()
    forget_bands(example_ids=ids)
    forget_words(example_ids=ids)
    remember_rows(example_ids=ids)
    made = {"compiled corrections": CompiledCorrection.objects.filter(example_id__in=ids).delete()[0]}
    changes = JobChange.objects.filter(target_id__in=ids).delete()[0]
    examples = LearningExample.objects.filter(pk__in=ids).delete()[1]
    return made | {"examples": examples.get("learning.LearningExample", 0), "changes by jobs": changes}


def _delete_executions(ids: Sequence[UUID]) -> dict[str, int]:
    free = Execution.objects.filter(pk__in=ids).exclude(pk__in=_sources("source_execution_id", ids))
    gone = list(free.values_list("pk", flat=True))
    deleted = Execution.objects.filter(pk__in=gone).delete()[1]
    ExecutionKey.objects.filter(pk__in=gone).delete()
    names = {"Execution": "executions", "Decision": "decisions", "RetrievalEvent": "retrievals",
             "TelemetrySpan": "spans", "AgentFeedback": "feedback"}  # fmt: skip
    return {named: number for model, named in names.items() if (number := deleted.get(f"learning.{model}", 0))}


def _sources(field: str, ids: Sequence[UUID]) -> Any:
    return LearningExample.objects.filter(**{f"{field[:-3]}__in": ids}).values(field)


def _batches(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
