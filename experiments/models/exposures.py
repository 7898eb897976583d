"""Who has met which arm, who was put into one by hand, and how a bandit's shares moved."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from experiments.models.experiments import Experiment, Variant
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class Exposure(OrganizationModel):
    """The first time a unit met its arm; outcomes count from there. One row a unit, the first wins.

    `variant` is the arm that the unit was assigned to, whatever it saw later. A unit that was seen in another arm too
    has `crossed_at`: it is counted, and left out of every comparison. Both changes set `updated_at`.
    Units that were forced into an arm have no exposure, or one with `forced`: they are left out and not counted.
    """

    experiment = TenantForeignKey(Experiment, on_delete=models.CASCADE, related_name="exposures")
    variant = TenantForeignKey(Variant, on_delete=models.CASCADE, related_name="exposures")
    unit = models.CharField(max_length=200)  # the user's pseudonym, the session or the execution, as executions say it
    exposed_at = models.DateTimeField(default=timezone.now)
    # The probability of this arm when the unit was assigned; None (rows of old): the share of the variant.
    propensity = models.FloatField(null=True, blank=True)
    # Of a bandit's shares that it was assigned by (WeightsUpdate); 0: the shares as planned.
    revision = models.PositiveIntegerField(default=0, db_default=0)
    crossed_at = models.DateTimeField(null=True, blank=True)
    forced = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "experiment", "unit"], name="exposure_once"),
            models.CheckConstraint(
                condition=Q(propensity=None) | Q(propensity__gt=0, propensity__lte=1), name="exposure_propensity_range"
            ),
        ]


class ForcedAssignment(OrganizationModel):
    """A tester's unit that gets one arm whatever its buckets say. Left out of the analysis for good, also when it is
    released, since it may have seen what its arm does not show."""

    experiment = TenantForeignKey(Experiment, on_delete=models.CASCADE, related_name="forced")
    variant = TenantForeignKey(Variant, on_delete=models.CASCADE, related_name="forced")
    unit = models.CharField(max_length=200)
    digest = models.CharField(max_length=16)  # bucketing.tester_digest: what the ruleset shows of the unit
    note = models.CharField(max_length=200, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )

    class Meta:
        verbose_name = "forced assignment"
        constraints = [models.UniqueConstraint(fields=["organization", "experiment", "unit"], name="forced_once")]

    def __str__(self) -> str:
        return self.unit


class WeightsUpdate(OrganizationModel):
    """One step of a bandit: the shares from then on. Rows are added and never changed."""

    experiment = TenantForeignKey(Experiment, on_delete=models.CASCADE, related_name="weights_updates")
    revision = models.PositiveIntegerField()
    buckets: Any = models.JSONField(default=dict)  # {variant key: buckets}, together 10,000

    class Meta:
        verbose_name = "update of a bandit's shares"
        verbose_name_plural = "updates of bandits' shares"
        constraints = [
            models.UniqueConstraint(fields=["organization", "experiment", "revision"], name="weights_revision_once")
        ]
