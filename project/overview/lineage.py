"""The way from a config back to the corrections that caused it, and forward to where it serves. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from annotation.services import lineage as reviews
from experiments.services import lineage as serving
from learning.models import AgentConfig, DatasetExample, GateReport, TrainingRun
from learning.services import lineage as origins

SHOWN = 25  # examples on the page; the rest is counted


@dataclass(frozen=True)
class Origin:
    """An example that the config learned from, with what it came from and who reviewed it."""

    item: DatasetExample
    shown_to_model: bool  # stands in the config word for word
    annotations: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Story:
    """Everything the lineage page shows of one config."""

    config: AgentConfig
    run: TrainingRun | None
    gate: GateReport | None
    origins: list[Origin]
    origins_total: int
    experiments: list[Any]
    deployments: list[Any]
    children: list[AgentConfig]


def of_config(config_id: UUID) -> Story | None:
    """The story of a config; None when the organization has no such config."""
    config = origins.find_config(config_id)
    if config is None:
        return None
    run = config.training_run
    items = origins.examples_behind(config)
    by_example = reviews.annotations_of([item.example_id for item, _ in items[:SHOWN]])
    return Story(
        config=config,
        run=run,
        gate=origins.newest_gate_report(config),
        origins=[Origin(item, shown, by_example.get(item.example_id, [])) for item, shown in items[:SHOWN]],
        origins_total=len(items),
        experiments=serving.experiments_of(config),
        deployments=serving.deployments_of(config),
        children=origins.children_of(config),
    )
