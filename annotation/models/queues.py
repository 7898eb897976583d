"""Which examples are reviewed, by whom, and by which rules."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from annotation.models.rubrics import Rubric
from learning.models import Agent, ReviewStatus
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel

FIRST_STAGE = "quality_check"
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
EXTRA_REVIEWS = 2  # reviewers added for a disagreement when the queue names no maximum


def first_stages() -> list[str]:
    return [FIRST_STAGE]


def first_statuses() -> list[str]:
    return [ReviewStatus.PENDING]


def beginning() -> datetime:
    return BEGINNING


class SkipPolicy(models.TextChoices):
    FREE = "free", "Anybody may skip"
    REASON = "reason", "Only with a reason"
    NEVER = "never", "Nobody may skip"


class AfterReject(models.TextChoices):
    OUT = "out", "The example is rejected"
    REVISION = "revision", "The example goes back for revision"


class AnnotationQueue(OrganizationModel):
    """Which examples are reviewed, how often, through which stages and by whom. An empty filter lets everything in.

    Shares run from 0 to 1: `disagreement_threshold` (share of opinions against the most frequent one beyond which a
    reviewer is added), `gold_share` (of the items given), `gold_bar` (accuracy below which an expert is paused),
    `audit_share` (of what could be approved by itself and still goes to people).
    """

    name = models.CharField(max_length=100)
    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, null=True, blank=True, related_name="annotation_queues")
    domain = models.CharField(max_length=100, blank=True)
    example_types = ArrayField(models.CharField(max_length=15), default=list, blank=True)
    statuses = ArrayField(models.CharField(max_length=15), default=first_statuses)
    rubric = TenantForeignKey(Rubric, on_delete=models.PROTECT, null=True, blank=True, related_name="queues")
    reviews_per_item = models.PositiveSmallIntegerField(default=1)
    max_reviews = models.PositiveSmallIntegerField(null=True, blank=True)
    disagreement_threshold = models.FloatField(default=0.5)
    stages = ArrayField(models.CharField(max_length=50), default=first_stages)
    experts = ArrayField(models.UUIDField(), default=list, blank=True)  # empty: every expert of the organization
    blind = models.BooleanField(default=True)  # reviewers of one stage do not see each other's opinions
    skip_policy = models.CharField(max_length=10, choices=SkipPolicy.choices, default=SkipPolicy.FREE)
    on_reject = models.CharField(max_length=10, choices=AfterReject.choices, default=AfterReject.OUT)
    gold_share = models.FloatField(default=0)
    gold_bar = models.FloatField(default=0.7)
    gold_minimum = models.PositiveSmallIntegerField(default=5)
    auto_approve = models.BooleanField(default=False)
    audit_share = models.FloatField(default=0.1)
    active = models.BooleanField(default=True)
    filled_to = models.DateTimeField(default=beginning)  # examples made before it have their slots
    looked_at = models.DateTimeField(default=beginning)  # when a claim last looked for new examples
    ordered_at = models.DateTimeField(default=beginning)  # predictions made before it have their place in the order

    class Meta:
        verbose_name = "annotation queue"
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="annotation_queue_name_once"),
            one_of("skip_policy", SkipPolicy),
            one_of("on_reject", AfterReject),
            between("reviews_per_item", 1, 20),
            between("max_reviews", 1, 40),
            between("disagreement_threshold", 0, 1),
            between("gold_share", 0, 0.5),
            between("gold_bar", 0, 1),
            between("gold_minimum", 1, 1000),
            between("audit_share", 0, 1),
            models.CheckConstraint(condition=Q(stages__len__gte=1), name="annotation_queue_has_a_stage"),
            models.CheckConstraint(condition=Q(statuses__len__gte=1), name="annotation_queue_has_a_status"),
            models.CheckConstraint(
                condition=Q(max_reviews__isnull=True) | Q(max_reviews__gte=F("reviews_per_item")),
                name="annotation_queue_max_reviews_enough",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def most_reviews(self) -> int:
        """How many people look at an item of a stage before it goes to adjudication."""
        return self.max_reviews or self.reviews_per_item + EXTRA_REVIEWS


class QueueSeat(OrganizationModel):
    """One expert at one queue: what they hold, how far they have looked, if they are paused, how reliable they are.

    A claim locks the seat, so that one person holds at most one item of a queue however fast the button is pressed.
    `passed_*` is a place in the order of the queue: at `passed_at` nothing before it was open to this person.
    `confusion` is {decision that is right: {decision they take: probability}}, estimated at `estimated_at`.
    """

    queue = TenantForeignKey(AnnotationQueue, on_delete=models.CASCADE, related_name="seats")
    expert = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+")
    holding = models.UUIDField(null=True, blank=True)  # the slot claimed last; the slot itself says who holds it
    passed_priority = models.SmallIntegerField(null=True, blank=True)
    passed_tiebreak = models.FloatField(null=True, blank=True)
    passed_since = models.DateTimeField(null=True, blank=True)
    passed_id = models.UUIDField(null=True, blank=True)
    passed_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_because = models.TextField(blank=True)
    judged_from = models.DateTimeField(default=beginning)  # gold answers before it no longer count
    reliability = models.FloatField(null=True, blank=True)
    confusion = models.JSONField(default=dict, blank=True)
    estimated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "seat"
        constraints = [
            models.UniqueConstraint(fields=["organization", "queue", "expert"], name="seat_once"),
            between("reliability", 0, 1),
        ]
