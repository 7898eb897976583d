"""Asks prompts about examples and scores the answers, inside a call budget that is never exceeded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from learning.engines.errors import BudgetExceeded, ModelUnavailable
from learning.engines.protocols import LanguageModel, Metric, Progress
from learning.engines.types import Budget, Completion, CompletionRequest, Cost, Example, Prompt

BATCH = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """One scored answer. `score` is 0-1; a refused request scores 0."""

    example: Example
    output: str
    score: float

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise ValueError(f"The metric gave {self.score} where 0 to 1 was expected.")


class Evaluator:
    """The one way from a prompt to scores. Asks each question once and counts every completion asked for.

    Completions that the client answers from its own cache are counted too: a run that is repeated after a
    crash then takes the very same decisions, and only the real calls become cheaper.
    """

    def __init__(self, model: LanguageModel, metric: Metric, budget: Budget, progress: Progress) -> None:
        self._model = model
        self._metric = metric
        self._budget = budget
        self._progress = progress
        self._answers: dict[tuple[str, str], Answer] = {}
        self.cost = Cost()

    @property
    def calls_left(self) -> int:
        return self._budget.calls - self.cost.calls

    def score(self, prompt: Prompt, examples: Sequence[Example], message: str) -> list[Answer]:
        """The prompt's answers to the examples, in their order; known ones cost nothing.

        Raises BudgetExceeded before any call when the unknown ones do not fit into the budget.
        """
        digest = prompt.digest
        unknown = [example for example in examples if (digest, example.key) not in self._answers]
        self._check(len(unknown))
        for start in range(0, len(unknown), BATCH):
            batch = unknown[start : start + BATCH]
            completions = self.ask([prompt.request(example.input) for example in batch], message)
            for example, completion in zip(batch, completions, strict=True):
                self._answers[digest, example.key] = self._answer(example, completion)
        return [self._answers[digest, example.key] for example in examples]

    def ask(self, requests: Sequence[CompletionRequest], message: str) -> list[Completion]:
        """Make calls that are not scored (rewrites). Same budget, same progress."""
        self._check(len(requests))
        report = self._report(message)
        report()
        completions = self._model.complete_many(requests, tick=report)
        if len(completions) != len(requests):
            raise ValueError(f"{len(requests)} requests got {len(completions)} completions.")
        self._check_usable(completions)
        self.cost += total_cost(completions)
        return completions

    def _report(self, message: str) -> _Report:
        return _Report(self._progress, self.cost.calls, self._budget.calls, message)

    def _check(self, calls: int) -> None:
        if calls > self.calls_left:
            raise BudgetExceeded(f"{calls} more calls would go over the budget of {self._budget.calls}.")

    def _check_usable(self, completions: Sequence[Completion]) -> None:
        """A model that refuses all of the very first requests is set up wrongly; scoring that as 0 would mislead."""
        if self.cost.calls == 0 and completions and all(one.error for one in completions):
            raise ModelUnavailable(completions[0].error)

    def _answer(self, example: Example, completion: Completion) -> Answer:
        score = 0.0 if completion.error else self._metric(completion.text, example.expected)
        return Answer(example, completion.text, score)


@dataclass(frozen=True, slots=True)
class _Report:
    """Tells the progress callback where the run is; also called while calls are under way."""

    progress: Progress
    step: int
    total: int
    message: str

    def __call__(self) -> None:
        self.progress(self.step, self.total, self.message)


def total_cost(completions: Iterable[Completion]) -> Cost:
    """The sum of what single completions cost."""
    cost = Cost()
    for one in completions:
        cost += Cost(1, int(one.cached), one.input_tokens, one.output_tokens)
    return cost
