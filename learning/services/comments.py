"""What people wrote: feedback with words, the newest first, by pages that cost the same however deep."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from learning.models import AgentFeedback
from organizations.scope import current_organization_id

# The newest of each agent first, then the newest of those: one look into the index of feedback with words for each
# agent, and never a walk over feedback without any.
NEWEST = """
SELECT f.id FROM learning_agent a CROSS JOIN LATERAL (
  SELECT x.id FROM learning_agentfeedback x
  WHERE x.organization_id = %(organization)s AND x.agent_id = a.id
    AND (x.feedback_text <> '' OR x.correction_text <> '') AND (%(before)s::uuid IS NULL OR x.id < %(before)s)
    AND (%(kind)s = '' OR x.feedback_type = %(kind)s)
  ORDER BY x.id DESC LIMIT %(limit)s) f
WHERE a.organization_id = %(organization)s AND (%(agent)s::uuid IS NULL OR a.id = %(agent)s)
ORDER BY f.id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True)
class Comments:
    """`before`: what to ask with for the next page; None on the last."""

    rows: list[AgentFeedback]
    before: UUID | None


def newest_comments(
    *, agent_id: UUID | None = None, kind: str = "", before: UUID | None = None, limit: int = 20
) -> Comments:
    """Feedback with words, older than the piece `before`; kind: a feedback type, or '' for all."""
    given = {
        "organization": current_organization_id(),
        "agent": agent_id,
        "kind": kind,
        "before": before,
        "limit": limit + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, given)
        ids = [row[0] for row in cursor.fetchall()]
    rows = list(AgentFeedback.objects.filter(pk__in=ids[:limit]).select_related("agent").order_by("-id"))
    return Comments(rows, ids[limit - 1] if len(ids) > limit else None)
