"""Read-only tables of learning for operators."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from learning import models
from organizations.readonly import ReadOnlyAdmin


@admin.register(models.Agent)
class AgentAdmin(ReadOnlyAdmin):
    list_display = ("name", "external_id", "type", "domain", "serving_config", "created_at")
    list_filter = ("type", "domain")
    search_fields = ("external_id", "name")


@admin.register(models.AgentConfig)
class AgentConfigAdmin(ReadOnlyAdmin):
    list_display = ("agent", "number", "status", "content_hash", "training_run", "created_at")
    list_filter = ("status", "agent")
    list_select_related = ("agent", "training_run")


@admin.register(models.Execution)
class ExecutionAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "agent", "status", "variant", "duration_ms", "started_at")
    list_filter = ("status", "agent")
    list_select_related = ("agent",)
    search_fields = ("=external_id", "=user")


@admin.register(models.AgentFeedback)
class AgentFeedbackAdmin(ReadOnlyAdmin):
    list_display = ("agent", "feedback_type", "rating", "issue_categories", "consent", "created_at")
    list_filter = ("feedback_type", "rating", "consent", "agent")
    list_select_related = ("agent",)
    search_fields = ("=execution_external_id", "=user")


@admin.register(models.LearningExample)
class LearningExampleAdmin(ReadOnlyAdmin):
    list_display = ("agent", "example_type", "source_type", "review_status", "quality_score", "created_at")
    list_filter = ("example_type", "source_type", "review_status", "agent")
    list_select_related = ("agent",)


@admin.register(models.TrainingDataset)
class TrainingDatasetAdmin(ReadOnlyAdmin):
    list_display = ("name", "agent", "domains", "task_types", "created_at")
    list_filter = ("agent",)
    list_select_related = ("agent",)
    search_fields = ("name",)


@admin.register(models.DatasetVersion)
class DatasetVersionAdmin(ReadOnlyAdmin):
    list_display = ("dataset", "number", "total", "average_quality", "manifest_hash", "created_at")
    list_filter = ("dataset",)
    list_select_related = ("dataset",)


@admin.register(models.DatasetExample)
class DatasetExampleAdmin(ReadOnlyAdmin):
    list_display = ("version", "split", "input_text", "expected_output")
    list_filter = ("split",)
    list_select_related = ("version__dataset",)

    def get_queryset(self, request: Any) -> Any:
        """The open examples. Whoever wants the sealed ones leaves a trace (services.datasets.read_test_split)."""
        return super().get_queryset(request).exclude(split=models.Split.TEST)


@admin.register(models.TrainingRun)
class TrainingRunAdmin(ReadOnlyAdmin):
    list_display = ("name", "agent", "training_type", "status", "progress_percentage", "llm_calls", "created_at")
    list_filter = ("status", "training_type", "agent")
    list_select_related = ("agent",)


@admin.register(models.GateReport)
class GateReportAdmin(ReadOnlyAdmin):
    list_display = ("config", "status", "approved", "llm_calls", "decided_by", "decided_at", "created_at")
    list_filter = ("status", "approved")
    list_select_related = ("config", "decided_by")


@admin.register(models.Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("title", "kind", "status", "done", "total", "created_by", "created_at")
    list_filter = ("kind", "status")
    list_select_related = ("created_by",)


@admin.register(models.ErasureReceipt)
class ErasureReceiptAdmin(ReadOnlyAdmin):
    list_display = ("subject", "actor_label", "created_at")
    search_fields = ("=subject",)


@admin.register(models.ExampleRule)
class ExampleRuleAdmin(ReadOnlyAdmin):
    list_display = ("name", "source", "example_type", "agent", "active", "position")
    list_filter = ("active", "source", "example_type")
    list_select_related = ("agent",)


admin.site.register(
    [
        models.ActionCorrection,
        models.CompiledCorrection,
        models.Decision,
        models.Demonstration,
        models.DemonstrationStep,
        models.EvaluationChunk,
        models.ExecutionKey,
        models.FeedbackIssueRollup,
        models.FeedbackQualityCorrelation,
        models.FeedbackRollup,
        models.FeedbackRollupMark,
        models.FeedbackRollupProgress,
        models.Improvement,
        models.InsightReport,
        models.JobChange,
        models.LearningPattern,
        models.LlmResponse,
        models.PreparationProgress,
        models.QualityModel,
        models.RetrievalEvent,
        models.ReviewerPreferenceModel,
        models.RuleProgress,
        models.SplitAssignment,
        models.TelemetrySpan,
        models.TrainingRunLog,
    ],
    ReadOnlyAdmin,
)
