"""Learning examples: what an agent should have answered, and whether experts agree."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from learning.models.agents import Agent
from learning.models.executions import Execution
from learning.models.feedback import AgentFeedback
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class ExampleType(models.TextChoices):
    POSITIVE = "positive", "Positive"
    NEGATIVE = "negative", "Negative"
    CORRECTION = "correction", "Correction"
    DEMONSTRATION = "demonstration", "Demonstration"
    EDGE_CASE = "edge_case", "Edge case"
    FAILURE = "failure", "Failure"
    PREFERENCE = "preference", "Preference"


class SourceType(models.TextChoices):
    USER_FEEDBACK = "user_feedback", "User feedback"
    EXPERT_REVIEW = "expert_review", "Expert review"
    DEMONSTRATION = "demonstration", "Demonstration"
    EXECUTION_LOG = "execution_log", "Execution log"
    BENCHMARK = "benchmark", "Benchmark"
    IMPORT = "import", "Import"
    SYNTHETIC = "synthetic", "Synthetic"


class ReviewStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    IN_REVIEW = "in_review", "In review"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    NEEDS_REVISION = "needs_revision", "Needs revision"


class LearningExample(OrganizationModel):
    """One example. Only an approved one may enter a dataset."""

    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        ReviewStatus.PENDING: frozenset(set(ReviewStatus) - {ReviewStatus.PENDING}),
        ReviewStatus.IN_REVIEW: frozenset(set(ReviewStatus) - {ReviewStatus.IN_REVIEW}),
        ReviewStatus.NEEDS_REVISION: frozenset(set(ReviewStatus) - {ReviewStatus.NEEDS_REVISION}),
        ReviewStatus.APPROVED: frozenset({ReviewStatus.IN_REVIEW, ReviewStatus.REJECTED, ReviewStatus.NEEDS_REVISION}),
        ReviewStatus.REJECTED: frozenset({ReviewStatus.IN_REVIEW, ReviewStatus.APPROVED, ReviewStatus.NEEDS_REVISION}),
    }

    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, related_name="examples")
    example_type = models.CharField(max_length=15, choices=ExampleType.choices)
    source_type = models.CharField(max_length=15, choices=SourceType.choices)
    source_execution = TenantForeignKey(
        Execution, on_delete=models.PROTECT, null=True, blank=True, related_name="examples"
    )
    source_feedback = TenantForeignKey(
        AgentFeedback, on_delete=models.PROTECT, null=True, blank=True, related_name="examples"
    )
    input_text = models.TextField(blank=True)
    input_context: Any = models.JSONField(default=dict, blank=True)
    original_output = models.TextField(blank=True)
    expected_output = models.TextField(blank=True)
    rejected_output = models.TextField(blank=True)
    domain = models.CharField(max_length=100, blank=True)
    task_type = models.CharField(max_length=100, blank=True)
    complexity = models.PositiveSmallIntegerField(null=True, blank=True)
    tags = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    quality_score = models.FloatField(null=True, blank=True)
    predicted_quality = models.FloatField(null=True, blank=True)
    consensus_weight = models.FloatField(null=True, blank=True)  # how likely its reviewers are right, 0-1
    review_status = models.CharField(max_length=15, choices=ReviewStatus.choices, default=ReviewStatus.PENDING)
    cluster_key = models.CharField(max_length=64, blank=True)  # near-duplicates share it

    class Meta:
        verbose_name = "learning example"
        constraints = [
            one_of("example_type", ExampleType),
            one_of("source_type", SourceType),
            one_of("review_status", ReviewStatus),
            between("complexity", 1, 5),
            between("quality_score", 0, 1),
            between("predicted_quality", 0, 1),
            between("consensus_weight", 0, 1),
            models.UniqueConstraint(
                fields=["organization", "source_feedback"],
                name="example_per_feedback",
                condition=Q(source_feedback__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "agent", "review_status", "-created_at"], name="example_by_status"),
            models.Index(fields=["organization", "review_status", "-created_at"], name="example_queue"),
        ]
