"""What end users say about an answer."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from learning.models.agents import Agent
from learning.models.executions import Execution
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class FeedbackType(models.TextChoices):
    THUMBS_UP = "thumbs_up", "Thumbs up"
    THUMBS_DOWN = "thumbs_down", "Thumbs down"
    STAR_RATING = "star_rating", "Star rating"
    DETAILED_FEEDBACK = "detailed_feedback", "Detailed feedback"
    CORRECTION = "correction", "Correction"
    REPORT_ISSUE = "report_issue", "Reported issue"


ISSUE_CATEGORIES = (
    "incorrect",
    "incomplete",
    "unclear",
    "irrelevant",
    "hallucination",
    "outdated",
    "tone",
    "formatting",
    "unsafe",
    "other",
)


class AgentFeedback(OrganizationModel):
    """One piece of feedback. It may arrive before its execution: then `execution_external_id` waits for it."""

    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, related_name="feedback")
    execution = TenantForeignKey(Execution, on_delete=models.CASCADE, null=True, blank=True, related_name="feedback")
    execution_external_id = models.CharField(max_length=200, blank=True)
    user = models.CharField(max_length=200, blank=True)  # a pseudonym
    feedback_type = models.CharField(max_length=20, choices=FeedbackType.choices)
    rating = models.PositiveSmallIntegerField(null=True, blank=True)
    accuracy = models.PositiveSmallIntegerField(null=True, blank=True)
    helpfulness = models.PositiveSmallIntegerField(null=True, blank=True)
    clarity = models.PositiveSmallIntegerField(null=True, blank=True)
    completeness = models.PositiveSmallIntegerField(null=True, blank=True)
    feedback_text = models.TextField(blank=True)
    correction_text = models.TextField(blank=True)
    issue_categories = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    consent = models.BooleanField(default=True)
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)  # its texts are past their retention

    class Meta:
        verbose_name = "feedback"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "idempotency_key"],
                name="feedback_once",
                condition=Q(idempotency_key__isnull=False),
            ),
            one_of("feedback_type", FeedbackType),
            *(between(name, 1, 5) for name in ("rating", "accuracy", "helpfulness", "clarity", "completeness")),
            models.CheckConstraint(
                condition=~Q(feedback_type=FeedbackType.STAR_RATING) | Q(rating__isnull=False),
                name="star_rating_has_rating",
            ),
            models.CheckConstraint(
                condition=~Q(feedback_type=FeedbackType.CORRECTION) | ~Q(correction_text=""), name="correction_has_text"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "agent", "-created_at"], name="feedback_recent"),
            models.Index(
                fields=["organization", "execution_external_id"],
                name="feedback_waiting",
                condition=Q(execution__isnull=True),
            ),
            models.Index(
                fields=["organization", "updated_at"],
                name="feedback_joined",
                condition=~Q(execution_external_id="") & Q(updated_at__gt=F("created_at")),
            ),
            models.Index(
                fields=["organization", "agent", "-id"],
                name="feedback_with_words",
                condition=~Q(feedback_text="") | ~Q(correction_text=""),
            ),
        ]
