"""Datasets, their immutable versions, and which example is in which split."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from learning.models.agents import Agent
from learning.models.examples import LearningExample
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class Split(models.TextChoices):
    TRAIN = "train", "Train"
    VALIDATION = "validation", "Validation"
    TEST = "test", "Test (sealed)"


class TrainingDataset(OrganizationModel):
    """A named selection of approved examples."""

    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, null=True, blank=True, related_name="datasets")
    domains = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    task_types = ArrayField(models.CharField(max_length=100), default=list, blank=True)

    class Meta:
        verbose_name = "dataset"
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="dataset_name_once")]

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

    class Meta:
        verbose_name = "dataset version"
        constraints = [
            models.UniqueConstraint(fields=["organization", "dataset", "number"], name="dataset_version_number_once"),
            models.UniqueConstraint(
                fields=["organization", "dataset", "manifest_hash"], name="dataset_version_content_once"
            ),
            between("average_quality", 0, 1),
            between("number", 1),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class DatasetExample(OrganizationModel):
    """An example as it was when the version was published."""

    version = TenantForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="items")
    example = TenantForeignKey(LearningExample, on_delete=models.PROTECT, related_name="dataset_items")
    split = models.CharField(max_length=10, choices=Split.choices)
    group_key = models.CharField(max_length=64)  # near-duplicates share it, and therefore a split
    input_text = models.TextField()
    expected_output = models.TextField()
    weight = models.FloatField(default=1.0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "version", "example"], name="dataset_example_once"),
            one_of("split", Split),
            between("weight", 0),
        ]
        indexes = [models.Index(fields=["organization", "version", "split"], name="dataset_example_split")]
