"""The tables of learning, by noun."""

from learning.models.agents import Agent, AgentConfig, ConfigStatus
from learning.models.behavior import (
    ActionCorrection,
    CorrectionKind,
    Demonstration,
    DemonstrationSource,
    DemonstrationStep,
    StepSource,
)
from learning.models.calls import ChunkStatus, EvaluationChunk, LlmResponse
from learning.models.datasets import (
    TEST_SPLIT_READ,
    BalanceBy,
    DatasetExample,
    DatasetVersion,
    Duplicates,
    GroupBy,
    Split,
    SplitAssignment,
    TrainingDataset,
)
from learning.models.erasures import ErasureReceipt
from learning.models.examples import (
    BAD_TYPES,
    CompiledCorrection,
    CompiledKind,
    ExampleBand,
    ExampleType,
    LearningExample,
    QualityFlag,
    ReviewStatus,
    SourceType,
)
from learning.models.executions import Decision, Execution, ExecutionKey, ExecutionStatus
from learning.models.feedback import ISSUE_CATEGORIES, AgentFeedback, FeedbackType
from learning.models.insight import (
    FeedbackQualityCorrelation,
    Improvement,
    ImprovementStatus,
    InsightReport,
    InsightTrigger,
    LearningPattern,
    PatternType,
    QualityModel,
    ReviewerPreferenceModel,
)
from learning.models.jobs import LONG_KINDS, Job, JobChange, JobKind, JobStatus
from learning.models.retrieval import RetrievalEvent
from learning.models.rollups import (
    FeedbackIssueRollup,
    FeedbackRollup,
    FeedbackRollupMark,
    FeedbackRollupProgress,
    Grain,
)
from learning.models.rules import ExampleRule, PreparationProgress, RuleProgress, RuleResult, RuleSource
from learning.models.telemetry import TelemetrySpan
from learning.models.text_numbers import TextNumbers
from learning.models.training import (
    GateReport,
    GateStatus,
    RunStatus,
    TrainingRun,
    TrainingRunLog,
    TrainingType,
)
from learning.models.words import ExampleWords

__all__ = [
    "BAD_TYPES",
    "ISSUE_CATEGORIES",
    "LONG_KINDS",
    "TEST_SPLIT_READ",
    "ActionCorrection",
    "Agent",
    "AgentConfig",
    "AgentFeedback",
    "BalanceBy",
    "ChunkStatus",
    "CompiledCorrection",
    "CompiledKind",
    "ConfigStatus",
    "CorrectionKind",
    "DatasetExample",
    "DatasetVersion",
    "Decision",
    "Demonstration",
    "DemonstrationSource",
    "DemonstrationStep",
    "Duplicates",
    "ErasureReceipt",
    "EvaluationChunk",
    "ExampleBand",
    "ExampleRule",
    "ExampleType",
    "ExampleWords",
    "Execution",
    "ExecutionKey",
    "ExecutionStatus",
    "FeedbackIssueRollup",
    "FeedbackQualityCorrelation",
    "FeedbackRollup",
    "FeedbackRollupMark",
    "FeedbackRollupProgress",
    "FeedbackType",
    "GateReport",
    "GateStatus",
    "Grain",
    "GroupBy",
    "Improvement",
    "ImprovementStatus",
    "InsightReport",
    "InsightTrigger",
    "Job",
    "JobChange",
    "JobKind",
    "JobStatus",
    "LearningExample",
    "LearningPattern",
    "LlmResponse",
    "PatternType",
    "PreparationProgress",
    "QualityFlag",
    "QualityModel",
    "RetrievalEvent",
    "ReviewStatus",
    "ReviewerPreferenceModel",
    "RuleProgress",
    "RuleResult",
    "RuleSource",
    "RunStatus",
    "SourceType",
    "Split",
    "SplitAssignment",
    "StepSource",
    "TelemetrySpan",
    "TextNumbers",
    "TrainingDataset",
    "TrainingRun",
    "TrainingRunLog",
    "TrainingType",
]
