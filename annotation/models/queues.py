"""What waits for review, and who holds it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from learning.models import Agent, LearningExample
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel

FIRST_STAGE = "quality_check"
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def first_stages() -> list[str]:
    return [FIRST_STAGE]


def beginning() -> datetime:
    return BEGINNING


class AnnotationQueue(OrganizationModel):
    """Which examples are reviewed, how often and through which stages. An empty filter lets everything in."""

    name = models.CharField(max_length=100)
    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, null=True, blank=True, related_name="annotation_queues")
    domain = models.CharField(max_length=100, blank=True)
    example_types = ArrayField(models.CharField(max_length=15), default=list, blank=True)
    reviews_per_item = models.PositiveSmallIntegerField(default=1)
    stages = ArrayField(models.CharField(max_length=50), default=first_stages)
    active = models.BooleanField(default=True)
    filled_to = models.DateTimeField(default=beginning)  # examples made before it have their slots

    class Meta:
        verbose_name = "annotation queue"
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="annotation_queue_name_once"),
            between("reviews_per_item", 1, 20),
            models.CheckConstraint(condition=Q(stages__len__gte=1), name="annotation_queue_has_a_stage"),
        ]

    def __str__(self) -> str:
        return self.name


class SlotStatus(models.TextChoices):
    OPEN = "open", "Open"
    CLAIMED = "claimed", "Claimed"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"


class Slot(OrganizationModel):
    """One review that is wanted: a row for each example, stage and slot number.

    A claimed slot is held by whoever presents `lease_token`; after `lease_until` anybody may take it. The numbers that
    order the queue are lower for what comes first: `priority` (the example's type), `tiebreak`, `waiting_since`.
    """

    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        SlotStatus.OPEN: frozenset({SlotStatus.CLAIMED, SlotStatus.CANCELLED}),
        SlotStatus.CLAIMED: frozenset({SlotStatus.OPEN, SlotStatus.CLAIMED, SlotStatus.DONE, SlotStatus.CANCELLED}),
        SlotStatus.DONE: frozenset({SlotStatus.CLAIMED}),  # undone by the one who did it
        SlotStatus.CANCELLED: frozenset(),
    }

    queue = TenantForeignKey(AnnotationQueue, on_delete=models.RESTRICT, related_name="slots")
    example = TenantForeignKey(LearningExample, on_delete=models.CASCADE, related_name="slots")
    stage = models.CharField(max_length=50, default=FIRST_STAGE)
    number = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=10, choices=SlotStatus.choices, default=SlotStatus.OPEN)
    priority = models.SmallIntegerField(default=0)
    tiebreak = models.FloatField(default=0)
    waiting_since = models.DateTimeField()
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    skipped_by = ArrayField(models.UUIDField(), default=list, blank=True)  # people who do not want it

    class Meta:
        verbose_name = "slot"
        constraints = [
            models.UniqueConstraint(fields=["organization", "example", "stage", "number"], name="slot_once"),
            # One person holds at most one item of a queue, however fast the button is pressed.
            models.UniqueConstraint(
                fields=["organization", "queue", "claimed_by"], name="slot_held_once", condition=Q(status="claimed")
            ),
            one_of("status", SlotStatus),
            between("number", 1),
            models.CheckConstraint(
                condition=~Q(status="claimed") | Q(lease_token__isnull=False, lease_until__isnull=False),
                name="claimed_slot_has_a_lease",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "queue", "priority", "tiebreak", "waiting_since", "id"],
                name="slot_order",
                condition=Q(status__in=["open", "claimed"]),
            ),
        ]
