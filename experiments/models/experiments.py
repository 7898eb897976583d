"""A live comparison of agent configs, and its arms."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from experiments.bucketing import BUCKETS, Slot, Split, new_salt, percent_of
from experiments.models.layers import Layer
from learning.models import Agent, AgentConfig
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class ExperimentStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    STOPPED = "stopped", "Stopped"
    COMPLETED = "completed", "Completed"


LIVE = (ExperimentStatus.RUNNING, ExperimentStatus.PAUSED)


class ExperimentKind(models.TextChoices):
    """What an experiment is for.

    An A/A decides nothing: it deals the units that there are into equal arms, whatever they are served, to show how
    often the statistics cry wolf. A bandit moves its shares towards the better arms.
    """

    AB = "ab", "A/B"
    AA = "aa", "A/A"
    BANDIT = "bandit", "Bandit"


class Unit(models.TextChoices):
    """What is assigned to an arm and counts as one outcome (services/units.py says where executions carry it)."""

    USER = "user", "User"
    SESSION = "session", "Session"
    EXECUTION = "execution", "Execution"


class Experiment(OrganizationModel):
    """Control against one or more treatments. What decides the outcome is frozen by a trigger once it has started.

    metrics: [{"name": a key of experiments.metrics.CATALOGUE, "role": "success" | "guardrail", "margin": number}].
    """

    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        ExperimentStatus.DRAFT: frozenset({ExperimentStatus.RUNNING, ExperimentStatus.STOPPED}),
        ExperimentStatus.RUNNING: frozenset(
            {ExperimentStatus.PAUSED, ExperimentStatus.STOPPED, ExperimentStatus.COMPLETED}
        ),
        ExperimentStatus.PAUSED: frozenset(
            {ExperimentStatus.RUNNING, ExperimentStatus.STOPPED, ExperimentStatus.COMPLETED}
        ),
        ExperimentStatus.STOPPED: frozenset(),
        ExperimentStatus.COMPLETED: frozenset(),
    }

    agent = TenantForeignKey(Agent, on_delete=models.CASCADE, related_name="experiments")
    kind = models.CharField(max_length=10, choices=ExperimentKind.choices, default=ExperimentKind.AB, db_default="ab")
    unit = models.CharField(max_length=10, choices=Unit.choices, default=Unit.USER, db_default="user")
    name = models.CharField(max_length=200)
    hypothesis = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=ExperimentStatus.choices, default=ExperimentStatus.DRAFT)
    salt = models.CharField(max_length=32, default=new_salt, editable=False)
    coverage = models.PositiveSmallIntegerField(default=BUCKETS)  # buckets of traffic that take part
    layer = TenantForeignKey(Layer, on_delete=models.PROTECT, null=True, blank=True, related_name="experiments")
    layer_buckets = models.PositiveSmallIntegerField(default=BUCKETS, db_default=BUCKETS)  # of the layer
    layer_start = models.PositiveSmallIntegerField(null=True, blank=True)  # given at the start
    # Of a bandit, which alone may change them: {"revision": 3, "buckets": {variant key: buckets}}; None: as planned.
    weights: Any = models.JSONField(null=True, blank=True)
    metrics: Any = models.JSONField(default=list)
    alpha = models.FloatField(default=0.05)
    planned_units = models.PositiveIntegerField(default=1000)  # of all arms together; the sequence is tightest there
    minimum_units = models.PositiveIntegerField(default=1000)
    minimum_hours = models.FloatField(default=168)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    running_since = models.DateTimeField(null=True, blank=True)  # None while it does not run
    ran_seconds = models.FloatField(default=0)  # before running_since; pauses do not count
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )

    class Meta:
        constraints = [
            one_of("status", ExperimentStatus),
            between("coverage", 1, BUCKETS),
            between("alpha", 0.0001, 0.5),
            between("planned_units", 1),
            between("minimum_hours", 0),
            between("ran_seconds", 0),
            one_of("kind", ExperimentKind),
            one_of("unit", Unit),
            between("layer_buckets", 1, BUCKETS),
            between("layer_start", 0, BUCKETS - 1),
            models.CheckConstraint(
                condition=Q(layer_start=None) | Q(layer_start__lte=BUCKETS - F("layer_buckets")),
                name="experiment_layer_range_inside",
            ),
            # Beside these the migration has two exclusion constraints: live experiments of a layer do not overlap, and
            # those that decide for one agent share one layer.
            models.UniqueConstraint(
                fields=["organization", "agent"],
                name="one_live_experiment",
                condition=Q(status__in=["running", "paused"], layer=None) & ~Q(kind="aa"),
            ),
            models.UniqueConstraint(
                fields=["organization", "agent"],
                name="one_live_aa",
                condition=Q(status__in=["running", "paused"], kind="aa"),
            ),
        ]
        indexes = [models.Index(fields=["organization", "status", "-created_at"], name="experiment_by_status")]

    def __str__(self) -> str:
        return self.name

    @property
    def live(self) -> bool:
        return self.status in LIVE

    @property
    def share(self) -> float:
        """Percent of the traffic that takes part; in a layer, of its range there."""
        return percent_of(self.coverage)

    @property
    def layer_share(self) -> float:
        """Percent of its layer that it takes."""
        return percent_of(self.layer_buckets)

    @property
    def slot(self) -> Slot | None:
        """Its range of its layer; None without a layer or before the start."""
        if self.layer is None or self.layer_start is None:
            return None
        return Slot(self.layer.salt, self.layer_start, self.layer_buckets)

    def hours(self, now: datetime | None = None) -> float:
        """Hours of running so far, pauses left out."""
        current = ((now or timezone.now()) - self.running_since).total_seconds() if self.running_since else 0.0
        return (self.ran_seconds + max(current, 0.0)) / 3600


class Variant(OrganizationModel):
    """One arm: a config and its share of the experiment's traffic. `position` fixes the order of the bucket ranges."""

    experiment = TenantForeignKey(Experiment, on_delete=models.CASCADE, related_name="variants")
    key = models.CharField(max_length=50)
    config = TenantForeignKey(AgentConfig, on_delete=models.PROTECT, related_name="variants")
    is_control = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)
    buckets = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "experiment", "key"], name="variant_key_once"),
            models.UniqueConstraint(fields=["organization", "experiment", "position"], name="variant_position_once"),
            models.UniqueConstraint(
                fields=["organization", "experiment"], name="one_control", condition=Q(is_control=True)
            ),
            between("buckets", 1, BUCKETS),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def share(self) -> float:
        """Percent of the experiment's traffic."""
        return percent_of(self.buckets)


def split_of(variants: list[Variant]) -> Split:
    """The shares of an experiment's arms in the order of their ranges, as planned (a bandit's: as it began)."""
    return Split(tuple((row.key, row.buckets) for row in sorted(variants, key=lambda row: row.position)))


def split_now(experiment: Experiment, variants: list[Variant]) -> Split:
    """The shares by which a new unit is assigned now."""
    if not experiment.weights:
        return split_of(variants)
    buckets = experiment.weights["buckets"]
    return Split(tuple((row.key, buckets[row.key]) for row in sorted(variants, key=lambda row: row.position)))
