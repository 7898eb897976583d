"""`manage.py bench_null_gains`: how often an improvement is claimed where there is none to be found."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from learning.engines.metrics import exact
from learning.engines.prompt import PromptOptimizer, PromptResult
from learning.engines.protocols import Metric, Tick
from learning.engines.types import Budget, Completion, CompletionRequest, Example, Prompt, Split, canonical_json
from project.benchmarks import BenchCommand, Report

RUNS, QUICK_RUNS = 200, 60
LABELS = ("negative", "neutral", "positive")
SIZES = {Split.TRAIN: 40, Split.VALIDATION: 30, Split.TEST: 60}
CALLS = (100, 240)
CURRENT = Prompt("What is the mood of the text?", parameters={"temperature": 0})


class Scripted:
    """Answers with a label that the whole request decides, so every prompt answers otherwise and none is better."""

    def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
        return [Completion(self.answer(request), 40, 2) for request in requests]

    def answer(self, request: CompletionRequest) -> str:
        return LABELS[_number(request) % len(LABELS)]


class Teachable(Scripted):
    """Learns from examples: knows the right label of more texts the more it is shown. `right`: text -> label."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._right = {one.input: one.expected for one in examples}

    def answer(self, request: CompletionRequest) -> str:
        shown = sum(message["role"] == "assistant" for message in request.messages)
        knows = _number(request) % 1000 < 1000 * (0.3 + 0.05 * min(shown, 8))
        return self._right[request.messages[-1]["content"]] if knows else super().answer(request)


@dataclass(frozen=True)
class Task:
    """Examples and a metric between which and the prompts there is nothing in common."""

    name: str
    examples: Sequence[Example]
    metric: Callable[[], Metric]


@dataclass(frozen=True)
class Claims:
    """Who claims an improvement on one task."""

    task: str
    ours: bool
    best_validation: bool


def shuffled_labels(seed: int) -> Task:
    """Each text has a label that was drawn without looking at it."""
    return Task("shuffled labels", make_examples(seed), lambda: exact)


def noisy_metric(seed: int) -> Task:
    """The score of an answer is drawn without looking at it."""

    def metric() -> Metric:
        rng = random.Random(seed)
        return lambda output, expected, /: rng.random()

    return Task("metric is noise", make_examples(seed), metric)


def make_examples(seed: int) -> list[Example]:
    rng = random.Random(seed)
    examples = []
    for split, count in SIZES.items():
        for number in range(count):
            text = f"{split} text {number} of run {seed}"
            examples.append(Example(f"{split}-{number}", text, rng.choice(LABELS), split))
    return examples


def play(task: Task, seed: int) -> Claims:
    """One run of the optimizer, and beside it what the best validation score of the same variants claims."""
    budget = Budget(CALLS[seed // 2 % len(CALLS)])
    optimizer = PromptOptimizer(model=Scripted(), metric=task.metric(), budget=budget, seed=seed)
    result = optimizer.optimize(CURRENT, task.examples)
    return Claims(task.name, result.improved, best_validation_claims(task, result))


def finds_real_gain(seed: int) -> bool:
    """The other side of the coin: whether a gain that is there (about 30 points) is claimed."""
    examples = make_examples(seed)
    optimizer = PromptOptimizer(model=Teachable(examples), metric=exact, budget=Budget(CALLS[-1]), seed=seed)
    return optimizer.optimize(CURRENT, examples).improved


def best_validation_claims(task: Task, result: PromptResult) -> bool:
    """Whether one of the variants has a higher mean over all validation examples than the current prompt."""
    metric, model = task.metric(), Scripted()
    examples = [one for one in task.examples if one.split is Split.VALIDATION]

    def mean(prompt: Prompt) -> float:
        answers = model.complete_many([prompt.request(one.input) for one in examples])
        return sum(metric(answer.text, one.expected) for answer, one in zip(answers, examples, strict=True))

    current = mean(CURRENT)
    return any(mean(one.variant.prompt) > current for one in result.variants if one.variant.prompt != CURRENT)


class Command(BenchCommand):
    help = "How often an improvement is claimed on tasks where none can be found. No model, no network."
    wants_database = False

    def measure(self, quick: bool) -> Report:
        runs = QUICK_RUNS if quick else RUNS
        claims = [play((shuffled_labels, noisy_metric)[seed % 2](seed), seed) for seed in range(runs)]
        rows = [("task", "runs", "ours claims", "best validation claims")]
        for name in dict.fromkeys(one.task for one in claims):
            of = [one for one in claims if one.task == name]
            rows.append((name, str(len(of)), str(_count(of)[0]), str(_count(of)[1])))
        ours, best = _count(claims)
        found = sum(finds_real_gain(seed) for seed in range(runs // 4))
        return Report(
            title="Improvements claimed where every prompt is as good as every other",
            rows=rows,
            figures={
                "runs": runs,
                "ours_false_rate": ours / runs,
                "best_validation_false_rate": best / runs,
                "ours_true_rate": found / (runs // 4),
            },
            notes=[
                f"Of all runs: ours {ours / runs:.1%}, best validation score {best / runs:.1%}.",
                f"Where examples do help, ours claims it in {found} of {runs // 4} runs of {CALLS[-1]} calls.",
            ],
        )


def _count(claims: Sequence[Claims]) -> tuple[int, int]:
    return sum(one.ours for one in claims), sum(one.best_validation for one in claims)


def _number(request: CompletionRequest) -> int:
    return int.from_bytes(hashlib.sha256(canonical_json(list(request.messages)).encode()).digest()[:8])
