"""What is printed, and the figures for programs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from learning.engines.prompt.results import Difference
from project.benchmarks import Report
from project.prompt_benchmark.comparison import SIDES, TaskResult


def report(results: Sequence[TaskResult], asked: int) -> Report:
    """One row for each task; accuracies are shares (0-1) of exactly right answers to unseen questions."""
    budgets = ", ".join(sorted({str(one.budget) for one in results}))
    names = [side.name for side in SIDES]
    rows = [["right answers, % (95 % interval)", *names, "ours - best peer"]]
    rows += [_row(one, names) for one in results]
    figures = {
        "tasks": [task_figures(one) for one in results],
        "wins": sum(one.difference.mean > 0 for one in results),
        "sure_wins": sum(one.difference.is_gain for one in results),
        "at_least_best_peer": sum(one.difference.high >= 0 for one in results),
        "means": {name: round(statistics.fmean(one.outcomes[name].accuracy for one in results), 4) for name in names},
        "best_peer_mean": round(statistics.fmean(one.outcomes[one.best_peer].accuracy for one in results), 4),
        "asked": asked,
    }
    title = f"{len(results)} tasks, {budgets} calls to the model for each side"
    return Report(title, rows, figures, _notes(results, figures))


def task_figures(one: TaskResult) -> dict[str, Any]:
    """The figures of one task. `calls`: the budget of a whole share; `calls_used`: what each side asked for."""
    outcomes = one.outcomes
    return {
        "task": one.task,
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


def _difference(value: Difference) -> dict[str, float]:
    return {name: round(getattr(value, name), 4) for name in ("mean", "low", "high", "p_value")}


def _row(one: TaskResult, names: Sequence[str]) -> list[str]:
    difference = one.difference
    return [
        f"{one.task} (n = {one.n})",
        *(_share(one.outcomes[name].accuracy, one.outcomes[name].interval) for name in names),
        f"{difference.mean:+.0%} ({difference.low:+.0%} to {difference.high:+.0%})",
    ]


def _share(value: float, interval: tuple[float, float]) -> str:
    return f"{100 * value:.0f} ({100 * interval[0]:.0f}-{100 * interval[1]:.0f})"


def _notes(results: Sequence[TaskResult], figures: dict[str, Any]) -> list[str]:
    means, count = figures["means"], len(results)
    return [
        f"Ours is above the better peer on {figures['wins']} of {count} tasks, surely so on {figures['sure_wins']};"
        f" not surely below on {figures['at_least_best_peer']}. Means: better peer {figures['best_peer_mean']:.1%},"
        f" ours {means['ours']:.1%}, ours with a quarter of the calls {means['ours_quarter']:.1%}.",
        "Ours keeps the current prompt where it could not prove a gain; its calls include that proof.",
        *(f"{one.task}, {name}: {outcome.summary}" for one in results for name, outcome in one.outcomes.items()),
    ]
