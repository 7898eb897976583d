"""Which rows are complete: up to when nothing can be stored any more that is as old.

Every row that is stored within a minute of its `created_at` had taken its transaction's number by then, so: what was
created more than a minute before a transaction began is complete as soon as every transaction with a lower number has
ended. Rows that are stored later than that have to be noticed in another way: by a trigger.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

SETTLED = timedelta(minutes=1)  # the triggers feedback_stored_late and *_outcome_late have the same
# now() is when this transaction began, before it took its number: every number that was taken by then is lower.
# The snapshot is that of a later statement than the one that took the number.
TICK = "SELECT pg_current_xact_id()::text::bigint, now()"
HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


@dataclass(frozen=True, slots=True)
class Settled:
    """Before `until` everything is there (None: nothing more than was known); what is noted down for the next call."""

    until: datetime | None
    pending_until: datetime | None
    pending_transaction: int | None


def settled_until(
    *, reached: datetime | None, pending_until: datetime | None, pending_transaction: int | None
) -> Settled:
    """Up to when rows are complete now; `reached` is what was told before.

    While transactions are open the moment is noted down, for a call after they have ended. A noted number from the
    future comes from another server, whose data was restored here.
    """
    number, begun = _one(TICK)
    horizon = _one(HORIZON)[0]
    settled = begun - SETTLED
    if horizon >= number:
        # A call that finds less than a minute would find the same again at once.
        return Settled(settled if reached is None or settled > reached else None, None, None)
    noted = pending_until if reached is None or pending_until is None or reached < pending_until else None
    if noted is None or pending_transaction is None or pending_transaction > number:
        return Settled(None, settled, number)
    return Settled(noted if pending_transaction <= horizon else None, pending_until, pending_transaction)


def _one(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()
