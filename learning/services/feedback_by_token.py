"""Feedback from a page that has a signed token and no key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from learning.services.intake import Outcome
from organizations.errors import Conflict, Forbidden
from organizations.tokens import FeedbackGrant

Store = Callable[[Mapping[str, Any]], Outcome]
NAMED = ("agent_id", "execution_id", "user_id")


def submit_feedback_by_token(*, grant: FeedbackGrant, item: Mapping[str, Any], store: Store) -> Outcome:
    """Store what the token allows, once for each type of feedback: a token that is sent again and again stays bounded.

    `store` stores an item, and registers an agent that is unknown: the server that signed the token has named it.
    Raises Forbidden for what the token does not name, Conflict when it has stored other feedback of this type, and what
    `store` raises.
    """
    kind = item["feedback_type"]
    if grant.types is not None and kind not in grant.types:
        raise Forbidden(f"This token allows {', '.join(sorted(grant.types))}.", "feedback_type")
    named = {name: getattr(grant, name) for name in NAMED if getattr(grant, name)}
    for name, value in named.items():
        if item.get(name, value) != value:
            raise Forbidden("This token was made for another one.", name)
    once = {"idempotency_key": f"ft:{grant.token_id}:{kind}"}
    try:
        return store({**item, **named, **once})
    except Conflict as error:
        if error.field != "idempotency_key":
            raise
        raise Conflict(
            f"This token has stored another piece of feedback of the type {kind}.", "feedback_type"
        ) from error
