"""Storing feedback that was said elsewhere, with the time when it was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from learning.models import AgentFeedback
from learning.services.feedback import submit_feedback_batch
from learning.services.intake import Outcome
from organizations.scope import current_organization_id

# The statistics notice a change of this time, as any change of a row.
BACKDATE = """
UPDATE learning_agentfeedback f SET created_at = given.said_at
FROM unnest(%s::uuid[], %s::timestamptz[]) AS given(id, said_at) WHERE f.organization_id = %s AND f.id = given.id
"""


def import_feedback(*, items: Sequence[Mapping[str, Any]], said_at: Sequence[datetime | None]) -> list[Outcome]:
    """As `submit_feedback_batch`, with unknown agents registered; what is new counts at the time when it was said."""
    outcomes = submit_feedback_batch(items=items, may_register=True)
    now = timezone.now()
    earlier = {
        outcome.id: moment
        for outcome, moment in zip(outcomes, said_at, strict=True)
        if outcome.id and not outcome.replayed and moment and moment < now
    }
    if earlier:
        with connection.cursor() as cursor:
            cursor.execute(BACKDATE, [list(earlier), list(earlier.values()), current_organization_id()])
    return outcomes


def count_joined(*, ids: Sequence[UUID]) -> int:
    """How many of these pieces of feedback have their execution; the others wait for it."""
    return AgentFeedback.objects.filter(pk__in=ids, execution__isnull=False).count()
