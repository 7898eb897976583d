"""Asks prompts about examples and scores the answers, inside a budget that is never exceeded."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from learning.engines.errors import BudgetExceeded, EngineError, MetricFailed, ModelUnavailable
from learning.engines.judge import Judge
from learning.engines.prompt.spending import Spending
from learning.engines.protocols import LanguageModel, Metric, Progress
from learning.engines.types import Budget, Completion, CompletionRequest, Cost, Example, Prompt

BATCH = 2_048  # calls handed to the model at once: between two batches other workers have nothing to do
LONGEST_SCORED = 50_000  # characters of an answer that a metric sees, or four times the wanted ones

Asked = tuple[str, str, int]  # digest of the prompt, key of the example, how often it was asked before


@dataclass(frozen=True, slots=True)
class Answer:
    """One scored answer. `score` is 0-1; a refused request scores 0 and says so in `problem`.

    Tokens and seconds are None when the answer came from a cache that does not know them.
    """

    example: Example
    output: str
    score: float
    problem: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise ValueError(f"The metric gave {self.score} where 0 to 1 was expected.")


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt to be asked about an example. `repeat` counts how often it was asked before."""

    prompt: Prompt
    example: Example
    repeat: int = 0

    def request(self) -> CompletionRequest:
        """The call. A repeat has another seed: the same request would get the same answer again."""
        request = self.prompt.request(self.example.input)
        if not self.repeat:
            return request
        seed = request.parameters.get("seed")
        again = {**request.parameters, "seed": (seed if isinstance(seed, int) else 0) + 7919 * self.repeat}
        return replace(request, parameters=again)


