"""Spans of applications that send OpenTelemetry: kept for a day, while more of their traces may come."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from learning.models.executions import Execution
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class TelemetrySpan(OrganizationModel):
    """One span: what it says about an agent, and whose child it is.

    Of two versions of a span the one with the greater (`ended`, `digest`) wins. `waiting`: it would be an execution
    of its own if its parent never came. `execution` is the one that it became part of.
    """

    trace_id = models.CharField(max_length=32)
    span_id = models.CharField(max_length=16)
    parent_id = models.CharField(max_length=16, blank=True)
    started = models.BigIntegerField()  # nanoseconds since 1970
    ended = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    reading: Any = models.JSONField(default=dict, blank=True)  # learning.otlp.reading.to_json
    waiting = models.BooleanField(default=False)
    is_root = models.BooleanField(default=False)
    execution = TenantForeignKey(Execution, on_delete=models.CASCADE, null=True, blank=True, related_name="spans")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "trace_id", "span_id"], name="telemetry_span_once")
        ]
        indexes = [
            models.Index(fields=["organization", "created_at"], name="telemetry_span_age"),
            models.Index(
                fields=["organization", "created_at", "trace_id"],
                name="telemetry_span_waiting",
                condition=Q(waiting=True),
            ),
        ]
