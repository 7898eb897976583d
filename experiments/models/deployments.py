"""Which config serves an agent, at what share of its users, and how that came about."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from experiments.bucketing import BUCKETS, new_salt, percent_of
from experiments.models.experiments import Experiment
from learning.models import Agent, AgentConfig
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class DeploymentStatus(models.TextChoices):
    RAMPING = "ramping", "Serves a share"
    SERVING = "serving", "Serves everybody"
    SUPERSEDED = "superseded", "Replaced"
    ROLLED_BACK = "rolled_back", "Rolled back"


class Deployment(OrganizationModel):
    """A config put before users. One per agent serves everybody, and at most one more ramps beside it."""

    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        DeploymentStatus.RAMPING: frozenset(
            {DeploymentStatus.SERVING, DeploymentStatus.SUPERSEDED, DeploymentStatus.ROLLED_BACK}
        ),
        DeploymentStatus.SERVING: frozenset({DeploymentStatus.SUPERSEDED, DeploymentStatus.ROLLED_BACK}),
        DeploymentStatus.SUPERSEDED: frozenset({DeploymentStatus.SERVING}),  # when its successor is rolled back
        DeploymentStatus.ROLLED_BACK: frozenset(),
    }

    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, related_name="deployments")
    config = TenantForeignKey(AgentConfig, on_delete=models.PROTECT, related_name="deployments")
    previous_config = TenantForeignKey(AgentConfig, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    replaces = TenantForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    experiment = TenantForeignKey(
        Experiment, on_delete=models.PROTECT, null=True, blank=True, related_name="deployments"
    )
    status = models.CharField(max_length=12, choices=DeploymentStatus.choices, default=DeploymentStatus.SERVING)
    coverage = models.PositiveSmallIntegerField(default=BUCKETS)  # buckets of users that get this config
    salt = models.CharField(max_length=32, default=new_salt, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )

    class Meta:
        constraints = [
            one_of("status", DeploymentStatus),
            between("coverage", 1, BUCKETS),
            models.CheckConstraint(
                condition=Q(status="ramping", coverage__lt=BUCKETS)
                | Q(status="serving", coverage=BUCKETS)
                | Q(status__in=["superseded", "rolled_back"]),
                name="share_fits_status",
            ),
            models.UniqueConstraint(
                fields=["organization", "agent"], name="one_serving_deployment", condition=Q(status="serving")
            ),
            models.UniqueConstraint(
                fields=["organization", "agent"], name="one_ramping_deployment", condition=Q(status="ramping")
            ),
        ]
        indexes = [models.Index(fields=["organization", "agent", "-created_at"], name="deployment_recent")]

    def __str__(self) -> str:
        return f"deployment of {self.config}"

    beside = 0  # buckets that another deployment takes while it ramps; set by who lists what serves

    @property
    def share(self) -> float:
        """Percent of users that get this config."""
        return percent_of(self.coverage - self.beside)

    @property
    def state(self) -> str:
        """The status for people."""
        return "Serves everybody else" if self.beside else self.get_status_display()

    @property
    def live(self) -> bool:
        return self.status in (DeploymentStatus.SERVING, DeploymentStatus.RAMPING)


class DeploymentEventKind(models.TextChoices):
    DEPLOYED = "deployed", "Deployed"
    PROMOTED = "promoted", "Share changed"
    SUPERSEDED = "superseded", "Replaced"
    ROLLED_BACK = "rolled_back", "Rolled back"
    RESTORED = "restored", "Serves again"


class DeploymentEvent(OrganizationModel):
    """One step of a deployment. Rows are added and never changed."""

    deployment = TenantForeignKey(Deployment, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=12, choices=DeploymentEventKind.choices)
    coverage = models.PositiveSmallIntegerField()
    actor_label = models.CharField(max_length=200)
    note = models.TextField(blank=True)

    class Meta:
        constraints = [one_of("kind", DeploymentEventKind), between("coverage", 0, BUCKETS)]

    @property
    def share(self) -> float:
        """Percent of users that got the config after this step."""
        return percent_of(self.coverage)
