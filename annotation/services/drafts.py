"""What a person has typed about an example. It outlives the lease, the browser's tab and the connection."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from annotation.models import AnnotationDraft
from learning.models import LearningExample
from organizations.errors import Missing, Refused

LARGEST_DRAFT = 400_000  # characters of JSON


def save_draft(*, expert: Any, example_id: UUID, content: dict[str, Any]) -> AnnotationDraft:
    """Keep what is typed in place of what was kept before.

    Raises Missing for an unknown example, Refused for a draft that is too large.
    """
    if not LearningExample.objects.filter(pk=example_id).exists():
        raise Missing("There is no such example.")
    if len(json.dumps(content)) > LARGEST_DRAFT:
        raise Refused("The draft is too large to be kept.", "content")
    draft, _ = AnnotationDraft.objects.update_or_create(
        expert=expert, example_id=example_id, defaults={"content": content}
    )
    return draft


def find_draft(*, expert: Any, example_id: UUID) -> AnnotationDraft | None:
    return AnnotationDraft.objects.filter(expert=expert, example_id=example_id).first()


def discard_draft(*, expert: Any, example_id: UUID) -> None:
    AnnotationDraft.objects.filter(expert=expert, example_id=example_id).delete()
