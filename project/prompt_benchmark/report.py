"""What is printed, and the figures for programs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from learning.engines.prompt.results import Difference
from project.benchmarks import Report
from project.prompt_benchmark.comparison import PEERS, SIDES, TaskResult, over_runs, pool_seeds

OWN = ("ours", "ours_quarter")


def report(runs: Sequence[TaskResult], asked: int) -> Report:
    """One row for each task, its seeds pooled; accuracies are shares (0-1) of right answers to unseen questions.

    `runs`: one for each task and seed, all with the same sides.
    """
    tasks = pool_seeds(runs)
    budgets = ", ".join(sorted({str(one.budget) for one in runs}))
    seeds = ", ".join(map(str, tasks[0].seeds))
    names = [side.name for side in SIDES if side.name in runs[0].outcomes]
    rows = [["right answers, % (95 % interval)", *names, "ours - best peer"]]
    rows += [_row(one, names) for one in tasks]
    rows += [_mean_row(tasks, names)]
    figures = {
        "tasks": [task_figures(one) for one in tasks],
        "runs": [task_figures(one) for one in runs] if len(runs) > len(tasks) else [],
        **_counts(tasks),
        "means": {name: round(_mean(tasks, name), 4) for name in names},
        "over_runs": {
            f"{name}_minus_{peer}": _difference(over_runs(runs, peer, name)) for name in OWN for peer in PEERS
        },
        "asked": asked,
    }
    title = f"{len(tasks)} tasks, seeds {seeds}, {budgets} calls to the model for each side"
    return Report(title, rows, figures, _notes(tasks, runs, figures))


def task_figures(one: TaskResult) -> dict[str, Any]:
    """The figures of one task. `calls`: the budget of a whole share; `calls_used`: what each side asked for."""
    outcomes = one.outcomes
    return {
        "task": one.task,
        "seeds": list(one.seeds),
        **{name: round(outcome.accuracy, 4) for name, outcome in outcomes.items()},
        "n": one.n,
        "calls": one.budget,
        "calls_used": {name: outcome.calls for name, outcome in outcomes.items()},
        "new_calls": {name: outcome.asked for name, outcome in outcomes.items()},
        "search_seconds": {name: round(outcome.seconds, 1) for name, outcome in outcomes.items()},
        "intervals": {name: [round(end, 4) for end in outcome.interval] for name, outcome in outcomes.items()},
        "best_peer": one.best_peer,
        "ours_minus_best_peer": _difference(one.difference),
        "quarter_minus_best_peer": _difference(one.difference_to(one.best_peer, "ours_quarter")),
        "best_found": {name: round(outcome.best_accuracy, 4) for name, outcome in outcomes.items()},
        "said": {name: outcome.said for name, outcome in outcomes.items()},
    }


def _counts(tasks: Sequence[TaskResult]) -> dict[str, int]:
    found = [one.difference for one in tasks if one.difference]
    return {
        "compared": len(found),
        "wins": sum(one.mean > 0 for one in found),
        "sure_wins": sum(one.is_gain for one in found),
        "not_surely_below": sum(one.high >= 0 for one in found),
    }


def _mean(tasks: Sequence[TaskResult], name: str) -> float:
    return statistics.fmean(one.outcomes[name].accuracy for one in tasks)


def _difference(value: Difference | None) -> dict[str, float] | None:
    if value is None:
        return None
    return {name: round(getattr(value, name), 4) for name in ("mean", "low", "high", "p_value")}


def _row(one: TaskResult, names: Sequence[str]) -> list[str]:
    return [
        f"{one.task} (n = {one.n})",
        *(_share(one.outcomes[name].accuracy, one.outcomes[name].interval) for name in names),
        _points(one.difference),
    ]


def _mean_row(tasks: Sequence[TaskResult], names: Sequence[str]) -> list[str]:
    found = [one.difference.mean for one in tasks if one.difference]
    return [
        "mean of the tasks",
        *(f"{100 * _mean(tasks, name):.0f}" for name in names),
        f"{statistics.fmean(found):+.0%}" if found else "-",
    ]


def _points(value: Difference | None) -> str:
    return f"{value.mean:+.0%} ({value.low:+.0%} to {value.high:+.0%})" if value else "-"


def _share(value: float, interval: tuple[float, float]) -> str:
    return f"{100 * value:.0f} ({100 * interval[0]:.0f}-{100 * interval[1]:.0f})"


def _notes(tasks: Sequence[TaskResult], runs: Sequence[TaskResult], figures: dict[str, Any]) -> list[str]:
    notes = []
    if compared := figures["compared"]:
        notes.append(
            f"Ours is above the better peer on {figures['wins']} of {compared} tasks, surely so on "
            f"{figures['sure_wins']}; not surely below on {figures['not_surely_below']}."
        )
    for name in OWN:
        for peer in PEERS:
            if found := over_runs(runs, peer, name):
                notes.append(f"{name} - {peer}, over {found.n} runs: {_points(found)}, p = {found.p_value:.2g}.")
    notes.append("Ours keeps the current prompt where it could not prove a gain; its calls include that proof.")
    notes += [f"{one.task}, {name}: {outcome.summary}" for one in tasks for name, outcome in one.outcomes.items()]
    return notes
