"""Training runs side by side: what they were asked to do, and what came of it. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from learning.engines.metrics import METRIC_KINDS
from learning.models import TrainingRun
from learning.services.run_config import RunConfig
from organizations.errors import Missing, Refused

FEWEST, MOST = 2, 6


@dataclass(frozen=True)
class Difference:
    """A setting that is not the same in all runs; one value for each, None where it was left open."""

    setting: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Comparison:
    """`same_split`: all are confirmed on one sealed test split.

    `reasons`: why the gains cannot stand beside each other, in words. `notes`: what to keep in mind where they can.
    """

    runs: tuple[TrainingRun, ...]
    differences: tuple[Difference, ...]
    same_split: bool
    reasons: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def comparable(self) -> bool:
        return not self.reasons


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
    same_split = _agree(run.dataset_version_id for run in runs)
    reasons = tuple(_reasons(runs, same_split))
    return Comparison(
        runs=runs,
        differences=tuple(differences_of(runs)),
        same_split=same_split,
        reasons=reasons,
        notes=() if reasons else tuple(_notes(runs)),
    )


def differences_of(runs: Sequence[TrainingRun]) -> list[Difference]:
    """The settings in which the runs differ, in the order of the form."""
    settings = [settings_of(run) for run in runs]
    names = dict.fromkeys(name for one in settings for name in one)
    rows = [Difference(name, tuple(one.get(name) for one in settings)) for name in names]
    return [row for row in rows if not _agree(row.values)]


def settings_of(run: TrainingRun) -> dict[str, Any]:
    """Everything that decides what a run does, flat, by the names of the API."""
    version = run.dataset_version
    return {
        "agent_id": run.agent.external_id,
        "dataset": f"{version.dataset.name}, version {version.number}",
        "base_config": run.base_config.number,
        "training_type": run.training_type,
        **{f"config.{key}": value for key, value in sorted(_config(run).items())},
        "seed": run.seed,
    }


def _reasons(runs: Sequence[TrainingRun], same_split: bool) -> Iterator[str]:
    """A gain is over a config, on examples, by a metric: all three must be the same."""
    if not same_split:
        yield "They were tested on different dataset versions, so on different examples."
    if not _agree(_metric(run) for run in runs):
        yield "Their answers were scored in different ways: by another metric, or with other options of it."
    if not _agree(run.base_config_id for run in runs):
        yield "They started from different configs, so that each gain is over something else."


def _notes(runs: Sequence[TrainingRun]) -> Iterator[str]:
    if not _agree(_config(run).get("max_calls") for run in runs):
        yield (
            "They had different numbers of calls, so they may be tested on different examples of the test split, on "
            "more or fewer of them. A small difference between their gains may come from that alone."
        )


def _metric(run: TrainingRun) -> tuple[Any, dict[str, Any]]:
    """How the answers of a run were scored: the metric, and what it was told, defaults included."""
    metric, told = _config(run).get("metric", RunConfig.metric), _config(run).get("metric_options")
    kind = METRIC_KINDS.get(metric) if isinstance(metric, str) else None
    defaults = {name: option.default for name, option in kind.options.items()} if kind else {}
    return metric, defaults | (told if isinstance(told, dict) else {})


def _agree(values: Iterable[Any]) -> bool:
    """Whether all are the same, whatever shape they have."""
    first, *others = values
    return all(other == first for other in others)


def _config(run: TrainingRun) -> dict[str, Any]:
    return run.config if isinstance(run.config, dict) else {}
