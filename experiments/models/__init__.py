"""The tables of experiments and deployments, by noun."""

from experiments.models.analyses import Analysis, MetricResult
from experiments.models.deployments import Deployment, DeploymentEvent, DeploymentEventKind, DeploymentStatus
from experiments.models.experiments import Experiment, ExperimentKind, ExperimentStatus, Unit, Variant
from experiments.models.exposures import Exposure, ForcedAssignment, WeightsUpdate
from experiments.models.layers import Layer
from experiments.models.outcomes import ArmCount, OutcomeMark, OutcomeProgress, OutcomeSum, UnitOutcome
from experiments.models.reported import CustomMetric, MetricShape, OutcomeEvent

__all__ = [
    "Analysis",
    "ArmCount",
    "CustomMetric",
    "Deployment",
    "DeploymentEvent",
    "DeploymentEventKind",
    "DeploymentStatus",
    "Experiment",
    "ExperimentKind",
    "ExperimentStatus",
    "Exposure",
    "ForcedAssignment",
    "Layer",
    "MetricResult",
    "MetricShape",
    "OutcomeEvent",
    "OutcomeMark",
    "OutcomeProgress",
    "OutcomeSum",
    "Unit",
    "UnitOutcome",
    "Variant",
    "WeightsUpdate",
]
