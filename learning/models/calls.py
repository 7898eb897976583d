"""What is asked of language models: the chunks of a run that workers share, and the answers that are remembered."""

from __future__ import annotations

from typing import Any

from django.db import models

from learning.models.training import TrainingRun
from organizations.constraints import one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class ChunkStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class EvaluationChunk(OrganizationModel):
    """Some requests of a run, for any worker. Its answers go to the remembered ones; the run's worker deletes it.

    The pending row is the message; `attempt` fences a worker that was thought dead.
    """

    run = TenantForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="chunks")
    requests: Any = models.JSONField(default=list)  # [{"model", "messages", "parameters"}]
    keys: Any = models.JSONField(default=list)  # under which the answers are remembered, in the same order
    status = models.CharField(max_length=10, choices=ChunkStatus.choices, default=ChunkStatus.PENDING)
    attempt = models.PositiveIntegerField(default=0)
    helper = models.CharField(max_length=32, blank=True, default="")  # who works on it; empty for the run's own worker
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    refused: Any = models.JSONField(default=dict)  # key -> why the model refuses this very request
    failure: Any = models.JSONField(default=dict)  # {"kind", "reason"}

    class Meta:
        verbose_name = "evaluation chunk"
        constraints = [one_of("status", ChunkStatus)]
        indexes = [models.Index(fields=["organization", "run", "status", "id"], name="evaluation_chunk_of_run")]


class LlmResponse(OrganizationModel):
    """A remembered answer; `key` is the SHA-256 of everything that decided it."""

    key = models.CharField(max_length=64)
    model = models.CharField(max_length=200)
    text = models.TextField()
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(null=True, blank=True)  # until it came; None when nobody measured

    class Meta:
        verbose_name = "language model response"
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="llm_response_once")]
