"""Under /api/learning/. An address may also end with a slash: project.aliases takes it off."""

from typing import Any

from django.urls import path

from learning.api.agents import AgentViewSet
from learning.api.behavior import (
    ActionCorrectionViewSet,
    CorrectionTrendsView,
    DemonstrationStepsViewSet,
    PolicyUpdateView,
    StepwiseViewSet,
)
from learning.api.bulk_actions import BulkActionView
from learning.api.configs import AgentConfigsView
from learning.api.dataset_files import DatasetFileViewSet
from learning.api.dataset_versions import DatasetContentViewSet, ExampleWeightViewSet
from learning.api.datasets import DatasetViewSet
from learning.api.erasures import ErasureViewSet
from learning.api.examples import ExampleViewSet, PreferenceViewSet
from learning.api.executions import ExecutionViewSet
from learning.api.feedback import FeedbackBatchView, FeedbackView
from learning.api.insight import (
    CorrelationsView,
    ImprovementApplyView,
    ImprovementDismissView,
    ImprovementsView,
    ImprovementWithdrawView,
    LearnView,
    PatternsView,
    PredictQualityView,
    PreferencesView,
)
from learning.api.jobs import JobViewSet
from learning.api.rules import RuleViewSet
from learning.api.statistics import (
    AgentIssuesView,
    AgentStatisticsView,
    FeedbackAnalyticsView,
    FeedbackIssuesView,
    FeedbackStatisticsView,
)
from learning.api.synthesis import SynthesisView
from learning.api.training import OptimizePromptView, TrainingRunViewSet

LIST: Any = {"get": "list", "post": "create"}
ONE: Any = {"get": "retrieve"}

