"""Feedback in bulk, and its statistics straight from the rows: what tests and benchmarks compare the fast answer with.

Written with the ORM and not with the statements of learning/services, so that a mistake there shows here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Func, Q, QuerySet, Sum
from django.db.models.functions import Trunc

from learning.models import AgentFeedback, FeedbackType
from learning.services.reading_plan import Span
from organizations.scope import current_organization_id

RATED = Q(feedback_type__in=[FeedbackType.THUMBS_UP, FeedbackType.THUMBS_DOWN]) | Q(rating__isnull=False)
POSITIVE = Q(feedback_type=FeedbackType.THUMBS_UP) | Q(rating__gte=4) & ~Q(feedback_type=FeedbackType.THUMBS_DOWN)
NEGATIVE = Q(feedback_type__in=[FeedbackType.THUMBS_DOWN, FeedbackType.REPORT_ISSUE]) | Q(rating__lte=2)
MEANS = ("rating", "accuracy", "helpfulness", "clarity", "completeness")
NUMBERS: dict[str, Any] = {
    "total": Count("id"),
    **{name: Count("id", filter=Q(feedback_type=name)) for name in FeedbackType.values},
    "rated": Count("id", filter=RATED),
    "positive": Count("id", filter=POSITIVE),
    "negative": Count("id", filter=NEGATIVE),
    **{f"{name}_sum": Sum(name, default=0) for name in MEANS},
    **{f"{name}_count": Count(name) for name in MEANS},
}
# The key begins with the milliseconds of created_at, as UUIDv7 does, so that rows lie on disk in the order of time.
# Hashes of the row's number stand for chance: the same numbers make the same rows.
GENERATE = """
INSERT INTO learning_agentfeedback (
  id, organization_id, created_at, updated_at, agent_id, execution_external_id, "user", feedback_type,
  rating, accuracy, helpfulness, feedback_text, correction_text, issue_categories, consent, digest)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || left(md5(n::text || %(seed)s), 3)
    || '8' || substr(md5(n::text || %(seed)s), 4, 15))::uuid, %(organization)s, at, at,
  (%(agents)s::uuid[])[1 + (chance >> 3) %% cardinality(%(agents)s::uuid[])], '', 'user-' || n %% 1000, type,
  CASE WHEN type = 'star_rating' OR chance %% 7 = 0 THEN 1 + (chance >> 9) %% 5 END,
  CASE WHEN chance %% 5 = 0 THEN 1 + (chance >> 12) %% 5 END,
  CASE WHEN chance %% 11 = 0 THEN 1 + (chance >> 15) %% 5 END,
  CASE WHEN chance %% 10 = 0 THEN 'Words of user ' || n ELSE '' END,
  CASE WHEN type = 'correction' THEN 'It should say ' || n ELSE '' END,
  CASE WHEN type IN ('thumbs_down', 'report_issue')
    THEN (%(categories)s::varchar[])[1 + (chance >> 6) %% 6 : 1 + (chance >> 6) %% 6 + (chance >> 18) %% 3]
    ELSE '{}'::varchar[] END,
  true, ''
FROM (SELECT n, chance, (%(types)s::text[])[1 + chance %% 13 %% 6] AS type,
    %(since)s + (%(until)s::timestamptz - %(since)s::timestamptz) * (n - %(first)s + 0.5) / %(count)s AS at
  FROM (SELECT n, hashtext(n::text || %(seed)s) & 2147483647 AS chance
    FROM generate_series(%(first)s::bigint, %(first)s + %(count)s - 1) n) numbered) made
"""
CATEGORIES = ("incorrect", "incomplete", "unclear", "tone", "outdated", "other", "unsafe", "formatting")


def make_feedback(*, agents: list[UUID], span: Span, count: int, first: int = 0, seed: str = "") -> None:
    """Store `count` rows of the agents in scope, spread evenly over the span."""
    given: dict[str, Any] = {
        "organization": current_organization_id(),
        "agents": agents,
        "since": span.start,
        "until": span.end,
        "count": count,
        "first": first,
        "seed": seed,
        "types": FeedbackType.values,
        "categories": list(CATEGORIES),
    }
    with connection.cursor() as cursor:
        cursor.execute(GENERATE, given)


def count_rows(*, span: Span, agent_id: UUID | None = None, bucket: str = "") -> dict[datetime | None, dict[str, int]]:
    """The numbers of each bucket that has feedback."""
    rows = _rows(span, agent_id)
    if not bucket:
        sums = rows.aggregate(**NUMBERS)
        return {None: sums} if sums["total"] else {}
    grouped: Any = rows.annotate(bucket=Trunc("created_at", bucket)).values("bucket").annotate(**NUMBERS).order_by()
    return {row.pop("bucket"): row for row in grouped}


def count_issues(*, span: Span, agent_id: UUID | None = None) -> dict[str, dict[str, int]]:
    """The numbers of each category that was named."""
    rows: Any = (
        _rows(span, agent_id)
        .annotate(category=Func(F("issue_categories"), function="unnest"))
        .values("category")
        .annotate(total=Count("id"), rating_sum=Sum("rating", default=0), rating_count=Count("rating"))
        .order_by()
    )
    return {row.pop("category"): row for row in rows}


def _rows(span: Span, agent_id: UUID | None) -> QuerySet[AgentFeedback]:
    rows = AgentFeedback.objects.filter(created_at__gte=span.start, created_at__lt=span.end)
    return rows.filter(agent=agent_id) if agent_id else rows
