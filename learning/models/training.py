"""Training runs, what they logged, and the gate before deployment."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from learning.models.agents import Agent, AgentConfig
from learning.models.datasets import DatasetVersion
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class TrainingType(models.TextChoices):
    PROMPT_OPTIMIZATION = "prompt_optimization", "Prompt optimization"
    RAG_TUNING = "rag_tuning", "Retrieval tuning"
    BEHAVIOR_CLONING = "behavior_cloning", "Behavior cloning"
    FINE_TUNING = "fine_tuning", "Fine-tuning"
    DPO = "dpo", "Direct preference optimization"
    RLHF = "rlhf", "RLHF"


class RunStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class TrainingRun(OrganizationModel):
    """One run of an engine. The pending row is the message; `attempt` fences a worker that was thought dead."""

    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        RunStatus.PENDING: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED, RunStatus.FAILED}),
        RunStatus.RUNNING: frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.PENDING}),
        RunStatus.COMPLETED: frozenset(),
        RunStatus.FAILED: frozenset(),
        RunStatus.CANCELLED: frozenset(),
    }

    name = models.CharField(max_length=200)
    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, related_name="training_runs")
    base_config = TenantForeignKey(AgentConfig, on_delete=models.PROTECT, related_name="+")
    dataset_version = TenantForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="training_runs")
    training_type = models.CharField(max_length=20, choices=TrainingType.choices)
    config: Any = models.JSONField(default=dict)  # {"max_calls", "metric", "goals", ...}
    hyperparameters: Any = models.JSONField(default=dict)
    seed = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.PENDING)
    attempt = models.PositiveIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    progress_percentage = models.FloatField(default=0)
    current_step = models.CharField(max_length=200, blank=True)
    total_steps = models.PositiveIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    failure_reason = models.TextField(blank=True)
    metrics: Any = models.JSONField(default=dict)
    estimate: Any = models.JSONField(default=dict, db_default={})  # what it may cost, as told before it started
    rerun_of = TenantForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="reruns")
    # Written down before a call is sent, so that no end of a process makes one forgotten.
    llm_calls = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    estimated_calls = models.PositiveIntegerField(default=0, db_default=0)  # tokens by the length of the texts
    # None: the price of what was asked is unknown.
    cost = models.DecimalField(max_digits=16, decimal_places=8, null=True, blank=True, default=0)
    # The most that calls may cost whose answers are not there: under way, or cut off when their worker died.
    held_tokens = models.PositiveBigIntegerField(default=0, db_default=0)
    held_cost = models.DecimalField(max_digits=16, decimal_places=8, default=0, db_default=0)
    # Worked in attempts that are over: neither a stop of the product nor the silence of a dead worker counts.
    seconds = models.FloatField(default=0)
    claimed_at = models.DateTimeField(null=True, blank=True)  # when the present attempt began; None while nobody works
    candidate_config = TenantForeignKey(
        AgentConfig, on_delete=models.PROTECT, null=True, blank=True, related_name="proposed_by"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )

    class Meta:
        verbose_name = "training run"
        constraints = [
            one_of("training_type", TrainingType),
            one_of("status", RunStatus),
            between("progress_percentage", 0, 100),
            between("cost", 0),
            between("held_cost", 0),
            between("seconds", 0),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at"], name="training_run_recent"),
            models.Index(
                fields=["organization", "status", "heartbeat_at"],
                name="training_run_open",
                condition=Q(status__in=["pending", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TrainingRunLog(OrganizationModel):
    """One line of a run's log."""

    run = TenantForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="log_lines")
    level = models.CharField(max_length=10, default="info")
    message = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["organization", "run", "id"], name="training_run_log_order")]


class GateStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    PASSED = "passed", "Passed"
    FAILED = "failed", "Failed"


class GateReport(OrganizationModel):
    """Whether a candidate may be deployed: regression and safety checks, then a person's approval."""

    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        GateStatus.PENDING: frozenset({GateStatus.RUNNING}),
        GateStatus.RUNNING: frozenset({GateStatus.PASSED, GateStatus.FAILED, GateStatus.PENDING}),
        GateStatus.PASSED: frozenset(),
        GateStatus.FAILED: frozenset(),
    }

    config = TenantForeignKey(AgentConfig, on_delete=models.CASCADE, related_name="gate_reports")
    training_run = TenantForeignKey(TrainingRun, on_delete=models.PROTECT, null=True, related_name="gate_reports")
    status = models.CharField(max_length=10, choices=GateStatus.choices, default=GateStatus.PENDING)
    attempt = models.PositiveIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cases: Any = models.JSONField(default=list)  # [{"kind", "name", "passed", "before", "after", "outcome", ...}]
    summary: Any = models.JSONField(default=dict)  # while it runs: {"step", "total", "message"}
    # What its checks took, over all attempts; cost: as of a run.
    llm_calls = models.PositiveIntegerField(default=0, db_default=0)
    input_tokens = models.PositiveBigIntegerField(default=0, db_default=0)
    output_tokens = models.PositiveBigIntegerField(default=0, db_default=0)
    estimated_calls = models.PositiveIntegerField(default=0, db_default=0)
    cost = models.DecimalField(max_digits=16, decimal_places=8, null=True, blank=True, default=0, db_default=0)
    approved = models.BooleanField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_note = models.TextField(blank=True)

    class Meta:
        verbose_name = "gate report"
        constraints = [
            one_of("status", GateStatus),
            between("cost", 0),
            models.CheckConstraint(condition=~Q(approved=True) | Q(status="passed"), name="only_passed_is_approved"),
        ]
        indexes = [models.Index(fields=["organization", "config", "-created_at"], name="gate_report_recent")]

    @property
    def is_open(self) -> bool:
        """The checks are not finished."""
        return self.status in (GateStatus.PENDING, GateStatus.RUNNING)

    @property
    def awaits_decision(self) -> bool:
        """The product has found nothing; now a person has to say yes or no."""
        return self.status == GateStatus.PASSED and self.approved is None
