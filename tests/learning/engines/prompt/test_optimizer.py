"""The optimizer as a whole, on pure models: what it finds, what it never claims, and what it never spends."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learning.engines.errors import Cancelled, ModelUnavailable
from learning.engines.metrics import exact, token_f1
from learning.engines.prompt import PromptOptimizer, PromptResult
from learning.engines.prompt.planning import plan_calls
from learning.engines.types import (
    Budget,
    Completion,
    CompletionRequest,
    Demonstration,
    Example,
    Prompt,
    SealedSplit,
    Split,
)
from tests.learning.engines.fake_models import CURRENT, LABELS, PureModel, chance, make_examples, needs_examples


def optimize(
    model: PureModel, examples: list[Example] | None = None, calls: int = 340, seed: int = 1, **options: object
):
    optimizer = PromptOptimizer(model=model, metric=exact, budget=Budget(calls), seed=seed, **options)  # type: ignore[arg-type]
    return optimizer.optimize(CURRENT, examples or make_examples(60, 40, 60))


def test_examples_lift_a_model_that_needs_them() -> None:
    result = optimize(PureModel(needs_examples), calls=600)
    assert result.verdict == "improved"
    assert result.confirmation
    assert result.confirmation.before.mean == 0
    assert result.improvement_percentage == pytest.approx(100 * result.confirmation.after.mean)
    assert result.improvement
    assert 0 < result.improvement.low < result.improvement.mean <= result.improvement.high
    assert result.p_value is not None
    assert result.p_value < 0.001
    assert result.candidate
    assert result.candidate.examples
    assert result.instruction_only
    assert result.instruction_only.mean == 0


def test_advice_and_issues_come_from_the_corrected_answers() -> None:
    result = optimize(PureModel(needs_examples))
    assert result.issues[0].kind == "right answer with extra text"
    assert "examples as chat turns" in result.recommendations[0]


def test_the_best_plain_instruction_is_stated_beside_the_winner() -> None:
    def obeys_instructions(request: CompletionRequest) -> str:
        system = request.messages[0]["content"]
        return (
            needs_examples(request) if "Reply with" not in system else ("positive", "negative")[chance(request) < 0.5]
        )

    result = optimize(PureModel(obeys_instructions), calls=600)
    assert result.instruction_only
    assert 0.2 < result.instruction_only.mean < 0.8


def test_a_perfect_prompt_is_left_alone_and_the_test_split_stays_sealed() -> None:
    sealed = SealedSplit(30, lambda: pytest.fail("nobody may look"))
    examples = make_examples(24, 24, 0)
    model = PureModel(lambda request: "positive" if "good" in request.messages[-1]["content"] else "negative")
    result = PromptOptimizer(model=model, metric=exact, budget=Budget(200)).optimize(
        CURRENT, examples, ["accuracy"], sealed=sealed
    )
    assert (result.verdict, result.candidate, result.confirmation) == ("no measurable improvement", None, None)
    assert not sealed.opened
    assert result.improvement_percentage is None


def test_the_test_split_is_read_once_and_only_after_the_race() -> None:
    tests = [one for one in make_examples() if one.split is Split.TEST]
    model = PureModel(needs_examples)
    seen: list[int] = []

    def read() -> list[Example]:
        seen.append(len(model.requests))
        return tests

    texts = {one.input for one in tests}
    PromptOptimizer(model=model, metric=exact, budget=Budget(340)).optimize(
        CURRENT, make_examples(24, 24, 0), sealed=SealedSplit(len(tests), read)
    )
    assert len(seen) == 1
    asked_early = {request.messages[-1]["content"] for request in model.requests[: seen[0]]}
    assert not asked_early & texts


def test_a_part_of_the_test_split_has_its_labels_as_often_as_the_whole() -> None:
    def positive_for(number: int) -> str:
        return LABELS[0] if number % 10 else LABELS[1]

    train = make_examples(40, 40, 0)
    tests = [Example(f"t{number}", f"a text {number}", positive_for(number), Split.TEST) for number in range(400)]
    model = PureModel(needs_examples)
    PromptOptimizer(model=model, metric=exact, budget=Budget(400)).optimize(CURRENT, [*train, *tests])
    right = {one.input: one.expected for one in tests}
    asked = {text for request in model.requests if (text := request.messages[-1]["content"]) in right}
    assert 30 <= len(asked) < 100
    assert sum(right[text] == LABELS[1] for text in asked) < 0.25 * len(asked), "one in ten is of the rare label"


def test_no_test_example_is_ever_shown_to_the_model() -> None:
    model = PureModel(needs_examples)
    examples = make_examples(24, 24, 30)
    optimize(model, examples)
    shown = {m["content"] for request in model.requests for m in request.messages[:-1] if m["role"] == "user"}
    assert shown
    assert not shown & {one.input for one in examples if one.split is not Split.TRAIN}


def test_the_same_seed_gives_the_same_result() -> None:
    assert optimize(PureModel(needs_examples), seed=4) == optimize(PureModel(needs_examples), seed=4)
    assert optimize(PureModel(needs_examples), seed=4) != optimize(PureModel(needs_examples), seed=5)


def test_variants_that_are_all_equal_are_called_improved_no_more_often_than_alpha() -> None:
    """Every prompt is right on a random half of the inputs, so whatever wins the race won by luck."""
    seeds, improved = 150, 0
    for seed in range(seeds):

        def coin(request: CompletionRequest, seed: int = seed) -> str:
            return LABELS[chance(request, seed) < 0.5]

        improved += optimize(PureModel(coin), make_examples(16, 20, 30), calls=160, seed=seed).improved
    alpha = 0.025  # only the upper half of a two-sided 5 % can be called improved
    assert improved / seeds <= alpha + 3 * math.sqrt(alpha * (1 - alpha) / seeds)


@settings(max_examples=40, deadline=None)
@given(
    calls=st.integers(86, 400),
    train=st.integers(4, 30),
    validation=st.integers(6, 60),
    test=st.integers(10, 90),
    rewrites=st.integers(0, 6),
    seed=st.integers(0, 9),
)
def test_the_budget_is_never_passed_by_one_call(
    calls: int, train: int, validation: int, test: int, rewrites: int, seed: int
) -> None:
    model = PureModel(needs_examples)
    result = optimize(model, make_examples(train, validation, test), calls=calls, seed=seed, rewrites=rewrites)
    assert len(model.requests) <= calls
    assert result.cost.calls == len(model.requests)
    assert result.cost.input_tokens == 7 * len(model.requests)


@pytest.mark.parametrize(
    ("sizes", "calls", "message"),
    [
        ((3, 20, 20), 200, "4 train examples are needed, there are 3"),
        ((9, 5, 20), 200, "6 validation examples are needed, there are 5"),
        ((9, 20, 9), 200, "10 test examples are needed, there are 9"),
        ((9, 20, 20), 79, "at least 80 calls, not 79"),
    ],
)
def test_too_little_is_refused_before_the_first_call(sizes: tuple[int, int, int], calls: int, message: str) -> None:
    model = PureModel(needs_examples)
    with pytest.raises(ValueError, match=message):
        optimize(model, make_examples(*sizes), calls=calls)
    assert not model.requests


@pytest.mark.parametrize("rewrites", [0, 50, 150, 400])
def test_rewrites_are_paid_for_before_the_rest_is_divided(rewrites: int) -> None:
    plan, plain = plan_calls(200 + rewrites, 40, 60, rewrites), plan_calls(200, 40, 60)
    assert plan == plain
    model = PureModel(lambda request: "```\nLabel it.\n```" if "You improve" in request.messages[0]["content"] else "x")
    result = optimize(model, calls=200 + rewrites, rewrites=rewrites)
    assert result.cost.calls <= 200 + rewrites
    assert sum(one.calls for one in result.variants) >= 70


def test_an_unknown_goal_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'speed'.*accuracy, clarity, brevity"):
        PromptOptimizer(model=PureModel(needs_examples), metric=exact, budget=Budget(200)).optimize(
            CURRENT, make_examples(), ["speed"]
        )


def test_a_run_can_be_stopped_at_any_call() -> None:
    model = PureModel(needs_examples)

    def stop(step: int, total: int, message: str, /) -> None:
        assert total == 340
        if len(model.requests) >= 30:
            raise Cancelled("stopped by a person")

    with pytest.raises(Cancelled):
        optimize(model, progress=stop)
    assert len(model.requests) == 30


def test_progress_only_goes_forward_and_says_what_is_done() -> None:
    steps: list[tuple[int, str]] = []
    optimize(PureModel(needs_examples), progress=lambda step, total, message: steps.append((step, message)))
    assert [step for step, _ in steps] == sorted(step for step, _ in steps)
    assert steps[0][1].startswith("Round 1:")
    assert steps[-1][1].startswith("Confirming")


def test_a_model_that_refuses_everything_is_a_failure_and_not_a_score() -> None:
    class Refuses(PureModel):
        def complete_many(self, requests, *, tick=None):  # type: ignore[no-untyped-def]
            return [Completion("", error="no such model") for _ in requests]

    with pytest.raises(ModelUnavailable, match="no such model"):
        optimize(Refuses(needs_examples))


def test_a_capable_model_may_write_the_instruction() -> None:
    def obeys_a_good_instruction(request: CompletionRequest) -> str:
        if "```" in request.messages[0]["content"]:
            return "```\nLabel it: good is positive, bad is negative.\n```"
        text = request.messages[-1]["content"]
        label = "positive" if "good" in text else "negative"
        return label if "Label it" in request.messages[0]["content"] else f"I think {label}"

    result = optimize(PureModel(obeys_a_good_instruction), rewrites=2)
    assert result.improved
    assert result.best_variant.prompt.system_prompt.startswith("Label it")


def test_graded_metrics_are_confirmed_too() -> None:
    optimizer = PromptOptimizer(model=PureModel(needs_examples), metric=token_f1, budget=Budget(340), seed=2)
    result = optimizer.optimize(CURRENT, make_examples(60, 40, 60))
    assert result.confirmation
    assert "permutation" in result.confirmation.improvement.method
    assert result.confirmation.before.mean == pytest.approx(2 / 8)  # 1 of 7 words, 1 of 1 wanted


def test_the_figures_fit_into_json() -> None:
    result: PromptResult = optimize(PureModel(needs_examples))
    figures = result.as_json()
    assert figures["verdict"] == "improved"
    assert 30 <= figures["improvement"]["n"] == figures["before"]["n"] <= 60
    assert len(figures["variants"]) == len(result.variants)
    assert figures["cost"]["calls"] == result.cost.calls


def test_parameters_and_foreign_keys_of_the_config_survive() -> None:
    current = Prompt("Ask", model="m", parameters={"temperature": 0}, extra={"retrieval": {"k": 2}})
    optimizer = PromptOptimizer(model=PureModel(needs_examples), metric=exact, budget=Budget(340))
    candidate = optimizer.optimize(current, make_examples(60, 40, 60)).candidate
    assert candidate
    found = {"system_prompt": "", "examples": [], "nearest_examples": 8}
    assert candidate.content() | found == current.content() | {"system_prompt": "", "nearest_examples": 8}


def test_an_agent_that_shows_examples_already_is_improved_too() -> None:
    shown = Prompt(CURRENT.system_prompt, (Demonstration("a film that was good", "negative"),))
    optimizer = PromptOptimizer(model=PureModel(needs_examples), metric=exact, budget=Budget(600), seed=2)
    result = optimizer.optimize(shown, make_examples(60, 40, 60))
    assert result.improved
    scarce = PromptOptimizer(model=PureModel(needs_examples), metric=exact, budget=Budget(90), seed=2)
    found = scarce.optimize(shown, make_examples(60, 40, 60))
    assert found.instruction_only is None, "no prompt without examples was tried"
