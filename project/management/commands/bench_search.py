"""`manage.py bench_search`: how good the prompts are that a run finds, on tasks where the truth about each is known."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from learning.engines.metrics import exact
from learning.engines.prompt import PromptOptimizer
from learning.engines.types import Budget
from project.benchmarks import BenchCommand, Report
from project.search_benchmark.worlds import CURRENT, KINDS, NULL, Kind, World

SEEDS, QUICK_SEEDS = 100, 8
FIRST_SEED = 1
CALLS = (80, 320)


@dataclass(frozen=True)
class Run:
    """True accuracies (0-1): of the prompt to begin with, of the one liked best, of what is proposed."""

    current: float
    liked: float
    proposed: float
    improved: bool


def play(kind: Kind, calls: int, seed: int) -> Run:
    """One run of the optimizer as a training run starts it."""
    world = World(kind, seed)
    optimizer = PromptOptimizer(model=world, metric=exact, budget=Budget(calls), seed=seed)
    result = optimizer.optimize(CURRENT, world.examples)
    current = world.accuracy(CURRENT)
    return Run(
        current,
        world.accuracy(result.best_variant.prompt),
        world.accuracy(result.candidate) if result.candidate else current,
        result.improved,
    )


class Command(BenchCommand):
    help = "True accuracy of what the optimizer finds on scripted tasks, and its false claims. No model, no network."
    wants_database = False
    quick = "1 minute"

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--seeds", type=int, help="How many runs of each kind of task.")
        parser.add_argument("--first-seed", type=int, default=FIRST_SEED)

    def handle(self, *args: Any, **options: Any) -> None:
        self.options = options
        super().handle(*args, **options)

    def measure(self, quick: bool) -> Report:
        first = self.options["first_seed"]
        count = self.options["seeds"] or (QUICK_SEEDS if quick else SEEDS)
        seeds = range(first, first + count)
        rows: list[tuple[str, ...]] = [("task, calls", "current", "liked best", "proposed", "claims")]
        figures: dict[str, Any] = {"seeds": [seeds.start, seeds.stop - 1], "tasks": []}
        for calls in CALLS:
            for kind in (*KINDS, NULL):
                found = _figures(kind, calls, [play(kind, calls, seed) for seed in seeds])
                figures["tasks"].append(found)
                rows.append(_row(found))
        return Report(
            "True accuracy on scripted tasks, in % (standard error)", rows, _summary(figures), _notes(figures)
        )


def _figures(kind: Kind, calls: int, runs: Sequence[Run]) -> dict[str, Any]:
    found: dict[str, Any] = {"task": kind.name, "calls": calls, "runs": len(runs)}
    for name in ("current", "liked", "proposed"):
        values = [getattr(run, name) for run in runs]
        found[name] = statistics.fmean(values)
        found[f"{name}_error"] = statistics.stdev(values) / len(values) ** 0.5
    return found | {"claims": sum(run.improved for run in runs) / len(runs)}


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    shown = (
        f"{100 * found[name]:.1f} ({100 * found[f'{name}_error']:.1f})" for name in ("current", "liked", "proposed")
    )
    return (f"{found['task']}, {found['calls']}", *shown, f"{found['claims']:.0%}")


def _summary(figures: dict[str, Any]) -> dict[str, Any]:
    """With the means over the tasks on which something can be found, and the false claims where nothing can."""
    real = [one for one in figures["tasks"] if one["task"] != NULL.name]
    null = [one for one in figures["tasks"] if one["task"] == NULL.name]
    means = {
        f"{name}_{calls}": statistics.fmean(one[name] for one in real if one["calls"] == calls)
        for name in ("liked", "proposed")
        for calls in CALLS
    }
    return figures | means | {"false_claims": statistics.fmean(one["claims"] for one in null)}


def _notes(figures: dict[str, Any]) -> list[str]:
    found = _summary(figures)
    return [
        *(
            f"Mean of the tasks with {calls} calls: liked best {found[f'liked_{calls}']:.1%}, proposed "
            f"{found[f'proposed_{calls}']:.1%}."
            for calls in CALLS
        ),
        f"Claims where nothing helps: {found['false_claims']:.1%} of {figures['tasks'][0]['runs'] * len(CALLS)} runs.",
    ]
