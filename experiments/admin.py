"""Read-only tables: experiments and deployments change by buttons, never by forms."""

from __future__ import annotations

from django.contrib import admin

from experiments import models
from experiments.models import Deployment, Experiment
from organizations.readonly import ReadOnlyAdmin


@admin.register(Experiment)
class ExperimentAdmin(ReadOnlyAdmin):
    list_display = ("name", "agent", "status", "started_at", "ended_at")
    list_filter = ("status",)


@admin.register(Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    list_display = ("agent", "config", "status", "share", "created_at")
    list_filter = ("status",)


admin.site.register(
    [
        models.Analysis,
        models.ArmCount,
        models.CustomMetric,
        models.DeploymentEvent,
        models.Exposure,
        models.ForcedAssignment,
        models.Layer,
        models.MetricResult,
        models.OutcomeEvent,
        models.OutcomeSum,
        models.UnitOutcome,
        models.Variant,
        models.WeightsUpdate,
    ],
    ReadOnlyAdmin,
)
