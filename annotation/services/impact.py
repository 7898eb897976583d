"""What a person's reviews changed: the dataset versions, training runs and configs that came of them. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from annotation.models import ExpertAnnotation
from learning.models import Agent, AgentConfig, DatasetVersion, TrainingRun

SHOWN = 20  # of each, newest first
NEWEST = 5_000  # reviews of the person that are followed


@dataclass(frozen=True)
class Impact:
    """Newest first. `serving`: agents whose answers now come from one of these configs."""

    reviews: int
    versions: list[DatasetVersion]
    runs: list[TrainingRun]
    configs: list[AgentConfig]
    serving: list[Agent]


def impact_of(*, expert: Any) -> Impact:
    """Follow the person's newest reviews that count downstream."""
    mine = ExpertAnnotation.objects.counted().filter(expert=expert).order_by("-created_at")
    examples = list(mine.values_list("example_id", flat=True)[:NEWEST])
    versions = DatasetVersion.objects.filter(items__example__in=examples).distinct().select_related("dataset")
    shown = list(versions.order_by("-id")[:SHOWN])
    runs = list(TrainingRun.objects.filter(dataset_version__in=shown).select_related("agent").order_by("-id")[:SHOWN])
    configs = list(AgentConfig.objects.filter(training_run__in=runs).select_related("agent").order_by("-id")[:SHOWN])
    serving = list(Agent.objects.filter(serving_config__in=configs).order_by("name")[:SHOWN])
    return Impact(len(examples), shown, runs, configs, serving)
