"""What waits for review, and who holds it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotation.models.queues import FIRST_STAGE, AnnotationQueue
from learning.models import Agent, LearningExample
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class SlotStatus(models.TextChoices):
    OPEN = "open", "Open"
    CLAIMED = "claimed", "Claimed"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"
    SET_ASIDE = "set_aside", "Set aside"


class SlotKind(models.TextChoices):
    REVIEW = "review", "Review"
    ADJUDICATION = "adjudication", "Adjudication"
    GOLD = "gold", "Gold"


WAITING = (SlotStatus.OPEN, SlotStatus.CLAIMED)


class Slot(OrganizationModel):
    """One review that is wanted: a row for each example, stage and slot number (and round, when it came back).

    A claimed slot is held by whoever presents `lease_token`; after `lease_until` anybody may take it. The numbers that
    order the queue are lower for what comes first: `priority` (the example's type), `tiebreak` (severity, then
    disagreement, then uncertainty), `waiting_since`. Agent, domain and type are the example's when it came in.
    No index holds `status` or whose claim it is, so that claiming writes no index (a heap-only update).
    """

    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        SlotStatus.OPEN: frozenset({SlotStatus.CLAIMED, SlotStatus.CANCELLED}),
        SlotStatus.CLAIMED: frozenset(
            {SlotStatus.OPEN, SlotStatus.CLAIMED, SlotStatus.DONE, SlotStatus.CANCELLED, SlotStatus.SET_ASIDE}
        ),
        SlotStatus.DONE: frozenset({SlotStatus.CLAIMED}),  # undone by the one who did it
        SlotStatus.SET_ASIDE: frozenset({SlotStatus.OPEN, SlotStatus.CANCELLED}),
        SlotStatus.CANCELLED: frozenset(),
    }

    queue = TenantForeignKey(AnnotationQueue, on_delete=models.RESTRICT, related_name="slots")
    example = TenantForeignKey(LearningExample, on_delete=models.CASCADE, related_name="slots")
    kind = models.CharField(max_length=12, choices=SlotKind.choices, default=SlotKind.REVIEW)
    stage = models.CharField(max_length=50, default=FIRST_STAGE)
    round = models.PositiveSmallIntegerField(default=1)
    number = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=10, choices=SlotStatus.choices, default=SlotStatus.OPEN)
    waiting = models.GeneratedField(
        expression=models.Case(models.When(status__in=WAITING, then=True), default=False),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    priority = models.SmallIntegerField(default=0)
    tiebreak = models.FloatField(default=0)
    waiting_since = models.DateTimeField()
    opened_at = models.DateTimeField(db_default=Now())  # when it last became free to be claimed
    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    domain = models.CharField(max_length=100, blank=True, db_default="")
    example_type = models.CharField(max_length=15, blank=True, db_default="")
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
            models.UniqueConstraint(
                fields=["organization", "example", "stage", "round", "kind", "number"], name="slot_once"
            ),
            one_of("status", SlotStatus),
            one_of("kind", SlotKind),
            between("number", 1),
            between("round", 1),
            models.CheckConstraint(
                condition=~Q(status="claimed") | Q(lease_token__isnull=False, lease_until__isnull=False),
                name="claimed_slot_has_a_lease",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "queue", "kind", "priority", "tiebreak", "waiting_since", "id"],
                name="slot_order",
                condition=Q(waiting=True),
            ),
            models.Index(fields=["organization", "queue", "number"], name="slot_added", condition=Q(waiting=True)),
            models.Index(
                fields=["organization", "queue"], name="slot_skipped", condition=Q(waiting=True) & ~Q(skipped_by=[])
            ),
            models.Index(fields=["organization", "queue", "opened_at"], name="slot_opened", condition=Q(waiting=True)),
            *(
                models.Index(
                    fields=["organization", *first, "priority", "tiebreak", "waiting_since", "id"],
                    name=name,
                    condition=Q(waiting=True),
                )
                for name, first in (
                    ("slot_list", []),
                    ("slot_of_agent", ["agent"]),
                    ("slot_of_domain", ["domain"]),
                    ("slot_of_type", ["example_type"]),
                )
            ),
            models.Index(fields=["organization", "-id"], name="slot_past", condition=Q(waiting=False)),
        ]
