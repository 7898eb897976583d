"""Where a config was compared and where it served. Reads only."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from experiments.models import Deployment, Experiment, Variant
from learning.models import AgentConfig


def experiments_of(config: AgentConfig) -> list[Experiment]:
    """Experiments that had the config as an arm, newest first."""
    return list(Experiment.objects.filter(variants__config=config).order_by("-id"))


def deployments_of(config: AgentConfig) -> list[Deployment]:
    """Deployments of the config, newest first, with the experiments that they came from."""
    return list(Deployment.objects.filter(config=config).select_related("experiment").order_by("-id"))


def arm_of(*, config_id: UUID, key: str, moment: datetime) -> Variant | None:
    """The arm with this key and config, of the experiment that had started last by the moment; None for none."""
    arms = Variant.objects.filter(config_id=config_id, key=key, experiment__started_at__lte=moment)
    return arms.select_related("experiment").order_by("-experiment__started_at").first()
