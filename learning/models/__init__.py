"""The tables of learning, by noun."""

from learning.models.agents import Agent, AgentConfig, ConfigStatus
from learning.models.datasets import DatasetExample, DatasetVersion, Split, TrainingDataset
from learning.models.examples import ExampleType, LearningExample, ReviewStatus, SourceType
from learning.models.executions import Decision, Execution, ExecutionKey, ExecutionStatus
from learning.models.feedback import ISSUE_CATEGORIES, AgentFeedback, FeedbackType
from learning.models.retrieval import RetrievalEvent
from learning.models.rollups import (
    FeedbackIssueRollup,
    FeedbackRollup,
    FeedbackRollupMark,
    FeedbackRollupProgress,
    Grain,
)
from learning.models.telemetry import TelemetrySpan
from learning.models.training import (
    GateReport,
    GateStatus,
    LlmResponse,
    RunStatus,
    TrainingRun,
    TrainingRunLog,
    TrainingType,
)

__all__ = [
    "ISSUE_CATEGORIES",
    "Agent",
    "AgentConfig",
    "AgentFeedback",
    "ConfigStatus",
    "DatasetExample",
    "DatasetVersion",
    "Decision",
    "ExampleType",
    "Execution",
    "ExecutionKey",
    "ExecutionStatus",
    "FeedbackIssueRollup",
    "FeedbackRollup",
    "FeedbackRollupMark",
    "FeedbackRollupProgress",
    "FeedbackType",
    "GateReport",
    "GateStatus",
    "Grain",
    "LearningExample",
    "LlmResponse",
    "RetrievalEvent",
    "ReviewStatus",
    "RunStatus",
    "SourceType",
    "Split",
    "TelemetrySpan",
    "TrainingDataset",
    "TrainingRun",
    "TrainingRunLog",
    "TrainingType",
]
