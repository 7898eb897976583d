"""The tables of experiments and deployments, by noun."""

from experiments.models.analyses import Analysis, MetricResult
from experiments.models.deployments import Deployment, DeploymentEvent, DeploymentEventKind, DeploymentStatus
from experiments.models.experiments import Experiment, ExperimentStatus, Exposure, Variant

__all__ = [
    "Analysis",
    "Deployment",
    "DeploymentEvent",
    "DeploymentEventKind",
    "DeploymentStatus",
    "Experiment",
    "ExperimentStatus",
    "Exposure",
    "MetricResult",
    "Variant",
]
