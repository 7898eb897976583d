"""Where a config was compared and where it served. Reads only."""

from __future__ import annotations

from experiments.models import Deployment, Experiment
from learning.models import AgentConfig


def experiments_of(config: AgentConfig) -> list[Experiment]:
    """Experiments that had the config as an arm, newest first."""
    return list(Experiment.objects.filter(variants__config=config).order_by("-id"))


def deployments_of(config: AgentConfig) -> list[Deployment]:
    """Deployments of the config, newest first, with the experiments that they came from."""
    return list(Deployment.objects.filter(config=config).select_related("experiment").order_by("-id"))
