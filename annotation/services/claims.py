"""Who holds which slot. The one writer of a slot's claim: each function is one guarded UPDATE.

A claim is a lease: it is held while the token is presented, and after `lease_until` anybody may take the slot. Expiry
is a condition in each query, so nothing has to run for a lease to end.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Func, Value
from django.db.models.functions import Now

from annotation.models import AnnotationQueue, Slot, SlotStatus
from annotation.services.queues import default_queue, fill_queue
from learning.services.review import AWAITING
from organizations.errors import Conflict, Missing, Refused
from organizations.scope import current_organization_id

LEASE = timedelta(minutes=10)
RENEW = """
UPDATE annotation_slot SET lease_until = now() + %(lease)s, updated_at = now()
WHERE organization_id = %(organization)s AND queue_id = %(queue)s AND claimed_by_id = %(expert)s AND status = 'claimed'
RETURNING id
"""
# Of two who ask at the same time, the second skips the row that the first has locked.
CLAIM = """
UPDATE annotation_slot SET status = 'claimed', claimed_by_id = %(expert)s, claimed_at = now(), lease_token = %(token)s,
                           lease_until = now() + %(lease)s, updated_at = now()
WHERE id = (
  SELECT s.id FROM annotation_slot s
  WHERE s.organization_id = %(organization)s AND s.queue_id = %(queue)s
    AND s.status IN ('open', 'claimed') AND (s.status = 'open' OR s.lease_until < now())
    AND NOT %(expert)s = ANY(s.skipped_by)
    AND NOT EXISTS (
      SELECT 1 FROM annotation_expertannotation a
      WHERE a.organization_id = s.organization_id AND a.expert_id = %(expert)s AND a.example_id = s.example_id
        AND a.superseded_by_id IS NULL AND a.withdrawn_at IS NULL AND NOT a.extra)
  ORDER BY s.priority, s.tiebreak, s.waiting_since, s.id
  FOR UPDATE SKIP LOCKED LIMIT 1)
RETURNING id
"""


def claim_next(*, expert: Any, queue: AnnotationQueue | None = None) -> Slot | None:
    """The next item for this person, with a lease; None when nothing is left for them.

    What the person holds already comes first, then the configured order of example types, then the oldest. Never an
    item that the person has reviewed or skipped.
    """
    queue = queue or default_queue()
    if queue is None:
        return None
    slot = _first_awaiting(RENEW, expert, queue)
    if slot is None:
        fill_queue(queue=queue)
        slot = _first_awaiting(CLAIM, expert, queue)
    return slot


def extend_lease(*, expert: Any, slot_id: UUID, lease_token: UUID) -> datetime:
    """Hold on to a slot; until when. Raises Conflict when somebody else has it or it is finished."""
    if not held(slot_id, expert, lease_token).update(lease_until=Now() + LEASE, updated_at=Now()):
        raise _why_not_held(slot_id)
    return held(slot_id, expert, lease_token).values_list("lease_until", flat=True)[0]


def release_item(*, expert: Any, slot_id: UUID, lease_token: UUID) -> None:
    """Give the item back. Raises Conflict when it is not held any more."""
    _give_back(expert, slot_id, lease_token)


def skip_item(*, expert: Any, slot_id: UUID, lease_token: UUID) -> None:
    """Give the item back and do not offer it to this person again. Raises Conflict when it is not held any more."""
    _give_back(
        expert, slot_id, lease_token, skipped_by=Func(F("skipped_by"), Value(expert.pk), function="array_append")
    )


def recall_skipped(*, expert: Any, queue: AnnotationQueue) -> int:
    """Offer the skipped items of a queue to the person again; how many there are."""
    skipped = Slot.objects.filter(queue=queue, status=SlotStatus.OPEN, skipped_by__contains=[expert.pk])
    return skipped.update(skipped_by=Func(F("skipped_by"), Value(expert.pk), function="array_remove"))


def finish_slot(*, expert: Any, slot_id: UUID, lease_token: UUID) -> bool:
    """Mark a held slot as done; False when it is not held any more. The token stays, to know a repeated submission."""
    return bool(held(slot_id, expert, lease_token).update(status=SlotStatus.DONE, updated_at=Now()))


def reclaim_slot(*, expert: Any, slot: Slot) -> None:
    """Take back a slot that the person has done; what they hold in the queue now is given back first."""
    Slot.objects.filter(queue_id=slot.queue_id, claimed_by=expert, status=SlotStatus.CLAIMED).update(**_open_again())
    taken = Slot.objects.filter(pk=slot.pk, status=SlotStatus.DONE, claimed_by=expert).update(
        status=SlotStatus.CLAIMED, lease_token=uuid4(), lease_until=Now() + LEASE, claimed_at=Now(), updated_at=Now()
    )
    if not taken:
        raise Conflict("This review cannot be taken back any more.")


def cancel_slots(*, example_id: UUID) -> int:
    """No further review of the example is wanted; how many slots that ends."""
    waiting = Slot.objects.filter(example_id=example_id, status__in=[SlotStatus.OPEN, SlotStatus.CLAIMED])
    return waiting.update(status=SlotStatus.CANCELLED, updated_at=Now())


def held(slot_id: UUID, expert: Any, lease_token: UUID) -> Any:
    """The slot, if this person holds it by this token. A lease that ran out counts until somebody takes the slot."""
    return Slot.objects.filter(pk=slot_id, status=SlotStatus.CLAIMED, claimed_by_id=expert.pk, lease_token=lease_token)


def _first_awaiting(statement: str, expert: Any, queue: AnnotationQueue) -> Slot | None:
    """Run the statement until it gives a slot whose example still waits; others are cancelled on the way."""
    while (slot_id := _run(statement, expert, queue)) is not None:
        slot = Slot.objects.select_related("queue", "example__agent").get(pk=slot_id)
        if slot.example.review_status in AWAITING:
            return slot
        cancel_slots(example_id=slot.example_id)  # decided elsewhere meanwhile
    return None


def _run(statement: str, expert: Any, queue: AnnotationQueue) -> UUID | None:
    parameters = {
        "organization": current_organization_id(), "queue": queue.id, "expert": expert.pk,
        "token": uuid4(), "lease": LEASE,
    }  # fmt: skip
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            row = cursor.fetchone()
    except IntegrityError:  # the same person asked twice at once: the other call holds an item for them now
        return _run(RENEW, expert, queue)
    return row[0] if row else None


def _give_back(expert: Any, slot_id: UUID, lease_token: UUID, **values: Any) -> None:
    if not held(slot_id, expert, lease_token).update(**_open_again(), **values):
        raise _why_not_held(slot_id)


def _why_not_held(slot_id: UUID) -> Refused:
    if not Slot.objects.filter(pk=slot_id).exists():
        return Missing("There is no such item.")
    return Conflict("Your claim on this item has ended: somebody else has it, or it is finished.", "lease_token")


def _open_again() -> dict[str, Any]:
    return {
        "status": SlotStatus.OPEN, "claimed_by": None, "claimed_at": None, "lease_token": None, "lease_until": None,
        "updated_at": Now(),
    }  # fmt: skip
