"""Training runs side by side: what they were asked to do, and what came of it. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from learning.models import TrainingRun
from organizations.errors import Missing, Refused

FEWEST, MOST = 2, 6


@dataclass(frozen=True)
class Difference:
    """A setting that is not the same in all runs; one value for each, None where it was left open."""

    setting: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Comparison:
    """`same_split`: all are confirmed on one sealed test split, so that their gains can stand beside each other."""

    runs: tuple[TrainingRun, ...]
    differences: tuple[Difference, ...]
    same_split: bool


def compare_runs(*, run_ids: Iterable[UUID]) -> Comparison:
    """The runs in the order asked for. Raises Refused for a wrong number of them, Missing for one that is not there."""
    wanted = list(dict.fromkeys(run_ids))
    if not FEWEST <= len(wanted) <= MOST:
        raise Refused(f"Choose {FEWEST} to {MOST} different runs, not {len(wanted)}.", "id")
    related = ("agent", "base_config", "dataset_version__dataset", "candidate_config")
    found = {run.pk: run for run in TrainingRun.objects.select_related(*related).filter(pk__in=wanted)}
    for key in wanted:
        if key not in found:
            raise Missing(f"There is no training run {key}.", "id")
    runs = tuple(found[key] for key in wanted)
    return Comparison(runs, tuple(differences_of(runs)), len({run.dataset_version_id for run in runs}) == 1)


def differences_of(runs: Sequence[TrainingRun]) -> list[Difference]:
    """The settings in which the runs differ, in the order of the form."""
    settings = [settings_of(run) for run in runs]
    names = dict.fromkeys(name for one in settings for name in one)
    rows = [Difference(name, tuple(one.get(name) for one in settings)) for name in names]
    return [row for row in rows if any(value != row.values[0] for value in row.values)]


def settings_of(run: TrainingRun) -> dict[str, Any]:
    """Everything that decides what a run does, flat, by the names of the API."""
    config = run.config if isinstance(run.config, dict) else {}
    version = run.dataset_version
    return {
        "agent_id": run.agent.external_id,
        "dataset": f"{version.dataset.name}, version {version.number}",
        "base_config": run.base_config.number,
        "training_type": run.training_type,
        **{f"config.{key}": value for key, value in sorted(config.items())},
        "seed": run.seed,
    }
