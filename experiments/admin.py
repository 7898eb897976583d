"""Read-only tables: experiments and deployments change by buttons, never by forms."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse

from experiments import models
from experiments.models import Deployment, Experiment
from organizations.readonly import ReadOnlyAdmin


@admin.register(Experiment)
class ExperimentAdmin(ReadOnlyAdmin):
    list_display = ("name", "agent", "kind", "unit", "status", "started_at", "ended_at")
    list_filter = ("status", "kind", "unit")
    search_fields = ("name",)

    def view_on_site(self, obj: Experiment) -> str:
        """The page with its buttons."""
        return reverse("experiment", args=[obj.pk])


@admin.register(Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    list_display = ("agent", "config", "status", "share", "created_at")
    list_filter = ("status",)


@admin.register(models.Layer)
class LayerAdmin(ReadOnlyAdmin):
    list_display = ("name", "holdout", "created_at")


@admin.register(models.CustomMetric)
class CustomMetricAdmin(ReadOnlyAdmin):
    list_display = ("name", "label", "shape", "higher_is_better", "maturity_hours")
    list_filter = ("shape",)


@admin.register(models.ForcedAssignment)
class ForcedAssignmentAdmin(ReadOnlyAdmin):
    list_display = ("unit", "experiment", "variant", "note", "created_by", "created_at", "released_at")


@admin.register(models.Analysis)
class AnalysisAdmin(ReadOnlyAdmin):
    list_display = ("experiment", "number", "verdict", "sentence", "created_at")
    list_filter = ("verdict",)


admin.site.register(
    [
        models.ArmCount,
        models.DeploymentEvent,
        models.Exposure,
        models.MetricResult,
        models.OutcomeEvent,
        models.OutcomeSum,
        models.UnitOutcome,
        models.Variant,
        models.WeightsUpdate,
    ],
    ReadOnlyAdmin,
)