class Evaluator:
    """The one way from a prompt to scores. Asks each question once and counts every completion asked for.

    Completions that the client answers from its own cache are counted too, and `room` takes them for as dear as they
    were when they were asked for: a run that is repeated after a crash then takes the very same decisions, and only
    the real calls become cheaper.
    """

    def __init__(
        self,
        model: LanguageModel,
        metric: Metric | Judge,
        budget: Budget,
        progress: Progress,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._metric = metric
        self._budget = budget
        self._progress = progress
        self._answers: dict[Asked, Answer] = {}
        self._digests: dict[Prompt, str] = {}
        self._spending = Spending(budget, clock)
        self.problems: list[str] = []

    @property
    def cost(self) -> Cost:
        """What was asked for so far, and what was paid for it."""
        return self._spending.cost

    @property
    def calls_left(self) -> int:
        return self._budget.calls - self.cost.calls

    @property
    def calls_per_answer(self) -> int:
        """A judge asks the model once more for each answer."""
        return 2 if isinstance(self._metric, Judge) else 1

    @property
    def is_limited(self) -> bool:
        """Whether something besides calls is limited: then what an answer costs matters."""
        return (self._budget.tokens, self._budget.money, self._budget.seconds) != (None, None, None)

    @property
    def room(self) -> int:
        """How many more answers fit into calls, tokens, money and time, if they cost what they cost so far."""
        answers = self.calls_left // self.calls_per_answer
        calls = self._spending.affordable_calls
        return answers if calls == math.inf else min(answers, int(calls) // self.calls_per_answer)

    def room_for(self, prompts: Sequence[Prompt]) -> int:
        """About how many more examples all these prompts can be asked, each for what its own answers cost so far."""
        examples = self.calls_left // self.calls_per_answer // len(prompts)
        calls = self._spending.affordable_calls
        if calls == math.inf:
            return examples
        return min(examples, int(calls / self.calls_per_answer / sum(map(self._dearness, prompts))))

    def _dearness(self, prompt: Prompt) -> float:
        """What an answer to this prompt costs over what calls cost on average; the judge costs the same for all."""
        digest = self._digest(prompt)
        known = [one for (asked, _, _), one in self._answers.items() if asked == digest and one.input_tokens]
        usual = self._spending.tokens_per_call
        if not known or not usual:
            return 1.0
        each = sum((one.input_tokens or 0) + (one.output_tokens or 0) for one in known) / len(known)
        return (each / usual + self.calls_per_answer - 1) / self.calls_per_answer

    def score(self, prompt: Prompt, examples: Sequence[Example], message: str) -> list[Answer]:
        """The prompt's answers to the examples, in their order; known ones cost nothing."""
        return self.score_all([Question(prompt, one) for one in examples], message)

    def score_all(self, questions: Sequence[Question], message: str) -> list[Answer]:
        """The answers in the order of the questions; known ones cost nothing.

        Raises BudgetExceeded before any call when the unknown ones do not fit into the budget.
        """
        keys = [(self._digest(one.prompt), one.example.key, one.repeat) for one in questions]
        unknown = {key: one for key, one in zip(keys, questions, strict=True) if key not in self._answers}
        self._check(len(unknown) * self.calls_per_answer)
        waiting = list(unknown.items())
        for start in range(0, len(waiting), BATCH):
            self._answer_batch(waiting[start : start + BATCH], message)
        return [self._answers[key] for key in keys]

    def ask(self, requests: Sequence[CompletionRequest], message: str) -> list[Completion]:
        """Make calls that are not scored (rewrites, judging). Same budget, same progress."""
        self._check(len(requests))
        report = self._report(message)
        report()
        completions = self._model.complete_many(requests, tick=report)
        if len(completions) != len(requests):
            raise ValueError(f"{len(requests)} requests got {len(completions)} completions.")
        self._check_usable(completions)
        self._spending.add(requests, completions)
        return completions

    def _digest(self, prompt: Prompt) -> str:
        if prompt not in self._digests:
            self._digests[prompt] = prompt.digest
        return self._digests[prompt]

    def _answer_batch(self, batch: Sequence[tuple[Asked, Question]], message: str) -> None:
        questions = [question for _, question in batch]
        completions = self.ask([question.request() for question in questions], message)
        scores = self._scores(questions, completions, message)
        failed = [problem for _, problem in scores if problem]
        if not self._answers and failed and all(problem for _, problem in scores):
            raise MetricFailed(f"No answer could be scored. The first one: {failed[0]}")
        self.problems += failed
        for (key, question), completion, (score, problem) in zip(batch, completions, scores, strict=True):
            self._answers[key] = _answer(question.example, completion, score, problem)

    def _scores(
        self, questions: Sequence[Question], completions: Sequence[Completion], message: str
    ) -> list[tuple[float, str]]:
        if isinstance(self._metric, Judge):
            return self._judged(self._metric, questions, completions, message)
        return [self._measured(self._metric, one, said) for one, said in zip(questions, completions, strict=True)]

    def _measured(self, metric: Metric, question: Question, completion: Completion) -> tuple[float, str]:
        """The score and what went wrong. One odd answer must not cost a run everything that it found."""
        if completion.error:
            return 0.0, ""
        expected = question.example.expected
        try:
            score = float(metric(completion.text[: max(LONGEST_SCORED, 4 * len(expected))], expected))
        except EngineError:
            raise
        except Exception as error:
            return 0.0, f"the metric raised {type(error).__name__}: {error}"[:300]
        if not 0 <= score <= 1:
            return 0.0, f"the metric gave {score}, which is not from 0 to 1"
        return score, ""

    def _judged(
        self, judge: Judge, questions: Sequence[Question], completions: Sequence[Completion], message: str
    ) -> list[tuple[float, str]]:
        told = [
            (place, judge.request(one.example.input, said.text, one.example.expected, repeat=one.repeat))
            for place, (one, said) in enumerate(zip(questions, completions, strict=True))
            if not said.error
        ]
        scores: list[tuple[float, str]] = [(0.0, "")] * len(questions)
        replies = self.ask([request for _, request in told], f"{message}, judging") if told else []
        for (place, _), reply in zip(told, replies, strict=True):
            score = judge.read(reply.text)
            scores[place] = (0.0, "the judge gave no score") if score is None else (score, "")
        return scores

    def _report(self, message: str) -> _Report:
        return _Report(self._progress, self.cost.calls, self._budget.calls, message)

    @property
    def silence(self) -> list[str]:
        """Answers that never came, or said nothing, in words: whoever reads "no improvement" should know of them."""
        answers = self._answers.values()
        refused = [one.problem for one in answers if one.problem and not one.output]
        empty = sum(not (one.output.strip() or one.problem or one.score) for one in answers)
        found = []
        if refused:
            found.append(f"{len(refused)} of {len(answers)} requests got no answer and count as wrong: {refused[0]}")
        if empty:
            text = f"{empty} of {len(answers)} answers were empty and count as wrong"
            found.append(f"{text}: look at the endpoint, and at how long an answer may be.")
        return found

    def _check(self, calls: int) -> None:
        if calls > self.calls_left:
            raise BudgetExceeded(f"{calls} more calls would go over the budget of {self._budget.calls}.")

    def _check_usable(self, completions: Sequence[Completion]) -> None:
        """A model that refuses all of the very first requests is set up wrongly; scoring that as 0 would mislead."""
        if self.cost.calls == 0 and completions and all(one.error for one in completions):
            raise ModelUnavailable(completions[0].error)


@dataclass(frozen=True, slots=True)
class _Report:
    """Tells the progress callback where the run is; also called while calls are under way."""

    progress: Progress
    step: int
    total: int
    message: str

    def __call__(self) -> None:
        self.progress(self.step, self.total, self.message)


def _answer(example: Example, completion: Completion, score: float, problem: str) -> Answer:
    known = not completion.cached or completion.input_tokens > 0
    return Answer(
        example,
        completion.text,
        score,
        completion.error or problem,
        completion.input_tokens if known else None,
        completion.output_tokens if known else None,
        None if completion.cached else completion.seconds,
    )
