"""One piece of feedback in one round trip, where nothing about it is out of the ordinary."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection
from uuid_utils.compat import uuid7

from learning.models import ISSUE_CATEGORIES
from learning.services.feedback import REUSED_KEY, teaches
from learning.services.feedback_rules import current_rules
from learning.services.intake import Outcome, digest_of
from organizations.errors import Conflict
from organizations.identifiers import as_uuid

ORDINARY = frozenset(ISSUE_CATEGORIES)


def submit_ordinary_feedback(*, organization_id: UUID, item: Mapping[str, Any]) -> Outcome | None:
    """Store one piece of feedback as `submit_feedback` does; None when it has to be asked, and nothing was stored.

    Needs no scope: the statement is a transaction of its own, or a part of the one that is open. Raises Refused or
    Conflict. Asked are: unknown agents, our ids in the place of the application's names, an organization's own
    categories.
    """
    categories = item.get("issue_categories")
    if (categories and not ORDINARY.issuperset(categories)) or as_uuid(item.get("execution_id", "")):
        return None
    current_rules().check(item)
    row = {
        **item,
        "id": str(uuid7()),
        "consent": item.get("consent", True),
        "digest": digest_of({name: value for name, value in item.items() if name != "idempotency_key"}),
    }
    if teaches(item):
        row["example_id"] = str(uuid7())
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM take_feedback(%s, %s)", [organization_id, json.dumps(row)])
        outcome, stored = cursor.fetchone()
    if outcome == "unsure":
        return None
    if outcome == "conflict":
        raise Conflict(REUSED_KEY, "idempotency_key")
    return Outcome(id=stored, replayed=outcome == "replayed")
