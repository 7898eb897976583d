"""Datasets, their immutable versions, and which example is in which split."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from learning.models.agents import Agent
from learning.models.examples import ExampleType, LearningExample
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class Split(models.TextChoices):
    TRAIN = "train", "Train"
    VALIDATION = "validation", "Validation"
    TEST = "test", "Test (sealed)"


TEST_SPLIT_READ = "datasetversion.test_split_read"  # in the audit, each time the seal is broken


class GroupBy(models.TextChoices):
    """What may never be in two splits. Near-duplicates never are, whatever is chosen."""

    CLUSTER = "cluster", "Near-duplicates"
    CONVERSATION = "conversation", "Conversation"
    USER = "user", "User"
    SOURCE = "source", "Source"


class Duplicates(models.TextChoices):
    KEEP = "keep", "Keep all that differ"
    REPRESENTATIVE = "representative", "One of those that resemble each other"


class BalanceBy(models.TextChoices):
    NOTHING = "", "Nothing"
    DOMAIN = "domain", "Domain"
    TASK_TYPE = "task_type", "Task type"
    EXPECTED = "expected", "Expected output"


class TrainingDataset(OrganizationModel):
    """A named selection of approved examples, and the recipe by which it is split and weighed.

    Shares are parts of 10,000; what is neither train nor validation is test.
    """

    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, null=True, blank=True, related_name="datasets")
    domains = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    task_types = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    example_types = ArrayField(models.CharField(max_length=15), default=list, db_default=[], blank=True)
    source_types = ArrayField(models.CharField(max_length=15), default=list, db_default=[], blank=True)
    tags = ArrayField(models.CharField(max_length=50), default=list, db_default=[], blank=True)
    least_quality = models.FloatField(null=True, blank=True)
    train_share = models.PositiveIntegerField(default=4000, db_default=4000)
    validation_share = models.PositiveIntegerField(default=3000, db_default=3000)
    group_by = models.CharField(
        max_length=15, choices=GroupBy.choices, default=GroupBy.CLUSTER, db_default=GroupBy.CLUSTER
    )
    duplicates = models.CharField(
        max_length=15, choices=Duplicates.choices, default=Duplicates.KEEP, db_default=Duplicates.KEEP
    )
    weigh_by_reviewers = models.BooleanField(default=True, db_default=True)
    half_life_days = models.PositiveIntegerField(null=True, blank=True)  # older examples count less
    balance_by = models.CharField(max_length=15, choices=BalanceBy.choices, default="", db_default="", blank=True)

    class Meta:
        verbose_name = "dataset"
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="dataset_name_once"),
            between("least_quality", 0, 1),
            between("train_share", 1, 9998),
            between("validation_share", 1, 9998),
            models.CheckConstraint(
                condition=Q(train_share__lt=10_000 - F("validation_share")), name="dataset_has_test_share"
            ),
            between("half_life_days", 1, 36_500),
            one_of("group_by", GroupBy),
            one_of("duplicates", Duplicates),
            one_of("balance_by", BalanceBy),
        ]

    def __str__(self) -> str:
        return self.name


class DatasetVersion(OrganizationModel):
    """What was published; never changed afterwards. `manifest_hash` is a SHA-256 over its sorted items."""

    dataset = TenantForeignKey(TrainingDataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    manifest_hash = models.CharField(max_length=64)
    total = models.PositiveIntegerField()
    train_count = models.PositiveIntegerField()
    validation_count = models.PositiveIntegerField()
    test_count = models.PositiveIntegerField()
    average_quality = models.FloatField(null=True)
    recipe: Any = models.JSONField(default=dict)  # shares of the splits, filters
    card: Any = models.JSONField(default=dict, db_default={})  # what the data card says, computed at publication
    erased_at = models.DateTimeField(null=True, blank=True)  # a person was forgotten; `replaced_by` is without them
    replaced_by = TenantForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replaces")

    class Meta:
        verbose_name = "dataset version"
        constraints = [
            models.UniqueConstraint(fields=["organization", "dataset", "number"], name="dataset_version_number_once"),
            models.UniqueConstraint(  # what was erased may be said by others too, and published anew
                fields=["organization", "dataset", "manifest_hash"],
                name="dataset_version_content_once",
                condition=Q(erased_at__isnull=True),
            ),
            between("average_quality", 0, 1),
            between("number", 1),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class SplitAssignment(OrganizationModel):
    """The split of a group for good: of a cluster (its key), or "user:...", "conversation:...", "source:...".

    Items of every version refer to it together with their split, so that the database refuses a group in two splits.
    """

    key = models.CharField(max_length=64)
    split = models.CharField(max_length=10, choices=Split.choices)

    class Meta:
        verbose_name = "split assignment"
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="split_once"),
            models.UniqueConstraint(fields=["organization", "key", "split"], name="split_of_group"),
            one_of("split", Split),
        ]


class DatasetExample(OrganizationModel):
    """An example as it was when the version was published."""

    version = TenantForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="items")
    example = TenantForeignKey(LearningExample, on_delete=models.PROTECT, related_name="dataset_items")
    split = models.CharField(max_length=10, choices=Split.choices)
    cluster_key = models.CharField(max_length=64)  # near-duplicates share it, and therefore a split
    group_key = models.CharField(max_length=64)  # so does what the dataset groups by
    example_type = models.CharField(max_length=15, choices=ExampleType.choices)
    input_text = models.TextField()
    input_context: Any = models.JSONField(default=dict)
    original_output = models.TextField(blank=True)
    expected_output = models.TextField()
    rejected_output = models.TextField(blank=True)
    content_hash = models.CharField(max_length=64)
    weight = models.FloatField(default=1.0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "version", "example"], name="dataset_example_once"),
            one_of("split", Split),
            one_of("example_type", ExampleType),
            between("weight", 0),
        ]
        indexes = [models.Index(fields=["organization", "version", "split"], name="dataset_example_split")]
