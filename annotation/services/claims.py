"""Who holds which slot. The one writer of a slot's claim.

A claim is a lease: it is held while the token is presented, and after `lease_until` anybody may take the slot. Expiry
is a condition in each query, so nothing has to run for a lease to end.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now
from django.utils import timezone

from annotation.models import AnnotationQueue, ExpertAnnotation, QueueSeat, SkipPolicy, Slot, SlotKind, SlotStatus
from annotation.services import claim_statement
from annotation.services.claimed_rows import slot_from
from annotation.services.filling import fill_queue, fill_when_due
from annotation.services.gold import offer_gold
from annotation.services.queues import may_work_at, queue_for
from annotation.services.seats import Paused, look_from_the_start, take_seat
from annotation.services.waiting import SKIPPED_BY_NOBODY
from learning.services.preparation import prepare_few
from learning.services.review import AWAITING
from organizations.errors import Conflict, Missing, Refused
from organizations.scope import current_organization_id

LEASE = timedelta(minutes=10)
PLACE_GOOD_FOR = timedelta(minutes=10)  # then the whole order is looked through again, whatever happened meanwhile
LATE = timedelta(seconds=10)  # a slot shows as free when its transaction ends, which may be that much later
AGAIN_AFTER = timedelta(seconds=5)  # how often somebody for whom nothing is left makes us look everywhere


def claim_next(*, expert: Any, queue: AnnotationQueue | None = None, kind: str = SlotKind.REVIEW) -> Slot | None:
    """The next item for this person, with a lease; None when nothing is left for them.

    What the person holds already comes first, then the configured order of example types, then severity, disagreement,
    uncertainty and age. Never an item that the person has reviewed or skipped. Raises Paused, and PermissionDenied
    where others work.
    """
    queue = queue or queue_for(expert=expert)
    if queue is None:
        return None
    # In the transaction of the caller's scope: a savepoint would cost two more round trips.
    seat = seat_at_work(queue=queue, expert=expert)
    fill_when_due(queue=queue)
    slot_id = offer_gold(seat=seat, queue=queue, expert=expert) if kind == SlotKind.REVIEW else None
    slot = give_slot(seat, slot_id) if slot_id else _first_awaiting(seat, queue, kind)
    if slot is None and _more_came(queue):
        seat.passed_at = None
        slot = _first_awaiting(seat, queue, kind)
    if slot is not None:
        slot.claimed_by = expert  # or whoever shows it would ask for them again
    return slot


def claim_slot(*, expert: Any, slot_id: UUID, adjudicates: bool = False) -> Slot:
    """This very item, for instance from a plan. Raises Missing, and Conflict when it is not free for this person.

    An item of the same queue that the person holds is given back. `adjudicates`: the person may decide disputes; else
    a disputed item raises PermissionDenied. A gold item is there for the one who holds it, as any other item is.
    """
    others_gold = Q(kind=SlotKind.GOLD) & ~Q(status=SlotStatus.CLAIMED, claimed_by=expert)
    slot = Slot.objects.select_related("queue").filter(pk=slot_id).exclude(others_gold).first()
    if slot is None:
        raise Missing("There is no such item.")
    if slot.kind == SlotKind.ADJUDICATION and not adjudicates:
        raise PermissionDenied("A manager decides about disputed items.")
    with transaction.atomic():
        seat = seat_at_work(queue=slot.queue, expert=expert)
        reviewed = ExpertAnnotation.objects.counted().filter(
            expert=expert, example_id=slot.example_id, round=slot.round
        )
        if reviewed.exists():
            raise Conflict("You have reviewed this item already.")
        give_back_held(expert=expert, queue=slot.queue, except_slot=slot_id)
        return give_slot(seat, slot_id)


def seat_at_work(*, queue: AnnotationQueue, expert: Any) -> QueueSeat:
    """The locked seat of somebody who may work at the queue now. Raises PermissionDenied and Paused."""
    if not may_work_at(queue, expert):
        raise PermissionDenied("Other experts work at this queue.")
    seat = take_seat(queue=queue, expert=expert)
    if seat.paused_at:
        raise Paused(seat.paused_because, "queue")
    return seat


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


def recall_skipped(*, expert: Any, queue: AnnotationQueue) -> int:
    """Offer the skipped items of a queue to the person again; how many there are."""
    look_from_the_start(queue=queue, expert=expert)
    waiting = Slot.objects.filter(~SKIPPED_BY_NOBODY, queue=queue, waiting=True, status=SlotStatus.OPEN)
    skipped = waiting.filter(skipped_by__contains=[expert.pk])
    return skipped.update(skipped_by=Func(F("skipped_by"), Value(expert.pk), function="array_remove"))


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


def _first_awaiting(seat: QueueSeat, queue: AnnotationQueue, kind: str) -> Slot | None:
    """Claim until it gives a slot whose example still waits; others are cancelled on the way."""
    while (slot := _claim(seat, queue, kind)) is not None:
        if slot.kind == SlotKind.GOLD or slot.example.review_status in {*AWAITING, *queue.statuses}:
            return slot
        cancel_slots(example_id=slot.example_id)  # decided elsewhere meanwhile
    return None


def _more_came(queue: AnnotationQueue) -> bool:
    """Look for more now; what was given a moment ago is prepared first rather than left to a worker."""
    prepare_few()
    return bool(fill_queue(queue=queue)) or _just_opened(queue)


def _just_opened(queue: AnnotationQueue) -> bool:
    """Somebody else has filled the queue in this moment: our own filling found nothing left to do."""
    return Slot.objects.filter(queue=queue, waiting=True, opened_at__gte=timezone.now() - LATE).exists()


def values_of(seat: QueueSeat, organization_id: UUID, kind: str) -> dict[str, Any]:
    """The parameters of the claiming statement, whichever place it starts from."""
    return {
        "organization": organization_id, "queue": seat.queue_id, "expert": seat.expert_id, "kind": str(kind),
        "seat": seat.pk, "holding": seat.holding, "token": uuid4(), "lease": LEASE,
        "priority": seat.passed_priority, "tiebreak": seat.passed_tiebreak, "since": seat.passed_since,
        "id": seat.passed_id, "opened": seat.passed_at and seat.passed_at - LATE,
    }  # fmt: skip


def _claim(seat: QueueSeat, queue: AnnotationQueue, kind: str) -> Slot | None:
    now, at = timezone.now(), seat.passed_at
    values = values_of(seat, current_organization_id(), kind)
    row = None
    from_place = kind == SlotKind.REVIEW and at is not None and at > now - PLACE_GOOD_FOR
    if from_place:
        row = _run(claim_statement.FROM_THE_PLACE, values)
    if row is None and (not from_place or at is None or at <= now - AGAIN_AFTER):
        row = _run(claim_statement.FROM_THE_START, values)
    return slot_from(row, queue) if row else None


def _run(statement: str, values: dict[str, Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


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
