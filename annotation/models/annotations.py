"""What experts said about examples, and what they have typed so far."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from annotation.models.queues import FIRST_STAGE
from annotation.models.rubrics import Rubric
from annotation.models.slots import Slot, SlotKind
from learning.models import LearningExample
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel

SCORES = ("technical_accuracy", "professional_quality", "completeness", "clarity")


class Decision(models.TextChoices):
    APPROVE = "approve", "Approved"
    REJECT = "reject", "Rejected"
    REQUEST_CHANGES = "request_changes", "Needs revision"


class Preferred(models.TextChoices):
    EXPECTED = "expected", "The expected output is better"
    EQUAL = "equal", "Both are equally good"
    REJECTED = "rejected", "The rejected output is better"


class AnnotationType(models.TextChoices):
    QUALITY_ASSESSMENT = "quality_assessment", "Quality assessment"
    CORRECTION = "correction", "Correction"
    EXPLANATION = "explanation", "Explanation"
    CATEGORIZATION = "categorization", "Categorization"


class AnnotationQuerySet(models.QuerySet["ExpertAnnotation"]):
    def current(self) -> AnnotationQuerySet:
        """The newest version of each that was not taken back, extra opinions included."""
        return self.filter(superseded_by__isnull=True, withdrawn_at__isnull=True)

    def counted(self) -> AnnotationQuerySet:
        """Those that decide about an example."""
        return self.current().filter(extra=False).exclude(kind=SlotKind.GOLD)

    def gold(self) -> AnnotationQuerySet:
        """Answers to gold items."""
        return self.current().filter(extra=False, kind=SlotKind.GOLD)


class ExpertAnnotation(OrganizationModel):
    """One version of one expert's opinion. What was said never changes: a new version supersedes it.

    The scores run from 0 to 1; None means that the expert did not score. `categories` is
    {name: {"score": 0-10, "issues": [text]}}; `answers` are those to the rubric's questions, by key. An `extra` opinion
    came after its lease was lost: kept, without a vote. `gold_right`: whether the answer to a gold item was right.
    """

    example = TenantForeignKey(LearningExample, on_delete=models.CASCADE, related_name="annotations")
    slot = TenantForeignKey(Slot, on_delete=models.SET_NULL, null=True, blank=True, related_name="annotations")
    expert = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    kind = models.CharField(max_length=12, choices=SlotKind.choices, default=SlotKind.REVIEW)
    stage = models.CharField(max_length=50, default=FIRST_STAGE)
    round = models.PositiveSmallIntegerField(default=1)
    annotation_type = models.CharField(
        max_length=20, choices=AnnotationType.choices, default=AnnotationType.QUALITY_ASSESSMENT
    )
    decision = models.CharField(max_length=15, choices=Decision.choices)
    technical_accuracy = models.FloatField(null=True, blank=True)
    professional_quality = models.FloatField(null=True, blank=True)
    completeness = models.FloatField(null=True, blank=True)
    clarity = models.FloatField(null=True, blank=True)
    categories: Any = models.JSONField(default=dict, blank=True)
    rubric = TenantForeignKey(Rubric, on_delete=models.PROTECT, null=True, blank=True, related_name="annotations")
    answers: Any = models.JSONField(default=dict, blank=True)
    preferred = models.CharField(max_length=10, choices=Preferred.choices, blank=True, default="")
    strength = models.PositiveSmallIntegerField(null=True, blank=True)
    corrected_output = models.TextField(blank=True)  # empty: the output that was proposed is right
    notes = models.TextField(blank=True)
    improvement_suggestions = ArrayField(models.TextField(), default=list, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    is_training_data = models.BooleanField(default=True)
    seconds_spent = models.PositiveIntegerField(null=True, blank=True)
    extra = models.BooleanField(default=False)
    gold_right = models.BooleanField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    superseded_by = TenantForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="earlier")

    objects = AnnotationQuerySet.as_manager()

    class Meta:
        verbose_name = "annotation"
        constraints = [
            one_of("annotation_type", AnnotationType),
            one_of("decision", Decision),
            one_of("kind", SlotKind),
            between("round", 1),
            between("strength", 1, 3),
            models.CheckConstraint(
                condition=models.Q(preferred__in=["", *Preferred.values]), name="expertannotation_preferred_known"
            ),
            *(between(name, 0, 1) for name in (*SCORES, "confidence")),
            # Nobody decides twice about an example; the index also answers "did I review this one?" when claiming.
            models.UniqueConstraint(
                fields=["organization", "expert", "example", "stage", "round", "kind"],
                name="annotation_once",
                condition=Q(superseded_by__isnull=True, withdrawn_at__isnull=True, extra=False),
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "example", "-created_at"], name="annotation_of_example"),
            models.Index(fields=["organization", "-created_at"], name="annotation_recent"),
            models.Index(fields=["organization", "expert", "-created_at"], name="annotation_of_expert"),
        ]

    @property
    def scores(self) -> list[float]:
        """The scores that were given, each 0 to 1."""
        return [score for name in SCORES if (score := getattr(self, name)) is not None]


class AnnotationDraft(OrganizationModel):
    """What a person has typed about an example and not submitted. It outlives the lease and the browser's tab.

    content: the fields of the review form by name.
    """

    example = TenantForeignKey(LearningExample, on_delete=models.CASCADE, related_name="drafts")
    expert = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+")
    content: Any = models.JSONField(default=dict)

    class Meta:
        verbose_name = "draft"
        constraints = [models.UniqueConstraint(fields=["organization", "expert", "example"], name="draft_once")]
