"""The scores that experts gave, for whoever learns from them."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import Q

from annotation.models import Decision, ExpertAnnotation
from annotation.models.annotations import SCORES
from annotation.services.stages import mean_score

SCORED = Q(*((f"{name}__isnull", False) for name in SCORES), _connector=Q.OR)


def given_scores(*, examples: Any, most: int) -> dict[UUID, float]:
    """The mean of what experts who approved an example gave, 0-1: see learning.score_sources.ScoreSource."""
    said = ExpertAnnotation.objects.counted().filter(SCORED, decision=Decision.APPROVE, example__in=examples)
    said = said.only("example_id", *SCORES).order_by("example_id", "id")
    found: dict[UUID, float] = {}
    for example_id, opinions in groupby(said.iterator(), lambda one: one.example_id):
        mean = mean_score(list(opinions))
        if mean is not None:
            found[example_id] = mean
        if len(found) == most:
            break
    return found
