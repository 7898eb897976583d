"""Which examples a run's winner answered worse than the current prompt, for those who may know. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models.functions import Left

from learning.models import DatasetExample, TrainingRun
from learning.services.example_story import may_know_splits
from organizations.actors import Actor
from organizations.identifiers import as_uuid

MOST_SHOWN = 20
BEGINNING = 400  # characters of a text
NAMES = ("key", "keys", "lacking")  # under which a result names examples


@dataclass(frozen=True)
class WorseCase:
    """One example of the sealed test split, its score (0-1) before and after. Texts are empty once it is erased."""

    example_id: UUID
    before: float
    after: float
    asked: str
    wanted: str


def worse_cases(run: TrainingRun, *, actor: Actor) -> list[WorseCase]:
    """The ones that lost most. One query, none for those who may not know what is sealed: they get an empty list."""
    found = _read(run.metrics)
    if not found or not may_know_splits(actor):
        return []
    shown = sorted(found, key=lambda one: one[2] - one[1])[:MOST_SHOWN]
    rows = DatasetExample.objects.filter(version=run.dataset_version_id, example__in=[key for key, _, _ in shown])
    beginnings = rows.values_list("example_id", Left("input_text", BEGINNING), Left("expected_output", BEGINNING))
    texts = {key: (asked, wanted) for key, asked, wanted in beginnings}
    return [WorseCase(key, before, after, *texts.get(key, ("", ""))) for key, before, after in shown]


def told_metrics(metrics: Any, *, actor: Actor) -> Any:
    """What a run found, without the names of examples for those who may not know which split an example is in."""
    return metrics if may_know_splits(actor) else _unnamed(metrics)


def _unnamed(value: Any) -> Any:
    """The same JSON without what names an example."""
    if isinstance(value, dict):
        return {key: _unnamed(one) for key, one in value.items() if key not in NAMES}
    return [_unnamed(one) for one in value] if isinstance(value, list) else value


def _read(metrics: Any) -> list[tuple[UUID, float, float]]:
    """(example, before, after) of what was stored; older runs stored nothing."""
    stored = metrics.get("worse_examples") if isinstance(metrics, dict) else None
    found = []
    for one in stored if isinstance(stored, list) else []:
        key = as_uuid(str(one.get("key", ""))) if isinstance(one, dict) else None
        if key and all(isinstance(one.get(name), int | float) for name in ("before", "after")):
            found.append((key, float(one["before"]), float(one["after"])))
    return found
