"""Bad input to the evaluator: a clear outcome, the budget kept, nothing lost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from learning.engines.errors import BudgetExceeded, MetricFailed
from learning.engines.metrics import exact
from learning.engines.prompt import PromptOptimizer
from learning.engines.prompt.evaluation import LONGEST_SCORED, Evaluator, Question
from learning.engines.protocols import Metric, Tick
from learning.engines.types import Budget, Completion, CompletionRequest, Example, Prompt, Split
from tests.learning.engines.fake_models import CURRENT, PureModel, make_examples, needs_examples, right_label

ONE = Example("k", "a good film", "positive", Split.VALIDATION)
MANY = [Example(f"k{n}", f"film {n} was good", "positive", Split.VALIDATION) for n in range(10)]


def evaluator(model: PureModel, metric: Metric = exact, budget: Budget | None = None, clock=lambda: 0.0) -> Evaluator:  # type: ignore[no-untyped-def]
    return Evaluator(model, metric, budget or Budget(100), lambda *news: None, clock)


def test_a_metric_that_raises_at_everything_ends_the_run_at_once_and_says_why() -> None:
    def broken(output: str, expected: str, /) -> float:
        raise KeyError("price")

    model = PureModel(needs_examples)
    with pytest.raises(MetricFailed, match="KeyError: 'price'"):
        PromptOptimizer(model=model, metric=broken, budget=Budget(340)).optimize(CURRENT, make_examples(40, 30, 40))
    assert len(model.requests) <= 128, "one batch at most was paid for it"


@pytest.mark.parametrize("bad", [float("nan"), 7.0, -1.0, "no number"])
def test_a_score_that_is_none_counts_as_wrong_and_is_told(bad: object) -> None:
    def odd(output: str, expected: str, /) -> float:
        return bad if output == "odd" else 1.0  # type: ignore[return-value]

    asked = evaluator(PureModel(lambda r: "odd" if "film 3" in r.messages[-1]["content"] else "fine"), odd)
    answers = asked.score(CURRENT, MANY, "x")
    assert [one.score for one in answers].count(0.0) == 1
    assert answers[3].problem
    assert len(asked.problems) == 1


def test_a_metric_that_fails_now_and_then_costs_a_run_nothing_but_those_answers() -> None:
    def moody(output: str, expected: str, /) -> float:
        if len(output) > 10:
            raise ValueError("too long for me")
        return exact(output, expected)

    result = PromptOptimizer(model=PureModel(needs_examples), metric=moody, budget=Budget(340)).optimize(
        CURRENT,
        [
            Example("odd", "odd good film", "positive", Split.VALIDATION),
            *make_examples(40, 30, 60),
        ],
    )
    assert result.confirmation
    assert any("too long for me" in line for line in result.recommendations)


def test_refused_and_empty_answers_score_nothing_and_are_no_failure() -> None:
    class Moody(PureModel):
        def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
            found = super().complete_many(requests, tick=tick)
            return [Completion("", error="too long") if n % 3 == 0 else one for n, one in enumerate(found)]

    answers = evaluator(Moody(lambda request: "")).score(CURRENT, MANY, "x")
    assert {one.score for one in answers} == {0.0}
    assert answers[0].problem == "too long"
    assert answers[1].problem == ""


def test_an_answer_of_a_megabyte_is_scored_by_its_beginning() -> None:
    seen: list[int] = []

    def measure(output: str, expected: str, /) -> float:
        seen.append(len(output))
        return 0.5

    evaluator(PureModel(lambda request: "x" * 1_000_000), measure).score(CURRENT, [ONE], "x")
    assert seen == [LONGEST_SCORED]


def test_too_few_answers_from_the_client_are_an_error() -> None:
    class Forgets(PureModel):
        def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
            return super().complete_many(requests, tick=tick)[:-1]

    with pytest.raises(ValueError, match="10 requests got 9"):
        evaluator(Forgets(lambda request: "x")).score(CURRENT, MANY, "x")


def test_nothing_is_asked_twice_and_a_call_too_many_is_refused_before_it_is_made() -> None:
    model = PureModel(lambda request: "positive")
    asked = evaluator(model, budget=Budget(12))
    asked.score(CURRENT, MANY, "x")
    asked.score(CURRENT, MANY, "x")
    asked.score_all([Question(CURRENT, ONE), Question(CURRENT, ONE)], "x")
    assert len(model.requests) == 11
    with pytest.raises(BudgetExceeded):
        asked.score(Prompt("other"), MANY[:2], "x")
    assert len(model.requests) == 11


def test_what_an_answer_costs_decides_whether_more_fit_into_tokens_and_time() -> None:
    now = iter(range(0, 1000, 10))
    asked = evaluator(PureModel(lambda r: "x"), budget=Budget(100, tokens=200), clock=lambda: 0.0)
    assert asked.room == 100, "nothing is known before the first call"
    asked.score(CURRENT, MANY, "x")  # 8 tokens each
    assert asked.room == 13  # (200 - 80) / 8 tokens and a margin
    timed = evaluator(PureModel(lambda r: "x"), budget=Budget(100, seconds=25), clock=lambda: float(next(now)))
    timed.score(CURRENT, MANY, "x")
    assert 5 <= timed.room < 20


def test_a_run_short_of_tokens_keeps_enough_for_its_confirmation() -> None:
    model = PureModel(needs_examples)
    budget = Budget(1000, tokens=8 * 330)
    result = PromptOptimizer(model=model, metric=exact, budget=budget).optimize(CURRENT, make_examples(60, 40, 60))
    assert result.ended == "What is left of the budget is kept for the confirmation."
    assert result.confirmation
    assert result.confirmation.improvement.n >= 35
    assert result.improved
    assert 8 * len(model.requests) <= 8 * 330


def test_a_budget_that_ends_in_the_race_leaves_what_was_found_and_says_what_ended_it() -> None:
    class Dries(PureModel):
        def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
            if len(self.requests) + len(requests) > 120:
                raise BudgetExceeded("The limit of 3.00 is used up.")
            return super().complete_many(requests, tick=tick)

    result = PromptOptimizer(model=Dries(needs_examples), metric=exact, budget=Budget(340)).optimize(
        CURRENT, make_examples(60, 40, 60)
    )
    assert result.ended == "The limit of 3.00 is used up."
    assert (result.confirmation, result.candidate) == (None, None)
    assert result.best_variant.prompt.examples, "what leads so far is not lost"
    assert result.as_json()["trace"]


def test_a_dataset_with_one_example_is_refused_in_words() -> None:
    model = PureModel(needs_examples)
    with pytest.raises(ValueError, match="At least 4 train examples are needed, there are 1"):
        PromptOptimizer(model=model, metric=exact, budget=Budget(340)).optimize(
            CURRENT, [Example("k", "a", "b", Split.TRAIN)]
        )
    assert not model.requests


def test_examples_that_are_all_the_same_case_confirm_nothing() -> None:
    same = [Example(f"t{n}", f"text {n} good", "positive", Split.TEST, group="one") for n in range(60)]
    model = PureModel(needs_examples)
    result = PromptOptimizer(model=model, metric=exact, budget=Budget(340)).optimize(
        CURRENT, [*make_examples(60, 40, 0), *same]
    )
    assert result.candidate is None


def test_right_answers_come_from_the_helper_as_they_should() -> None:
    assert right_label(ONE.input) == ONE.expected
