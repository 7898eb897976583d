"""What waits in the queues, in the order in which it will be offered. Reads only, and counts no further than needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet, Value
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual

from annotation.models import (
    AnnotationQueue,
    ExpertAnnotation,
    FlagStatus,
    ItemFlag,
    QueueSeat,
    Slot,
    SlotKind,
    SlotStatus,
)
from learning.models import LearningExample
from organizations.errors import Missing

COUNT_TO = 1_000
ORDER = ("priority", "tiebreak", "waiting_since", "id")
SKIPPED_BY_NOBODY = Q(skipped_by=[])  # what few skipped is found by an index of its own
PAST = (SlotStatus.DONE, SlotStatus.CANCELLED, SlotStatus.SET_ASIDE)


def list_slots(
    *,
    status: str = "pending",
    queue: AnnotationQueue | None = None,
    agent_id: UUID | None = None,
    domain: str = "",
    example_type: str = "",
    viewer: Any = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[Slot]:
    """What waits in queue order, what is over newest first. "pending" means open or claimed; `after` is the last slot
    of the page before. A gold item is listed for the `viewer` who holds it alone.

    Every page is read from its place in an index, however much there is. Raises Missing when `after` is no slot.
    """
    slots = _filtered(status, queue, agent_id, domain, example_type, viewer)
    past = status in PAST
    if after is not None:
        slots = slots.filter(pk__lt=after) if past else slots.filter(_behind(after))
    page = list(slots.order_by(*(["-id"] if past else ORDER)).values_list("pk", flat=True)[:limit])
    # Joined afterwards: in one statement the planner takes what follows a place for few rows, reads every example of
    # the organization and sorts.
    found = Slot.objects.select_related("queue", "example__agent", "claimed_by").in_bulk(page)
    return [found[key] for key in page if key in found]


def count_slots(**filters: Any) -> int:
    """How many there are, counted up to COUNT_TO. Filters as for `list_slots`."""
    return _filtered(**filters).order_by()[:COUNT_TO].count()


def count_for(*, expert: Any, queue: AnnotationQueue) -> int:
    """How many items the person could still get from the queue, counted up to COUNT_TO."""
    offered = _from_place(_offered(queue, expert), queue, expert)
    return offered.exclude(skipped_by__contains=[expert.pk])[:COUNT_TO].count()


def is_being_prepared(*, queue: AnnotationQueue) -> bool:
    """Whether something for the queue has come that nobody may see yet: it is redacted first, within seconds."""
    coming = LearningExample.objects.filter(prepared_version=0, review_status__in=queue.statuses)
    if queue.agent_id:
        coming = coming.filter(agent_id=queue.agent_id)
    if queue.domain:
        coming = coming.filter(domain=queue.domain)
    if queue.example_types:
        coming = coming.filter(example_type__in=queue.example_types)
    return coming.exists()


def count_skipped(*, expert: Any, queue: AnnotationQueue) -> int:
    """How many open items the person has skipped, counted up to COUNT_TO."""
    return _offered(queue, expert).filter(~SKIPPED_BY_NOBODY, skipped_by__contains=[expert.pk])[:COUNT_TO].count()


def _offered(queue: AnnotationQueue, expert: Any) -> QuerySet[Slot]:
    mine = ExpertAnnotation.objects.counted().filter(expert=expert, example=OuterRef("example"))
    held = Q(status=SlotStatus.CLAIMED, claimed_by=expert)
    slots = Slot.objects.filter(Q(status=SlotStatus.OPEN) | held, queue=queue, waiting=True, kind=SlotKind.REVIEW)
    return slots.exclude(Exists(mine))


def _from_place(slots: QuerySet[Slot], queue: AnnotationQueue, expert: Any) -> QuerySet[Slot]:
    """Those after the place before which nothing was open to this person (see claim_statement), and what they hold."""
    seat = QueueSeat.objects.filter(queue=queue, expert=expert, passed_at__isnull=False).first()
    if seat is None:
        return slots
    place = (seat.passed_priority, seat.passed_tiebreak, seat.passed_since, seat.passed_id)
    after = Q(GreaterThanOrEqual(Row(*map(F, ORDER)), _row(place)))
    fresh = Q(opened_at__gte=seat.passed_at)
    return slots.filter(after | fresh | Q(status=SlotStatus.CLAIMED, claimed_by=expert))


def _filtered(
    status: str = "pending",
    queue: AnnotationQueue | None = None,
    agent_id: UUID | None = None,
    domain: str = "",
    example_type: str = "",
    viewer: Any = None,
) -> QuerySet[Slot]:
    """Gold items are left out: nobody is told which those are. Who holds one would miss it, so they find it here."""
    held = Q(status=SlotStatus.CLAIMED, claimed_by=viewer) if viewer else Q(pk__in=[])
    slots = Slot.objects.filter(waiting=status not in PAST).exclude(Q(kind=SlotKind.GOLD) & ~held)
    if status != "pending":
        slots = slots.filter(status=status)
    if status == SlotStatus.CLAIMED:  # few among very many: found by who holds them
        slots = slots.filter(pk__in=QueueSeat.objects.filter(holding__isnull=False).values("holding"))
    if status == SlotStatus.SET_ASIDE:
        slots = slots.filter(pk__in=ItemFlag.objects.filter(status=FlagStatus.OPEN).values("slot"))
    wanted = {"queue": queue, "agent_id": agent_id, "domain": domain, "example_type": example_type}
    return slots.filter(**{name: value for name, value in wanted.items() if value})


class Row(Func):
    """Several columns compared as one, which an index in their order answers from a place in it."""

    function = "ROW"
    output_field = BooleanField()  # only ever compared with another row


def _behind(slot_id: UUID) -> GreaterThan:
    """The slots after this one in queue order."""
    last = Slot.objects.filter(pk=slot_id).values(*ORDER).first()
    if last is None:
        raise Missing("There is no such slot.", "after")
    return GreaterThan(Row(*map(F, ORDER)), _row([last[name] for name in ORDER]))


def _row(values: Sequence[Any]) -> Row:
    fields: list[Any] = [Slot._meta.get_field(name) for name in ORDER]
    return Row(*(Value(value, output_field=field) for value, field in zip(values, fields, strict=True)))
