"""What reviewers are measured by, and what they ask a manager to look at."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotation.models.annotations import Decision
from annotation.models.queues import AnnotationQueue
from annotation.models.slots import Slot
from learning.models import LearningExample
from organizations.constraints import one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class GoldItem(OrganizationModel):
    """An example whose right decision is known. Experts get it as any other item; their answers decide nothing.

    `shown_output` is what they are asked to judge; `right_answers` holds the answers to the rubric that are right.
    """

    queue = TenantForeignKey(AnnotationQueue, on_delete=models.CASCADE, related_name="gold_items")
    example = TenantForeignKey(LearningExample, on_delete=models.CASCADE, related_name="gold_items")
    right_decision = models.CharField(max_length=15, choices=Decision.choices)
    right_answers: Any = models.JSONField(default=dict, blank=True)
    shown_output = models.TextField(blank=True)
    explanation = models.TextField(blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        verbose_name = "gold item"
        constraints = [
            models.UniqueConstraint(fields=["organization", "queue", "example"], name="gold_item_once"),
            one_of("right_decision", Decision),
        ]


class FlagReason(models.TextChoices):
    UNCLEAR = "unclear", "It cannot be judged as it is"
    PERSONAL_DATA = "personal_data", "It holds personal data"
    UNSAFE = "unsafe", "It is unsafe"
    DUPLICATE = "duplicate", "It is there twice"
    WRONG_QUEUE = "wrong_queue", "It belongs elsewhere"
    OTHER = "other", "Something else"


class FlagStatus(models.TextChoices):
    OPEN = "open", "Open"
    DISMISSED = "dismissed", "Dismissed: the item is back in its queue"
    REMOVED = "removed", "The example was rejected"


class ItemFlag(OrganizationModel):
    """An expert set an item aside and asks a manager to look at it."""

    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        FlagStatus.OPEN: frozenset({FlagStatus.DISMISSED, FlagStatus.REMOVED}),
        FlagStatus.DISMISSED: frozenset(),
        FlagStatus.REMOVED: frozenset(),
    }

    slot = TenantForeignKey(Slot, on_delete=models.CASCADE, related_name="flags")
    expert = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    reason = models.CharField(max_length=15, choices=FlagReason.choices)
    note = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=FlagStatus.choices, default=FlagStatus.OPEN)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "flag"
        constraints = [one_of("reason", FlagReason), one_of("status", FlagStatus)]
        indexes = [
            models.Index(fields=["organization", "-created_at"], name="flag_open", condition=Q(status="open")),
        ]
