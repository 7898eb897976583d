"""One task, all sides: each searches within its budget, and all are scored on the same examples that none has seen."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from learning.engines.metrics import exact
from learning.engines.prompt.confirm import binary_difference, graded_difference, wilson
from learning.engines.prompt.results import Difference
from learning.engines.types import Example, Prompt
from project.prompt_benchmark import peer
from project.prompt_benchmark.asking import Meter, RememberedAnswers
from project.prompt_benchmark.sides import Problem, Side, keep_current, ours
from project.prompt_benchmark.tasks import Material, Task

CONFIDENCE = 0.95
SIDES = (
    Side("current", 0.0, keep_current),
    Side("ours", 1.0, ours),
    Side("ours_quarter", 0.25, ours),
    Side("gepa_own_proposer", 1.0, peer.with_our_proposals),
    Side("gepa", 1.0, peer.reflecting),  # the slowest: a reflection is as long as a dozen answers
)
PEERS = ("gepa", "gepa_own_proposer")


@dataclass(frozen=True)
class Outcome:
    """One side on one task, with one seed or with several that are pooled. `right`: whether each test answer was, in
    the order of the tests.

    `calls` of its searches, of which the model was `asked` so many (the others were remembered), and their `seconds`.
    `prompts`: what it would put to work. `best_accuracy`: of the prompts it liked best, also where it does not propose
    them.
    """

    calls: int
    asked: int
    seconds: float
    said: str
    prompts: tuple[Prompt, ...]
    right: tuple[bool, ...]
    best_accuracy: float

    @property
    def accuracy(self) -> float:
        return sum(self.right) / len(self.right)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, at 95 %."""
        return wilson(sum(self.right), len(self.right), CONFIDENCE)

    @property
    def summary(self) -> str:
        used = f"{self.calls} calls, {self.asked} of them new, {self.seconds:.0f} s"
        return f"{self.accuracy:.0%} right; {used}; {self.said}"


@dataclass(frozen=True)
class TaskResult:
    """What came out for one task, by side. `budget`: calls of a whole share; test answers are the benchmark's own.

    `seeds`: several where the runs are pooled. A side that was left out is not in it.
    """

    task: str
    budget: int
    outcomes: dict[str, Outcome]
    seeds: tuple[int, ...] = ()

    @property
    def n(self) -> int:
        return len(next(iter(self.outcomes.values())).right)

    @property
    def best_peer(self) -> str:
        """The peer that is better on the tests themselves, which no way of choosing beats; empty without a peer."""
        raced = [name for name in PEERS if name in self.outcomes]
        return max(raced, key=lambda name: self.outcomes[name].accuracy, default="")

    @property
    def difference(self) -> Difference | None:
        """Ours minus the best peer, paired by example; None where one of them was left out."""
        return self.difference_to(self.best_peer)

    def difference_to(self, other: str, name: str = "ours") -> Difference | None:
        if other not in self.outcomes or name not in self.outcomes:
            return None
        before, after = (np.array(self.outcomes[one].right, dtype=float) for one in (other, name))
        return binary_difference(before, after, CONFIDENCE)


def pool_seeds(results: Sequence[TaskResult]) -> list[TaskResult]:
    """One result for each task: the questions of all its seeds together."""
    by_task: dict[str, list[TaskResult]] = {}
    for one in results:
        by_task.setdefault(one.task, []).append(one)
    return [_pool(runs) for runs in by_task.values()]


def _pool(runs: Sequence[TaskResult]) -> TaskResult:
    outcomes = {name: _together([run.outcomes[name] for run in runs]) for name in runs[0].outcomes}
    return TaskResult(runs[0].task, runs[0].budget, outcomes, tuple(seed for run in runs for seed in run.seeds))


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(
        calls=sum(one.calls for one in outcomes),
        asked=sum(one.asked for one in outcomes),
        seconds=sum(one.seconds for one in outcomes),
        said=" | ".join(one.said for one in outcomes),
        prompts=tuple(prompt for one in outcomes for prompt in one.prompts),
        right=tuple(right for one in outcomes for right in one.right),
        best_accuracy=statistics.fmean(one.best_accuracy for one in outcomes),
    )


def over_runs(results: Sequence[TaskResult], other: str, name: str = "ours") -> Difference | None:
    """The mean difference in accuracy over runs (a task with a seed), which are the units: the answers of a run share
    its prompts. None where a side was left out, or with a single run.
    """
    if len(results) < 2 or any(not {other, name} <= one.outcomes.keys() for one in results):
        return None
    before, after = (np.array([one.outcomes[side].accuracy for one in results]) for side in (other, name))
    return graded_difference(before, after, CONFIDENCE, seed=1)


def compare_sides(
    task: Task,
    material: Material,
    tests: Sequence[Example],
    model: RememberedAnswers,
    *,
    budget: int,
    seed: int,
    tell: Callable[[str], object] = lambda line: None,
    sides: Iterable[Side] = SIDES,
) -> TaskResult:
    """Let every side search, then ask the test questions. Each prompt is asked once, whoever found it."""
    problem = Problem(task.current, material, exact, seed)
    outcomes = {}
    for side in sides:
        outcomes[side.name] = _let_search(side, problem, tests, model, budget)
        tell(f"{task.name}, seed {seed}, {side.name}: {outcomes[side.name].summary}")
    return TaskResult(task.name, budget, outcomes, (seed,))


def _let_search(
    side: Side, problem: Problem, tests: Sequence[Example], model: RememberedAnswers, budget: int
) -> Outcome:
    before, started = model.asked, time.monotonic()
    meter = Meter(model, int(budget * side.share))
    found = side.search(problem, meter)
    seconds, asked = time.monotonic() - started, model.asked - before
    right = _answer(model, found.prompt, tests)
    best = _answer(model, found.best or found.prompt, tests)
    return Outcome(meter.calls, asked, seconds, found.said, (found.prompt,), right, sum(best) / len(best))


def _answer(model: RememberedAnswers, prompt: Prompt, tests: Sequence[Example]) -> tuple[bool, ...]:
    completions = model.complete_many([prompt.request(one.input) for one in tests])
    return tuple(exact(answer.text, one.expected) == 1 for answer, one in zip(completions, tests, strict=True))
