"""The seam between the benchmark and the ways to a better prompt, and our own way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from learning.engines.prompt import PromptOptimizer
from learning.engines.protocols import Metric
from learning.engines.types import Budget, Prompt, SealedSplit, Split
from project.prompt_benchmark.asking import Meter
from project.prompt_benchmark.tasks import Material


@dataclass(frozen=True)
class Found:
    """What a side would put to work. `best`: what it liked best, also where it proposes nothing for want of proof."""

    prompt: Prompt
    said: str
    best: Prompt | None = None


@dataclass(frozen=True)
class Problem:
    """What every side is given."""

    current: Prompt
    material: Material
    metric: Metric
    seed: int


class Search(Protocol):
    """Looks for a better prompt through the meter, which stops it; whatever it found until then is its result."""

    def __call__(self, problem: Problem, meter: Meter, /) -> Found: ...


@dataclass(frozen=True)
class Side:
    """One of those compared. `share`: the part of the budget (0-1) that it gets."""

    name: str
    share: float
    search: Search


def keep_current(problem: Problem, meter: Meter) -> Found:
    """What everybody starts from."""
    return Found(problem.current, "nothing was tried")


def ours(problem: Problem, meter: Meter) -> Found:
    """The product's optimizer as a training run starts it. Without a proven gain it proposes nothing."""
    material = problem.material
    optimizer = PromptOptimizer(model=meter, metric=problem.metric, budget=Budget(meter.limit), seed=problem.seed)
    sealed = SealedSplit(len(material.spare), lambda: [replace(one, split=Split.TEST) for one in material.spare])
    try:
        result = optimizer.optimize(problem.current, [*material.train, *material.validation], sealed=sealed)
    except ValueError as error:  # too few calls for an honest run
        return Found(problem.current, str(error))
    said = f"{result.verdict}; best: {result.best_variant.name}, of {len(result.variants)} variants"
    return Found(result.candidate or problem.current, said, result.best_variant.prompt)
