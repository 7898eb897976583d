"""Batches: each item is accepted or refused on its own, with its index and the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rest_framework.exceptions import ValidationError

from learning.api.doors import Answer
from learning.api.serializers.compiled import CompiledSerializer
from learning.services.intake import MAX_BATCH, Outcome
from organizations.errors import Refused
from organizations.problems import field_errors

Item = dict[str, Any]
Store = Callable[[Sequence[Item]], list[Outcome]]


def answer_batch(data: Any, rules: CompiledSerializer, store: Store, prepare: Callable[[int, Any], Any]) -> Answer:
    """Validate each item, store the valid ones together, and report on all of them.

    `prepare(index, item)` may change an item before it is validated.
    """
    results: list[dict[str, Any]] = []
    valid: list[tuple[int, Item]] = []
    for index, item in enumerate(read_items(data)):
        results.append({"index": index})
        try:
            valid.append((index, rules.run_validation(prepare(index, item))))
        except ValidationError as error:
            results[index] |= {"status": 400, "errors": list(field_errors(error.detail))}
    outcomes = store([item for _, item in valid]) if valid else []
    for (index, _), outcome in zip(valid, outcomes, strict=True):
        results[index] |= _result(outcome)
    return 200, {"results": results}


def read_items(data: Any) -> list[Any]:
    """The items of `{"items": [...]}`. Raises ValidationError for anything else."""
    if not isinstance(data, dict):
        raise ValidationError({"body": ['Send an object: {"items": [...]}.']})
    unknown = sorted(set(data) - {"items"})
    if unknown:
        raise ValidationError({name: ["Unknown field. Known are: items."] for name in unknown[:20]})
    items = data.get("items")
    if not isinstance(items, list):
        raise ValidationError({"items": ["This must be a list."]})
    if not 1 <= len(items) <= MAX_BATCH:
        raise ValidationError({"items": [f"Send from 1 to {MAX_BATCH} items; these are {len(items)}."]})
    return items


def _result(outcome: Outcome) -> dict[str, Any]:
    refusal: Refused | None = outcome.refusal
    if refusal is None:
        return {"status": 201, "id": str(outcome.id)}
    return {"status": refusal.status, "errors": [{"field": refusal.field or "body", "message": refusal.message}]}