urlpatterns = [
    path("executions", ExecutionViewSet.as_view(LIST), name="executions"),
    path("executions/batch", ExecutionViewSet.as_view({"post": "batch"}), name="executions-batch"),
    path("executions/<str:pk>", ExecutionViewSet.as_view(ONE), name="execution"),
    path("feedback", FeedbackView.as_view(), name="feedback"),
    path("feedback/batch", FeedbackBatchView.as_view(), name="feedback-batch"),
    path("feedback/stats", FeedbackStatisticsView.as_view(), name="feedback-stats"),
    path("feedback/stats/<str:agent>", AgentStatisticsView.as_view(), name="feedback-stats-of-agent"),
    path("feedback/issues", FeedbackIssuesView.as_view(), name="feedback-issues"),
    path("feedback/issues/<str:agent>", AgentIssuesView.as_view(), name="feedback-issues-of-agent"),
    path("feedback/analytics", FeedbackAnalyticsView.as_view(), name="feedback-analytics"),
    path("examples", ExampleViewSet.as_view(LIST), name="examples"),
    path("examples/bulk", BulkActionView.as_view(), name="examples-bulk"),
    path("examples/<str:pk>", ExampleViewSet.as_view(ONE), name="example"),
    path("examples/<str:pk>/weight", ExampleWeightViewSet.as_view({"put": "update"}), name="example-weight"),
    path("jobs", JobViewSet.as_view({"get": "list"}), name="jobs"),
    path("jobs/<str:pk>", JobViewSet.as_view(ONE), name="job"),
    path("jobs/<str:pk>/cancel", JobViewSet.as_view({"post": "cancel"}), name="job-cancel"),
    path("jobs/<str:pk>/resume", JobViewSet.as_view({"post": "resume"}), name="job-resume"),
    path("jobs/<str:pk>/undo", JobViewSet.as_view({"post": "undo"}), name="job-undo"),
    path("demonstrations", StepwiseViewSet.as_view(LIST), name="demonstrations"),
    path("demonstrations/import", StepwiseViewSet.as_view({"post": "take_in"}), name="demonstrations-import"),
    path(
        "demonstrations/from-executions",
        StepwiseViewSet.as_view({"post": "of_executions"}),
        name="demonstrations-from-executions",
    ),
    path("demonstrations/<str:pk>/steps", DemonstrationStepsViewSet.as_view(ONE), name="demonstration-steps"),
    path("action-corrections", ActionCorrectionViewSet.as_view(LIST), name="action-corrections"),
    path("preferences", PreferenceViewSet.as_view(LIST), name="preferences"),
    path("agents", AgentViewSet.as_view(LIST), name="agents"),
    path("agents/<str:agent>/correction-trends", CorrectionTrendsView.as_view(), name="correction-trends"),
    path("agents/<str:agent>/configs", AgentConfigsView.as_view(), name="agent-configs"),
    path("agents/<str:agent>/patterns", PatternsView.as_view(), name="agent-patterns"),
    path("agents/<str:agent>/correlations", CorrelationsView.as_view(), name="agent-correlations"),
    path("agents/<str:agent>/preferences", PreferencesView.as_view(), name="agent-preferences"),
    path("agents/<str:agent>/learn", LearnView.as_view(), name="agent-learn"),
    path("agents/<str:agent>/predict-quality", PredictQualityView.as_view(), name="agent-predict-quality"),
    path("agents/<str:agent>/improvements", ImprovementsView.as_view(), name="agent-improvements"),
    path(
        "agents/<str:agent>/improvements/<str:improvement>/apply",
        ImprovementApplyView.as_view(),
        name="improvement-apply",
    ),
    path(
        "agents/<str:agent>/improvements/<str:improvement>/dismiss",
        ImprovementDismissView.as_view(),
        name="improvement-dismiss",
    ),
    path(
        "agents/<str:agent>/improvements/<str:improvement>/withdraw",
        ImprovementWithdrawView.as_view(),
        name="improvement-withdraw",
    ),
    path("agents/<str:pk>", AgentViewSet.as_view(ONE | {"patch": "partial_update"}), name="agent"),
    path("datasets", DatasetViewSet.as_view(LIST), name="datasets"),
    path("datasets/<str:pk>", DatasetViewSet.as_view(ONE | {"patch": "partial_update"}), name="dataset"),
    path("datasets/<str:pk>/preview", DatasetContentViewSet.as_view({"get": "preview"}), name="dataset-preview"),
    path("datasets/<str:pk>/diff", DatasetContentViewSet.as_view({"get": "diff"}), name="dataset-diff"),
    path("datasets/<str:pk>/compiled", DatasetContentViewSet.as_view({"get": "compiled"}), name="dataset-compiled"),
    path(
        "datasets/<str:pk>/versions/<int:number>",
        DatasetContentViewSet.as_view({"get": "version"}),
        name="dataset-version",
    ),
    path(
        "datasets/<str:pk>/examples",
        DatasetViewSet.as_view({"get": "examples", "post": "add_example"}),
        name="dataset-examples",
    ),
    path(
        "datasets/<str:pk>/versions",
        DatasetViewSet.as_view({"get": "versions", "post": "publish"}),
        name="dataset-versions",
    ),
    path("datasets/<str:pk>/export", DatasetFileViewSet.as_view({"get": "export"}), name="dataset-export"),
    path("datasets/<str:pk>/import", DatasetFileViewSet.as_view({"post": "take_in"}), name="dataset-import"),
    path("rules", RuleViewSet.as_view(LIST), name="rules"),
    path("rules/standard", RuleViewSet.as_view({"post": "standard"}), name="rules-standard"),
    path("rules/<str:pk>", RuleViewSet.as_view(ONE | {"patch": "partial_update"}), name="rule"),
    path("rules/<str:pk>/preview", RuleViewSet.as_view({"get": "preview"}), name="rule-preview"),
    path("rules/<str:pk>/apply", RuleViewSet.as_view({"post": "apply"}), name="rule-apply"),
    path("synthetic-examples", SynthesisView.as_view(), name="synthetic-examples"),
    path("training-runs", TrainingRunViewSet.as_view(LIST), name="training-runs"),
    path("training-runs/estimate", TrainingRunViewSet.as_view({"post": "estimate"}), name="training-estimate"),
    path("training-runs/compare", TrainingRunViewSet.as_view({"get": "compare"}), name="training-compare"),
    path("training-runs/<str:pk>", TrainingRunViewSet.as_view(ONE), name="training-run"),
    path("training-runs/<str:pk>/log", TrainingRunViewSet.as_view({"get": "log"}), name="training-log"),
    path("training-runs/<str:pk>/rerun", TrainingRunViewSet.as_view({"post": "rerun"}), name="training-rerun"),
    path("training-runs/<str:pk>/cancel", TrainingRunViewSet.as_view({"post": "cancel"}), name="training-cancel"),
    path("training-runs/<str:pk>/approve", TrainingRunViewSet.as_view({"post": "approve"}), name="training-approve"),
    path("erasures", ErasureViewSet.as_view(LIST), name="erasures"),
    path("erasures/<str:pk>", ErasureViewSet.as_view(ONE), name="erasure"),
    path("policy-updates", PolicyUpdateView.as_view(), name="policy-updates"),
    path("optimize-prompt", OptimizePromptView.as_view(), name="optimize-prompt"),
]
