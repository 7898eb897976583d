"""What waits in the queues, in the order in which it will be offered. Reads only, and counts no further than needed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation.models import AnnotationQueue, ExpertAnnotation, Slot, SlotStatus
from organizations.errors import Missing

COUNT_TO = 1_000
ORDER = ("priority", "tiebreak", "waiting_since", "id")
WAITING = (SlotStatus.OPEN, SlotStatus.CLAIMED)


def list_slots(
    *,
    status: str = "pending",
    queue: AnnotationQueue | None = None,
    agent_id: UUID | None = None,
    domain: str = "",
    after: UUID | None = None,
    limit: int = 50,
) -> list[Slot]:
    """Slots in queue order. "pending" means open or claimed; `after` is the last slot of the page before.

    Raises Missing when `after` is no slot.
    """
    slots = _filtered(status, queue, agent_id, domain)
    if after is not None:
        slots = slots.filter(_behind(after))
    return list(slots.select_related("queue", "example__agent", "claimed_by").order_by(*ORDER)[:limit])


def count_slots(
    *, status: str = "pending", queue: AnnotationQueue | None = None, agent_id: UUID | None = None, domain: str = ""
) -> int:
    """How many there are, counted up to COUNT_TO."""
    return _filtered(status, queue, agent_id, domain).order_by()[:COUNT_TO].count()


def count_for(*, expert: Any, queue: AnnotationQueue) -> int:
    """How many items the person could still get from the queue, counted up to COUNT_TO."""
    return _offered(queue, expert).exclude(skipped_by__contains=[expert.pk])[:COUNT_TO].count()


def count_skipped(*, expert: Any, queue: AnnotationQueue) -> int:
    """How many open items the person has skipped, counted up to COUNT_TO."""
    return _offered(queue, expert).filter(skipped_by__contains=[expert.pk])[:COUNT_TO].count()


def _offered(queue: AnnotationQueue, expert: Any) -> QuerySet[Slot]:
    mine = ExpertAnnotation.objects.counted().filter(expert=expert, example=OuterRef("example"))
    held = Q(status=SlotStatus.CLAIMED, claimed_by=expert)
    return Slot.objects.filter(Q(status=SlotStatus.OPEN) | held, queue=queue).exclude(Exists(mine))


def _filtered(status: str, queue: AnnotationQueue | None, agent_id: UUID | None, domain: str) -> QuerySet[Slot]:
    slots = Slot.objects.filter(status__in=WAITING) if status == "pending" else Slot.objects.filter(status=status)
    if queue is not None:
        slots = slots.filter(queue=queue)
    if agent_id is not None:
        slots = slots.filter(example__agent_id=agent_id)
    if domain:
        slots = slots.filter(example__domain=domain)
    return slots


def _behind(slot_id: UUID) -> Q:
    """The slots after this one in queue order."""
    last = Slot.objects.filter(pk=slot_id).values(*ORDER).first()
    if last is None:
        raise Missing("There is no such slot.", "after")
    condition, equal = Q(), Q()
    for name in ORDER:
        condition |= equal & Q(**{f"{name}__gt": last[name]})
        equal &= Q(**{name: last[name]})
    return Q(priority__gte=last["priority"]) & condition
