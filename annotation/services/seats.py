"""One expert at one queue. Claims, submissions and undoing of one person take their turns on the seat's lock."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from annotation.models import AnnotationQueue, QueueSeat
from organizations.errors import Refused


class Paused(Refused):
    """The person's work at this queue is paused; the message says why."""

    status = 409


def seat_with_queue(*, queue_id: UUID, expert: Any) -> QueueSeat | None:
    """The person's seat, locked like `take_seat`, together with its queue and rubric; None before they first came."""
    seats = QueueSeat.objects.select_for_update(no_key=True, of=("self",)).select_related("queue__rubric")
    return seats.filter(queue_id=queue_id, expert=expert).first()


def take_seat(*, queue: AnnotationQueue, expert: Any) -> QueueSeat:
    """The person's seat, locked until the transaction ends; made when they come for the first time."""
    seats = QueueSeat.objects.select_for_update(no_key=True).filter(queue=queue, expert=expert)
    seat = seats.first()
    if seat is None:
        QueueSeat.objects.bulk_create([QueueSeat(queue=queue, expert=expert)], ignore_conflicts=True)
        seat = seats.get()
    return seat


def look_from_the_start(*, queue: AnnotationQueue, expert: Any) -> None:
    """Something before the person's place may be open to them again."""
    QueueSeat.objects.filter(queue=queue, expert=expert).update(passed_at=None)
