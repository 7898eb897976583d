"""Holding a slot: taken, held on to, given back, finished, cancelled. With claim_statement the only writers of a claim.

A claim is a lease: it is held while the token is presented, and after `lease_until` anybody may take the slot. Expiry
is a condition in each query, so nothing has to run for a lease to end.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db.models import F, Func, Value
from django.db.models.functions import Now

from annotation.models import AnnotationQueue, QueueSeat, SkipPolicy, Slot, SlotKind, SlotStatus
from organizations.errors import Conflict, Missing, Refused

LEASE = timedelta(minutes=10)


def give_slot(seat: QueueSeat, slot_id: UUID) -> Slot:
    """Claim a slot that is open, run out or this person's. Raises Conflict when somebody else holds it."""
    mine = Slot.objects.filter(pk=slot_id, status=SlotStatus.CLAIMED, claimed_by_id=seat.expert_id)
    free = Slot.objects.filter(pk=slot_id, status=SlotStatus.OPEN) | Slot.objects.filter(
        pk=slot_id, status=SlotStatus.CLAIMED, lease_until__lt=Now()
    )
    if not mine.update(lease_until=Now() + LEASE, updated_at=Now()) and not free.update(**_claimed_by(seat.expert_id)):
        raise Conflict("Somebody else has this item, or it is finished.")
    QueueSeat.objects.filter(pk=seat.pk).update(holding=slot_id)
    return _loaded(slot_id)


def extend_lease(*, expert: Any, slot_id: UUID, lease_token: UUID) -> datetime:
    """Hold on to a slot; until when. Raises Conflict when somebody else has it or it is finished."""
    if not held(slot_id, expert, lease_token).update(lease_until=Now() + LEASE, updated_at=Now()):
        raise why_not_held(slot_id)
    return held(slot_id, expert, lease_token).values_list("lease_until", flat=True)[0]


def release_item(*, expert: Any, slot_id: UUID, lease_token: UUID) -> None:
    """Give the item back. Raises Conflict when it is not held any more."""
    _give_back(expert, slot_id, lease_token)


def skip_item(*, expert: Any, slot_id: UUID, lease_token: UUID, reason: str = "") -> None:
    """Give the item back and do not offer it to this person again.

    Raises Refused when the queue forbids it or asks for a reason, Conflict when the item is not held any more.
    """
    policy = Slot.objects.filter(pk=slot_id).values_list("queue__skip_policy", flat=True).first()
    if policy == SkipPolicy.NEVER:
        raise Refused("Items of this queue are not skipped. Set it aside for a manager if it cannot be judged.")
    if policy == SkipPolicy.REASON and not reason.strip():
        raise Refused("Say why you skip this item.", "reason")
    _give_back(expert, slot_id, lease_token, skipped_by=appended(expert))


def finish_slot(*, expert: Any, slot_id: UUID, lease_token: UUID) -> bool:
    """Mark a held slot as done; False when it is not held any more. The token stays, to know a repeated submission."""
    return bool(held(slot_id, expert, lease_token).update(status=SlotStatus.DONE, updated_at=Now()))


def reclaim_slot(*, expert: Any, slot: Slot) -> None:
    """Take one's finished slot again, in place of what one holds of its queue. Raises Conflict when it is another's."""
    give_back_held(expert=expert, queue=slot.queue)
    taken = Slot.objects.filter(pk=slot.pk, status=SlotStatus.DONE, claimed_by=expert).update(**_claimed_by(expert.pk))
    if not taken:
        raise Conflict("This review cannot be taken back any more.")
    QueueSeat.objects.filter(queue=slot.queue, expert=expert).update(holding=slot.pk, passed_at=None)


def give_back_held(*, expert: Any, queue: AnnotationQueue, except_slot: UUID | None = None) -> None:
    """Open what the person holds of the queue to others."""
    holding = QueueSeat.objects.filter(queue=queue, expert=expert, holding__isnull=False).values("holding")
    mine = Slot.objects.filter(pk__in=holding, status=SlotStatus.CLAIMED, claimed_by=expert)
    if except_slot is not None:
        mine = mine.exclude(pk=except_slot)
    mine.update(**open_again())


def cancel_slots(*, example_id: UUID) -> int:
    """No further review of the example is wanted; how many slots that ends."""
    waiting = Slot.objects.filter(example_id=example_id, status__in=[SlotStatus.OPEN, SlotStatus.CLAIMED])
    return waiting.exclude(kind=SlotKind.GOLD).update(status=SlotStatus.CANCELLED, updated_at=Now())


def held(slot_id: UUID, expert: Any, lease_token: UUID) -> Any:
    """The slot, if this person holds it by this token. A lease that ran out counts until somebody takes the slot."""
    return Slot.objects.filter(pk=slot_id, status=SlotStatus.CLAIMED, claimed_by_id=expert.pk, lease_token=lease_token)


def why_not_held(slot_id: UUID) -> Refused:
    if not Slot.objects.filter(pk=slot_id).exists():
        return Missing("There is no such item.")
    return Conflict("Your claim on this item has ended: somebody else has it, or it is finished.", "lease_token")


def open_again() -> dict[str, Any]:
    return {
        "status": SlotStatus.OPEN, "claimed_by": None, "claimed_at": None, "lease_token": None, "lease_until": None,
        "updated_at": Now(), "opened_at": Now(),
    }  # fmt: skip


def appended(expert: Any) -> Func:
    """skipped_by with this person."""
    return Func(F("skipped_by"), Value(expert.pk), function="array_append")


def _loaded(slot_id: UUID) -> Slot:
    return Slot.objects.select_related("queue__rubric", "example__agent").get(pk=slot_id)


def _give_back(expert: Any, slot_id: UUID, lease_token: UUID, **values: Any) -> None:
    mine = held(slot_id, expert, lease_token)
    # A gold item that is given back comes back, as any other item would: it stays with the one it was made for.
    if not values and mine.filter(kind=SlotKind.GOLD).update(updated_at=Now()):
        return
    if not mine.update(**open_again(), **values):
        raise why_not_held(slot_id)


def _claimed_by(expert_id: UUID) -> dict[str, Any]:
    return {
        "status": SlotStatus.CLAIMED, "claimed_by_id": expert_id, "claimed_at": Now(), "lease_token": uuid4(),
        "lease_until": Now() + LEASE, "updated_at": Now(),
    }  # fmt: skip
