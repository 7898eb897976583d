"""What experts said about examples, one opinion each, for whoever learns from opinions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from annotation.models import Decision, ExpertAnnotation
from annotation.models.annotations import SCORES
from learning.review_sources import Review

VERDICTS = {Decision.APPROVE: True, Decision.REJECT: False}


def given_reviews(*, examples: Any, since: datetime, until: datetime, most: int) -> Iterator[Review]:
    """Fits learning.review_sources.ReviewSource. Those of people whose account is gone are left out."""
    said = ExpertAnnotation.objects.counted().filter(
        example__in=examples, created_at__gte=since, created_at__lt=until, expert__isnull=False
    )
    for row in said.order_by("-id").only("example_id", "expert_id", "decision", *SCORES)[:most]:
        scores = {name: float(score) for name in SCORES if (score := getattr(row, name)) is not None}
        yield Review(row.example_id, row.expert_id, VERDICTS.get(Decision(row.decision)), scores)
