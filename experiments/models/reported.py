"""Metrics that an application reports itself: what they are, and what was reported."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q

from experiments.metrics import Shape
from learning.models import Agent
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class MetricShape(models.TextChoices):
    BINARY = Shape.BINARY.value, "Whether it happened"
    COUNT = Shape.COUNT.value, "How often it happened"
    CONTINUOUS = Shape.CONTINUOUS.value, "Mean of what was measured"
    RATIO = Shape.RATIO.value, "Sum over sum"


class CustomMetric(OrganizationModel):
    """A metric of the application's own. An experiment copies it when it is made: a change is for later ones alone."""

    name = models.CharField(max_length=50)  # as events report it
    label = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    shape = models.CharField(max_length=10, choices=MetricShape.choices)
    higher_is_better = models.BooleanField(default=True)
    unit = models.CharField(max_length=20, blank=True)
    maturity_hours = models.FloatField(default=0)
    low = models.FloatField(null=True, blank=True)  # outcomes beyond count as these
    high = models.FloatField(null=True, blank=True)

    class Meta:
        constraints = [
            one_of("shape", MetricShape),
            between("maturity_hours", 0, 24 * 365),
            models.CheckConstraint(
                condition=Q(low=None) | Q(high=None) | Q(low__lt=F("high")), name="custom_metric_low_below_high"
            ),
            models.UniqueConstraint(fields=["organization", "name"], name="custom_metric_once"),
        ]

    def __str__(self) -> str:
        return self.label

    def definition(self) -> dict[str, Any]:
        """What an experiment keeps of it (fields of experiments.metrics.Definition)."""
        binary = self.shape == MetricShape.BINARY
        return {
            "label": self.label,
            "description": self.description,
            "shape": self.shape,
            "higher_is_better": self.higher_is_better,
            "percent": binary,
            "unit": self.unit,
            "rate": binary,
            "few_values": binary,
            "maturity_hours": self.maturity_hours,
            "low": self.low,
            "high": self.high,
        }


class OutcomeEvent(OrganizationModel):
    """Something that a unit did, as the application reports it. Every experiment of the agent that has the metric and
    exposed the unit before counts it."""

    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, related_name="outcome_events")
    metric = models.CharField(max_length=50)
    unit = models.CharField(max_length=200)
    value = models.FloatField(default=1)
    denominator = models.FloatField(null=True, blank=True)  # of a ratio
    occurred_at = models.DateTimeField()
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)
    digest = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "idempotency_key"],
                name="outcome_event_once",
                condition=Q(idempotency_key__isnull=False),
            )
        ]
        indexes = [
            models.Index(
                fields=["organization", "agent", "unit", "metric", "occurred_at"], name="outcome_event_of_unit"
            ),
            models.Index(fields=["organization", "agent", "created_at"], name="outcome_event_recent"),
        ]
