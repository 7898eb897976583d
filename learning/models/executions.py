"""Runs of agents, as applications report them."""

from __future__ import annotations

from typing import Any

from django.db import models

from learning.models.agents import Agent, AgentConfig
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class ExecutionStatus(models.TextChoices):
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    RUNNING = "running", "Running"
    CANCELLED = "cancelled", "Cancelled"


class Execution(OrganizationModel):
    """One run of an agent. Partitioned by month through its time-ordered key."""

    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, related_name="executions")
    external_id = models.CharField(max_length=200)
    config = TenantForeignKey(AgentConfig, on_delete=models.PROTECT, null=True, blank=True, related_name="executions")
    variant = models.CharField(max_length=100, blank=True)  # a key, not a reference: experiments lie above
    user = models.CharField(max_length=200, blank=True)  # a pseudonym
    input = models.TextField(blank=True)
    context: Any = models.JSONField(default=dict, blank=True)  # {"conversation": [{"role", "content"}], ...}
    output = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=ExecutionStatus.choices, default=ExecutionStatus.COMPLETED)
    duration_ms = models.FloatField(null=True, blank=True)
    input_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_tokens = models.PositiveIntegerField(null=True, blank=True)
    cost = models.DecimalField(max_digits=14, decimal_places=8, null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    metadata: Any = models.JSONField(default=dict, blank=True)
    started_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)  # its texts are past their retention

    class Meta:
        constraints = [
            one_of("status", ExecutionStatus),
            between("confidence", 0, 1),
            between("duration_ms", 0),
            between("cost", 0),
        ]
        indexes = [
            models.Index(fields=["organization", "agent", "-started_at"], name="execution_recent"),
            models.Index(fields=["organization", "agent", "user", "-started_at"], name="execution_of_user"),
            models.Index(fields=["organization", "external_id"], name="execution_external_id"),
        ]


class ExecutionKey(OrganizationModel):
    """The caller's identifier of an execution, unique across all partitions; its id is the execution's id.

    `digest` is the SHA-256 of the request, so that the same identifier with another body is a conflict.
    """

    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, related_name="+")
    external_id = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "agent", "external_id"], name="execution_external_id_once")
        ]


class Decision(OrganizationModel):
    """A choice inside an execution."""

    execution = TenantForeignKey(Execution, on_delete=models.CASCADE, related_name="decisions")
    position = models.PositiveIntegerField(default=0)
    decision_point = models.CharField(max_length=200)
    input: Any = models.JSONField(default=dict, blank=True)
    output: Any = models.JSONField(default=dict, blank=True)
    reasoning = models.TextField(blank=True)
    confidence = models.FloatField(null=True, blank=True)
    alternatives: Any = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [between("confidence", 0, 1)]
