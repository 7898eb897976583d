"""Read-only tables: experiments and deployments change by buttons, never by forms."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from experiments.models import Analysis, Deployment, DeploymentEvent, Experiment, Exposure, MetricResult, Variant


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows and changes none."""

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False


@admin.register(Experiment)
class ExperimentAdmin(ReadOnlyAdmin):
    list_display = ("name", "agent", "status", "started_at", "ended_at")
    list_filter = ("status",)


@admin.register(Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    list_display = ("agent", "config", "status", "share", "created_at")
    list_filter = ("status",)


admin.site.register([Analysis, DeploymentEvent, Exposure, MetricResult, Variant], ReadOnlyAdmin)
