"""Which item a person gets: the next one of a queue, or this very one. What a claim is stands in leases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import F, Func, Q, Value
from django.utils import timezone

from annotation.models import AnnotationQueue, ExpertAnnotation, QueueSeat, Slot, SlotKind, SlotStatus
from annotation.services import claim_statement, leases
from annotation.services.claimed_rows import slot_from
from annotation.services.filling import fill_queue, fill_when_due
from annotation.services.gold import offer_gold
from annotation.services.leases import cancel_slots, give_back_held, give_slot
from annotation.services.queues import find_queue, may_work_at, queue_for
from annotation.services.seats import Paused, look_from_the_start, seat_with_queue, take_seat
from annotation.services.waiting import SKIPPED_BY_NOBODY
from learning.services.preparation import prepare_few
from learning.services.review import AWAITING
from organizations.errors import Conflict, Missing
from organizations.scope import current_organization_id

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
    return _next_of(seat_at_work(queue=queue, expert=expert), queue, expert, kind)


def claim_next_at(*, expert: Any, queue_id: UUID) -> Slot | None:
    """`claim_next` for a caller that knows the queue by its id: queue and seat come by one statement.

    Raises Missing too.
    """
    seat = seat_with_queue(queue_id=queue_id, expert=expert)
    if seat is None:
        return claim_next(expert=expert, queue=find_queue(queue_id=queue_id))
    _check_invited(seat.queue, expert)
    return _next_of(_at_work(seat), seat.queue, expert, SlotKind.REVIEW)


def _next_of(seat: QueueSeat, queue: AnnotationQueue, expert: Any, kind: str) -> Slot | None:
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
    _check_invited(queue, expert)
    return _at_work(take_seat(queue=queue, expert=expert))


def _at_work(seat: QueueSeat) -> QueueSeat:
    """The seat. Raises Paused."""
    if seat.paused_at:
        raise Paused(seat.paused_because, "queue")
    return seat


def _check_invited(queue: AnnotationQueue, expert: Any) -> None:
    if not may_work_at(queue, expert):
        raise PermissionDenied("Other experts work at this queue.")


def recall_skipped(*, expert: Any, queue: AnnotationQueue) -> int:
    """Offer the skipped items of a queue to the person again; how many there are."""
    look_from_the_start(queue=queue, expert=expert)
    waiting = Slot.objects.filter(~SKIPPED_BY_NOBODY, queue=queue, waiting=True, status=SlotStatus.OPEN)
    skipped = waiting.filter(skipped_by__contains=[expert.pk])
    return skipped.update(skipped_by=Func(F("skipped_by"), Value(expert.pk), function="array_remove"))


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
        "seat": seat.pk, "holding": seat.holding, "token": uuid4(), "lease": leases.LEASE,
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
