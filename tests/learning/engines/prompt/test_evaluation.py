"""Bad input to the evaluator: a clear outcome, the budget kept, nothing lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from learning.engines.callables import as_model
from learning.engines.errors import BudgetExceeded, MetricFailed
from learning.engines.holds import most_input, most_output
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


def test_the_result_tells_of_answers_that_were_empty_or_never_came() -> None:
    class Silent(PureModel):
        def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
            found = super().complete_many(requests, tick=tick)
            return [Completion("", error="too long") if n % 3 == 1 else one for n, one in enumerate(found)]

    model = Silent(lambda request: " ")
    result = PromptOptimizer(model=model, metric=exact, budget=Budget(80)).optimize(CURRENT, make_examples(20, 20, 20))
    told = " ".join(result.recommendations)
    assert "requests got no answer and count as wrong: too long" in told
    assert "answers were empty and count as wrong: look at the endpoint" in told


def test_a_function_that_forgets_to_return_its_answer_is_told_so() -> None:
    answer = as_model(lambda messages: None).complete_many([CURRENT.request("x")])[0]
    assert (answer.text, answer.error) == ("", "The function gave None, no text.")


def test_an_empty_answer_that_is_the_wanted_one_is_nothing_to_tell() -> None:
    asked = evaluator(PureModel(lambda request: ""))
    asked.score(CURRENT, [Example("k", "nothing to do", "", Split.VALIDATION)], "x")
    assert asked.silence == []


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


SHORT = replace(CURRENT, parameters={"max_tokens": 8})


def most_of(prompt: Prompt, examples: Sequence[Example]) -> int:
    """The most tokens that one of the calls can come to."""
    requests = [prompt.request(one.input) for one in examples]
    return max(most_input(request) + most_output(request) for request in requests)


def test_what_an_answer_costs_decides_whether_more_fit_into_tokens_and_time() -> None:
    now = iter(range(0, 1000, 10))
    limit = 192 + most_of(SHORT, MANY)  # a call is only sent while the most that it can come to is left
    asked = evaluator(PureModel(lambda r: "x"), budget=Budget(100, tokens=limit), clock=lambda: 0.0)
    assert asked.room == 100, "nothing is known before the first call"
    asked.score(SHORT, MANY, "x")  # 8 tokens each
    assert asked.room == 13  # (200 - 80) / 8 tokens and a margin
    timed = evaluator(PureModel(lambda r: "x"), budget=Budget(100, seconds=25), clock=lambda: float(next(now)))
    timed.score(CURRENT, MANY, "x")
    assert 5 <= timed.room < 20


def test_a_run_short_of_tokens_keeps_enough_for_its_confirmation() -> None:
    model = PureModel(needs_examples)
    budget = Budget(1000, tokens=8 * 330 + 1000)
    result = PromptOptimizer(model=model, metric=exact, budget=budget).optimize(SHORT, make_examples(60, 40, 60))
    assert result.ended == "What is left of the budget is kept for the confirmation."
    assert result.confirmation
    assert result.confirmation.improvement.n >= 30  # half of the examples, since the gain is plain to see
    assert result.improved
    assert 8 * len(model.requests) <= budget.tokens - 200


@pytest.mark.parametrize("told", [True, False])
def test_a_test_split_is_not_opened_for_a_confirmation_that_cannot_be_paid(told: bool) -> None:
    class Tells(PureModel):
        def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
            found = super().complete_many(requests, tick=tick)
            return found if told else [Completion(one.text) for one in found]  # then a call is taken for its most

    optimizer = PromptOptimizer(model=Tells(needs_examples), metric=exact, budget=Budget(340, tokens=8 * 330))
    result = optimizer.optimize(CURRENT, make_examples(60, 40, 60))  # an answer may have 4,096 tokens
    assert result.ended
    assert (result.confirmation, result.candidate, result.opened) == (None, None, False)


def test_a_budget_that_ends_in_the_race_leaves_what_was_found_and_says_what_ended_it() -> None:
    class Dries(PureModel):
        def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
            if len(self.requests) + len(requests) > 80:
                raise BudgetExceeded("The limit of 3.00 is used up.")
            return super().complete_many(requests, tick=tick)

    result = PromptOptimizer(model=Dries(needs_examples), metric=exact, budget=Budget(340)).optimize(
        CURRENT, make_examples(60, 40, 60)
    )
    assert result.ended.endswith("The limit of 3.00 is used up.")
    assert (result.confirmation, result.candidate) == (None, None)
    assert result.best_variant.prompt.examples, "what leads so far is not lost"
    assert result.as_json()["trace"]


def writes_two_and_answers(request: CompletionRequest) -> str:
    return "```\nLabel it.\n```" if "You improve" in request.messages[0]["content"] else needs_examples(request)


def test_a_budget_that_the_rewrites_used_up_ends_the_search_and_not_the_run() -> None:
    """Two rewrites cost 16 of 30 tokens, so one answer more could be paid: too few to compare anything."""
    optimizer = PromptOptimizer(
        model=PureModel(writes_two_and_answers), metric=exact, budget=Budget(340, tokens=30), rewrites=2
    )
    result = optimizer.optimize(CURRENT, make_examples(60, 40, 60))
    assert result.ended == "What is left of the budget does not carry a comparison of two prompts."
    assert (result.verdict, result.best_variant.prompt) == ("no measurable improvement", CURRENT)
    assert result.as_json()["tried"]["opened"] is False


def test_a_budget_without_room_for_a_rewrite_still_carries_the_search() -> None:
    class NoRoomToWrite(PureModel):
        def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
            if any("You improve" in one.messages[0]["content"] for one in requests):
                raise BudgetExceeded("The limit of 900 tokens has no room for one more call.")
            return super().complete_many(requests, tick=tick)

    optimizer = PromptOptimizer(model=NoRoomToWrite(needs_examples), metric=exact, budget=Budget(340), rewrites=4)
    result = optimizer.optimize(CURRENT, make_examples(60, 40, 60))
    assert result.improved
    assert any("Not all wanted instructions were written: The limit of 900" in line for line in result.recommendations)


def dearer_when_new(answer: str = "x", cached: bool = False) -> PureModel:
    """80 tokens for an answer to the prompt "new", 8 for others."""

    class Priced(PureModel):
        def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
            dear = [one.messages[0]["content"] == "new" for one in requests]
            return [Completion(answer, 72 if new else 7, 8 if new else 1, cached=cached) for new in dear]

    return Priced(needs_examples)


def test_how_many_pairs_fit_is_reckoned_from_what_these_very_prompts_cost() -> None:
    old, new = (Prompt(text, parameters=SHORT.parameters) for text in ("old", "new"))
    limit = 2000 - 44 + most_of(new, MANY)
    asked = evaluator(dearer_when_new(), budget=Budget(1000, tokens=limit))
    for prompt in (old, new):
        asked.score(prompt, MANY, "x")
    # 1,120 tokens are left and 44 the mean of a call, so 22 calls with a margin.
    assert asked.room == 22
    assert asked.room_for([old, new]) == 11
    assert asked.room_for([new, new]) == 6
    assert asked.room_for([old, old]) == 60
    assert evaluator(dearer_when_new(), budget=Budget(100)).room_for([Prompt("old"), Prompt("new")]) == 50


def test_a_run_that_is_repeated_after_a_crash_plans_as_it_did_and_pays_nothing_again() -> None:
    first, again = (
        evaluator(dearer_when_new(cached=cached), budget=Budget(1000, tokens=2000)) for cached in (False, True)
    )
    for asked in (first, again):
        asked.score(Prompt("new"), MANY, "x")
    assert again.room == first.room < 100
    assert (first.cost.input_tokens, again.cost.input_tokens) == (720, 0)
    assert (again.cost.calls, again.cost.cached_calls) == (10, 10)


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
