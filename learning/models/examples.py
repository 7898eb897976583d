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
from organizations.models import OrganizationModel, scoped_organization_id


class ExampleType(models.TextChoices):
    POSITIVE = "positive", "Positive"
    NEGATIVE = "negative", "Negative"
    CORRECTION = "correction", "Correction"
    DEMONSTRATION = "demonstration", "Demonstration"
    EDGE_CASE = "edge_case", "Edge case"
    FAILURE = "failure", "Failure"
    PREFERENCE = "preference", "Preference"


BAD_TYPES = (ExampleType.NEGATIVE, ExampleType.FAILURE)  # what they teach is their original output


class SourceType(models.TextChoices):
    USER_FEEDBACK = "user_feedback", "User feedback"
    EXPERT_REVIEW = "expert_review", "Expert review"
    DEMONSTRATION = "demonstration", "Demonstration"
    EXECUTION_LOG = "execution_log", "Execution log"
    BENCHMARK = "benchmark", "Benchmark"
    IMPORT = "import", "Import"
    SYNTHETIC = "synthetic", "Synthetic"


CAME_FROM = {  # after the word "from"
    SourceType.USER_FEEDBACK: "a user's feedback",
    SourceType.EXPERT_REVIEW: "an expert's review",
    SourceType.DEMONSTRATION: "a demonstration",
    SourceType.EXECUTION_LOG: "the log of executions",
    SourceType.BENCHMARK: "a benchmark",
    SourceType.IMPORT: "a file or the API",
    SourceType.SYNTHETIC: "a language model",
}


class ReviewStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    IN_REVIEW = "in_review", "In review"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    NEEDS_REVISION = "needs_revision", "Needs revision"


class QualityFlag(models.TextChoices):
    """What was found when an example was prepared; a person sees it before the review."""

    EMPTY = "empty", "Empty"
    TOO_LONG = "too_long", "Too long"
    TOO_SHORT = "too_short", "Too short"
    UNCHANGED = "unchanged", "Identical to the original"
    WRONG_LANGUAGE = "wrong_language", "Another language"
    UNSAFE = "unsafe", "Unsafe"


class LearningExample(OrganizationModel):
    """One example. Only an approved one may enter a dataset, and only after it was prepared.

    Preparing redacts its texts, finds what it resembles and flags what is wrong with it. A trigger sets
    `prepared_version` back to 0 when a text changes, so that nothing enters a dataset unprepared.
    """

    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        ReviewStatus.PENDING: frozenset(set(ReviewStatus) - {ReviewStatus.PENDING}),
        ReviewStatus.IN_REVIEW: frozenset(set(ReviewStatus) - {ReviewStatus.IN_REVIEW}),
        ReviewStatus.NEEDS_REVISION: frozenset(set(ReviewStatus) - {ReviewStatus.NEEDS_REVISION}),
        # Back to pending: by a manager, or when an action on many is undone.
        ReviewStatus.APPROVED: frozenset(set(ReviewStatus) - {ReviewStatus.APPROVED}),
        ReviewStatus.REJECTED: frozenset(set(ReviewStatus) - {ReviewStatus.REJECTED}),
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
    rule = TenantForeignKey(
        "learning.ExampleRule", on_delete=models.SET_NULL, null=True, blank=True, related_name="examples"
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
    weight_override = models.FloatField(null=True, blank=True)  # a person's word against the computed weight
    external_id = models.CharField(max_length=200, blank=True, db_default="")  # of what it was imported from
    source_hash = models.CharField(max_length=64, blank=True, db_default="")  # SHA-256 of the row it was imported as
    # Of the rows that it said before an import changed it: they are known again when their person is forgotten.
    earlier_hashes = ArrayField(models.CharField(max_length=64), default=list, db_default=[], blank=True)
    user = models.CharField(max_length=200, blank=True, default="", db_default="")  # a pseudonym that came with it
    prepared_version = models.PositiveSmallIntegerField(default=0, db_default=0)  # 0: not since its texts changed
    redaction_found: Any = models.JSONField(default=dict, db_default={}, blank=True)  # {"EMAIL": 2}
    quality_flags = ArrayField(models.CharField(max_length=20), default=list, db_default=[], blank=True)
    input_hash = models.CharField(max_length=64, blank=True, db_default="")  # SHA-256 of the input in normal form
    content_hash = models.CharField(max_length=64, blank=True, db_default="")  # SHA-256 of all that teaches
    cluster_key = models.CharField(max_length=64, blank=True)  # near-duplicates share it, and therefore a split
    is_representative = models.BooleanField(default=False, db_default=False)  # a person's choice among near-duplicates
    is_bridge = models.BooleanField(default=False, db_default=False)  # resembles examples of different splits: left out

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
            between("weight_override", 0, 100),
            models.UniqueConstraint(
                fields=["organization", "source_feedback"],
                name="example_per_feedback",
                condition=Q(source_feedback__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["organization", "rule", "source_execution"],
                name="example_per_rule_and_execution",
                condition=Q(rule__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["organization", "agent", "external_id"],
                name="example_external_id_once",
                condition=~Q(external_id=""),
            ),
            models.UniqueConstraint(
                fields=["organization", "cluster_key"],
                name="example_representative_once",
                condition=Q(is_representative=True),
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "agent", "review_status", "-created_at"], name="example_by_status"),
            models.Index(fields=["organization", "review_status", "-created_at"], name="example_queue"),
            models.Index(fields=["organization", "input_hash"], name="example_same_input"),
            models.Index(fields=["organization", "cluster_key"], name="example_cluster"),
            models.Index(fields=["organization", "id"], name="example_unprepared", condition=Q(prepared_version=0)),
        ]

    @property
    def came_from(self) -> str:
        """Its source in words, after "from"."""
        return CAME_FROM[SourceType(self.source_type)]


class ExampleBand(models.Model):
    """One hash of an example's MinHash bands: examples that share one may be near-duplicates (engines/duplicates.py).

    Twenty rows for each distinct example, so there is nothing in it that is not needed: no key of its own, and no
    reference, which would want an index. Whoever deletes an example forgets its bands (`forget_bands`).
    """

    pk = models.CompositePrimaryKey("organization", "band_hash", "example_id")
    organization = models.ForeignKey(
        "organizations.Organization",
        on_delete=models.CASCADE,
        default=scoped_organization_id,
        db_index=False,
        related_name="+",
    )
    band_hash = models.BigIntegerField()
    example_id = models.UUIDField()


class CompiledKind(models.TextChoices):
    SFT_ROW = "sft_row", "Row for supervised fine-tuning"
    PREFERENCE_PAIR = "preference_pair", "Preference pair"
    FEW_SHOT = "few_shot", "Example for a prompt"
    JUDGE_LABEL = "judge_label", "Label for a judge"
    REGRESSION_CASE = "regression_case", "Regression case"


class CompiledCorrection(OrganizationModel):
    """One of the forms in which an approved example teaches; `approval` is the annotation that approved it."""

    example = TenantForeignKey(LearningExample, on_delete=models.CASCADE, related_name="compiled")
    kind = models.CharField(max_length=20, choices=CompiledKind.choices)
    content: Any = models.JSONField()
    approval = models.UUIDField(null=True, blank=True)  # a key, not a reference: annotations lie above

    class Meta:
        verbose_name = "compiled correction"
        constraints = [
            one_of("kind", CompiledKind),
            models.UniqueConstraint(fields=["organization", "example", "kind"], name="compiled_once"),
        ]
