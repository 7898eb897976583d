"""Opinions about an agent's executions in a window: what users sent and experts said, one row for each who judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q

from learning.models import Agent, AgentFeedback, FeedbackType, LearningExample
from learning.review_sources import review_sources

MOST_OPINIONS = 200_000
SCALES = ("accuracy", "helpfulness", "clarity", "completeness")  # users, 1 to 5
DISCONTENT = (FeedbackType.THUMBS_DOWN, FeedbackType.REPORT_ISSUE, FeedbackType.CORRECTION)
CONTENT_STARS, DISCONTENT_STARS = 4, 2
CORRECTS = ~Q(correction_text="") & Q(removed_at=None)  # a text past its retention is no correction any more


@dataclass(slots=True)
class Opinion:
    """What one person said about one execution or example. who: ("user", pseudonym) or ("expert", id).

    aspects: by the names of engines/insight/words.py. quality: 0 to 1 in one number, None when nothing says it.
    score: an expert's mean score. correction_id: the feedback that says what the person would have answered.
    """

    who: tuple[str, Any]
    execution_id: UUID | None = None
    example_id: UUID | None = None
    aspects: dict[str, float] = field(default_factory=dict)
    quality: float | None = None
    score: float | None = None
    correction_id: UUID | None = None


def read_opinions(*, agent: Agent, since: datetime, until: datetime) -> list[Opinion]:
    """Of users who consented and of experts; the newest first where there are more than MOST_OPINIONS."""
    found = list(_of_users(agent, since, until))
    found += _of_experts(agent, since, until, MOST_OPINIONS - len(found))
    return found


def count_opinions(*, agent: Agent, since: datetime) -> int:
    """Pieces of feedback about executions since then."""
    return AgentFeedback.objects.filter(
        agent=agent, consent=True, execution__isnull=False, created_at__gte=since
    ).count()


def _of_users(agent: Agent, since: datetime, until: datetime) -> Iterator[Opinion]:
    """Several pieces of one user about one execution are one opinion; of each aspect the newest word counts."""
    rows = AgentFeedback.objects.filter(
        agent=agent, consent=True, execution__isnull=False, created_at__gte=since, created_at__lt=until
    )
    rows = rows.annotate(corrects=ExpressionWrapper(CORRECTS, BooleanField()))
    names = ("pk", "execution_id", "user", "feedback_type", "rating", *SCALES, "corrects")
    opinions: dict[tuple[UUID, str], Opinion] = {}
    for pk, execution_id, user, kind, rating, *rest in (
        rows.order_by("-id").values_list(*names)[:MOST_OPINIONS].iterator()
    ):
        *scales, corrects = rest
        key = (execution_id, user or str(pk))  # without a pseudonym nobody knows whether they are the same person
        opinion = opinions.setdefault(key, Opinion(("user", key[1]), execution_id))
        said = {f"user.{name}": float(value) for name, value in zip(SCALES, scales, strict=True) if value is not None}
        judge(said, kind, rating)
        opinion.aspects = said | opinion.aspects
        if corrects and opinion.correction_id is None:
            opinion.correction_id = pk
    for opinion in opinions.values():
        opinion.quality = _quality_of_user(opinion.aspects)
    yield from opinions.values()


def judge(said: dict[str, float], kind: str, rating: int | None) -> None:
    """Add the stars, and whether the user was satisfied; three stars say neither."""
    if rating is not None:
        said["user.rating"] = float(rating)
    if kind == FeedbackType.THUMBS_UP or (rating or 0) >= CONTENT_STARS:
        said["user.satisfied"] = 1.0
    elif kind in DISCONTENT or (rating is not None and rating <= DISCONTENT_STARS):
        said["user.satisfied"] = 0.0


def _quality_of_user(aspects: dict[str, float]) -> float | None:
    rating = aspects.get("user.rating")
    return aspects.get("user.satisfied") if rating is None else (rating - 1) / 4


def _of_experts(agent: Agent, since: datetime, until: datetime, most: int) -> Iterator[Opinion]:
    examples = LearningExample.objects.filter(agent=agent)
    reviews = [
        review
        for source in review_sources()
        for review in source(examples=examples.values("id"), since=since, until=until, most=max(0, most))
    ]
    executions = dict(
        examples.filter(pk__in={one.example_id for one in reviews}).values_list("pk", "source_execution_id")
    )
    for review in reviews:
        aspects = {f"expert.{name}": score for name, score in review.scores.items()}
        score = sum(review.scores.values()) / len(review.scores) if review.scores else None
        if review.approved is not None:
            aspects["expert.approved"] = float(review.approved)
        if score is not None:
            aspects["expert.score"] = score
        quality = aspects.get("expert.approved") if score is None else score
        yield Opinion(
            ("expert", review.expert_id), executions.get(review.example_id), review.example_id, aspects, quality, score
        )
