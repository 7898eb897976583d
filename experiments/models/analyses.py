"""What each look at an experiment found. Rows are added and never changed."""

from __future__ import annotations

from typing import Any

from django.db import models

from experiments.models.experiments import Experiment, Variant
from experiments.stats.terms import Role, Verdict, too_many_crossed
from organizations.constraints import between, one_of
from organizations.fields import TenantForeignKey
from organizations.models import OrganizationModel


class VerdictChoice(models.TextChoices):
    INCONCLUSIVE = Verdict.INCONCLUSIVE.value, "Inconclusive"
    CONTROL = Verdict.CONTROL.value, "Control"
    TREATMENT = Verdict.TREATMENT.value, "Treatment"
    STOPPED_FOR_HARM = Verdict.STOPPED_FOR_HARM.value, "Stopped for harm"


class MetricRole(models.TextChoices):
    SUCCESS = Role.SUCCESS.value, "Success"
    GUARDRAIL = Role.GUARDRAIL.value, "Guardrail"


class Analysis(OrganizationModel):
    """One look: units per arm, the check of the split, and the verdict in words."""

    experiment = TenantForeignKey(Experiment, on_delete=models.CASCADE, related_name="analyses")
    number = models.PositiveIntegerField()
    units: Any = models.JSONField(default=dict)  # {variant key: exposed units}
    crossed_units = models.PositiveIntegerField(default=0)  # seen in several arms, left out
    hours = models.FloatField(default=0)
    sample_ratio_log_e = models.FloatField(default=0)  # the highest so far
    sample_ratio_alarm = models.BooleanField(default=False)
    # Of the units "exposed", "matured" and "rated": {"units": {variant key: number}, "log_e", "alarm", "p"}.
    quality: Any = models.JSONField(default=dict)
    sample_ratio_p = models.FloatField(null=True, blank=True)
    verdict = models.CharField(max_length=20, choices=VerdictChoice.choices, default=VerdictChoice.INCONCLUSIVE)
    winner = TenantForeignKey(Variant, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    sentence = models.TextField(blank=True)
    missing: Any = models.JSONField(default=list)  # ["120 more users ...", ...]
    units_needed = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "analyses"
        constraints = [
            one_of("verdict", VerdictChoice),
            between("sample_ratio_p", 0, 1),
            models.UniqueConstraint(fields=["organization", "experiment", "number"], name="analysis_number_once"),
        ]

    @property
    def crossed_alarm(self) -> bool:
        """Whether so many units met several arms that no verdict is given."""
        return too_many_crossed(self.crossed_units, self.total_units)

    @property
    def counted(self) -> dict[str, int]:
        """The units of each arm, as far as they are numbers."""
        told = self.units if isinstance(self.units, dict) else {}
        return {key: number for key, number in told.items() if isinstance(number, int)}

    @property
    def total_units(self) -> int:
        return sum(self.counted.values())


class MetricResult(OrganizationModel):
    """One metric of one treatment against control at one look. Lift: treatment minus control, in the metric's unit."""

    analysis = TenantForeignKey(Analysis, on_delete=models.CASCADE, related_name="results")
    variant = TenantForeignKey(Variant, on_delete=models.PROTECT, related_name="results")
    metric = models.CharField(max_length=50)
    role = models.CharField(max_length=10, choices=MetricRole.choices)
    margin = models.FloatField(default=0)
    control_n = models.PositiveIntegerField()
    control_mean = models.FloatField(null=True, blank=True)
    control_m2 = models.FloatField(default=0)
    treatment_n = models.PositiveIntegerField()
    treatment_mean = models.FloatField(null=True, blank=True)
    treatment_m2 = models.FloatField(default=0)
    lift = models.FloatField(null=True, blank=True)
    standard_error = models.FloatField(null=True, blank=True)
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)
    # As a share of control's mean; None while that is not told from 0, and where it is not above 0.
    relative_lift = models.FloatField(null=True, blank=True)
    relative_low = models.FloatField(null=True, blank=True)
    relative_high = models.FloatField(null=True, blank=True)
    p = models.FloatField(default=1)  # always valid: the smallest so far
    short = models.PositiveIntegerField(default=0)  # more units an arm needs before inference starts

    class Meta:
        constraints = [
            one_of("role", MetricRole),
            between("p", 0, 1),
            between("margin", 0),
            between("control_m2", 0),
            between("treatment_m2", 0),
            models.UniqueConstraint(
                fields=["organization", "analysis", "variant", "metric"], name="metric_result_once"
            ),
        ]
        indexes = [models.Index(fields=["organization", "variant", "metric", "id"], name="metric_result_over_time")]
