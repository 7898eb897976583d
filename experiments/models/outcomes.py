"""What an experiment remembers of its units: one row of outcomes a unit, and their sums by arm.

The rows follow from exposures, executions, feedback and reported events, and can be made anew from them at any time
(services/outcome_check.py); the sums follow from the rows. Only services/outcomes.py writes them.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from experiments.models.experiments import Experiment
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class UnitOutcome(OrganizationModel):
    """What one exposed unit has shown so far. Its id is the exposure's, so new rows come at the end of the indexes.

    `values` has the columns of every metric, one metric after the other in the order of `Experiment.metrics`
    (services/outcome_columns.py); NULL where the unit has no outcome of it, or none yet.
    """

    experiment = TenantForeignKey(Experiment, on_delete=models.CASCADE, related_name="unit_outcomes")
    arm = models.PositiveSmallIntegerField()  # Variant.position
    stratum = models.PositiveIntegerField(default=0)  # Exposure.revision: in each, all units had the same propensities
    crossed = models.BooleanField(default=False)  # seen in several arms: counted, and left out of the sums
    due_at = models.DateTimeField(null=True, blank=True)  # when the next window of a metric is over; None: all are
    rated = models.BooleanField(default=False)
    values: Any = ArrayField(models.FloatField(null=True), default=list)

    class Meta:
        indexes = [
            models.Index(
                fields=["organization", "experiment", "due_at"],
                name="unit_outcome_due",
                condition=models.Q(due_at__isnull=False),
            )
        ]


class ArmCount(OrganizationModel):
    """Units of one arm and stratum."""

    experiment = TenantForeignKey(Experiment, on_delete=models.CASCADE, related_name="arm_counts")
    arm = models.PositiveSmallIntegerField()
    stratum = models.PositiveIntegerField(default=0)
    exposed = models.BigIntegerField(default=0)
    crossed = models.BigIntegerField(default=0)
    matured = models.BigIntegerField(default=0)
    rated = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "experiment", "arm", "stratum"], name="arm_count_once"),
        ]


class OutcomeSum(OrganizationModel):
    """The sums of one metric in one arm and stratum, as experiments.stats.sufficient.Sums has them, from origin 0.

    They are exact decimals: what is added and taken back leaves no trace, however often. totals: one a column;
    products: of two columns each, the lower triangle by rows; levels: units whose first column is -1, 0 and 1.
    No CHECK that n is positive: a difference that INSERT ... ON CONFLICT adds may be negative.
    """

    experiment = TenantForeignKey(Experiment, on_delete=models.CASCADE, related_name="outcome_sums")
    arm = models.PositiveSmallIntegerField()
    stratum = models.PositiveIntegerField(default=0)
    metric = models.CharField(max_length=50)
    n = models.BigIntegerField(default=0)
    totals: Any = ArrayField(models.DecimalField(max_digits=90, decimal_places=24), default=list)
    products: Any = ArrayField(models.DecimalField(max_digits=90, decimal_places=24), default=list)
    levels: Any = ArrayField(models.BigIntegerField(), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "experiment", "arm", "stratum", "metric"], name="outcome_sum_once"
            ),
        ]


class OutcomeProgress(OrganizationModel):
    """How far an experiment's sources are read: everything created before `read_until` is in, apart from what marks
    tell of. `pending_until` comes next, once every transaction older than `pending_transaction` has ended.

    Who looks at units, or takes some away, holds this row until the transaction ends.
    """

    experiment = TenantForeignKey(Experiment, on_delete=models.CASCADE, related_name="outcome_progress")
    read_until = models.DateTimeField(null=True, blank=True)
    pending_until = models.DateTimeField(null=True, blank=True)
    pending_transaction = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "progress of outcomes"
        constraints = [models.UniqueConstraint(fields=["organization", "experiment"], name="outcome_progress_once")]


class OutcomeMark(OrganizationModel):
    """A unit of a live experiment that has to be looked at again. Written by triggers, for what is stored later than it
    should, changed or deleted; taken away by the next look."""

    experiment = TenantForeignKey(Experiment, on_delete=models.CASCADE, related_name="+")
    unit = models.CharField(max_length=200)
