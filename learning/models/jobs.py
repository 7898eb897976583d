"""Long work that a person started: it shows how far it is, can be cancelled, and goes on where it stopped."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class JobKind(models.TextChoices):
    IMPORT = "import", "Import of examples"
    BULK_ACTION = "bulk_action", "Action on many examples"
    UNDO = "undo", "Undo of an action on many examples"
    PUBLICATION = "publication", "Publication of a dataset"
    ERASURE = "erasure", "Erasure of a person's data"
    SYNTHESIS = "synthesis", "Synthetic examples"
    RULES = "rules", "Rules applied to past data"
    INSIGHT = "insight", "Learning from feedback"
    DEMONSTRATIONS = "demonstrations", "Demonstrations of recorded executions"


LONG_KINDS = frozenset({JobKind.SYNTHESIS})  # these ask a language model again and again (docs/decisions/0021)


class JobStatus(models.TextChoices):
    PENDING = "pending", "Waiting"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class Job(OrganizationModel):
    """The pending row is the message; `attempt` fences a worker that was thought dead.

    `request` says what to do and never changes; `cursor` is where to go on; `result` is what was done so far.
    """

    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        JobStatus.PENDING: frozenset({JobStatus.RUNNING, JobStatus.CANCELLED, JobStatus.FAILED}),
        JobStatus.RUNNING: frozenset(set(JobStatus) - {JobStatus.RUNNING}),
        JobStatus.COMPLETED: frozenset(),
        JobStatus.FAILED: frozenset({JobStatus.PENDING}),
        JobStatus.CANCELLED: frozenset({JobStatus.PENDING}),
    }

    kind = models.CharField(max_length=20, choices=JobKind.choices)
    title = models.CharField(max_length=200)
    request: Any = models.JSONField(default=dict)
    cursor: Any = models.JSONField(default=dict)
    result: Any = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=JobStatus.choices, default=JobStatus.PENDING)
    attempt = models.PositiveIntegerField(default=0)  # only ever grows
    forgiven = models.PositiveIntegerField(default=0, db_default=0)  # attempts that do not count: before it was resumed
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True, blank=True)  # unknown until it was counted
    cancel_requested = models.BooleanField(default=False)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    failure_reason = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )

    class Meta:
        constraints = [one_of("kind", JobKind), one_of("status", JobStatus), between("done", 0)]
        indexes = [
            models.Index(fields=["organization", "kind", "-id"], name="job_recent"),
            models.Index(
                fields=["organization", "status", "heartbeat_at"],
                name="job_open",
                condition=Q(status__in=["pending", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """It is not at its end yet."""
        return self.status in (JobStatus.PENDING, JobStatus.RUNNING)

    @property
    def share(self) -> float | None:
        """How much is done, 0-1; None while the total is unknown."""
        return min(1.0, self.done / self.total) if self.total else None


class JobChange(OrganizationModel):
    """What one row was before a job changed it, so that the job can be undone."""

    job = TenantForeignKey(Job, on_delete=models.CASCADE, related_name="changes")
    target_id = models.UUIDField()
    before: Any = models.JSONField(default=dict)
    after: Any = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "job", "target_id"], name="job_change_once"),
        ]
