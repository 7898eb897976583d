"""Which strategies a run takes, and who writes its instructions."""

from __future__ import annotations

import pytest

from learning.engines.errors import Cancelled
from learning.engines.metrics import exact
from learning.engines.prompt import STRATEGIES, PromptOptimizer, PromptResult
from learning.engines.prompt.evaluation import Evaluator
from learning.engines.prompt.reflecting import Evolution, evolve
from learning.engines.prompt.rewriting import follows_form
from learning.engines.prompt.strategies import NEED_A_WRITER, choose_strategies
from learning.engines.types import Budget, CompletionRequest, Example, Prompt, Split
from tests.learning.engines.fake_models import CURRENT, PureModel, make_examples, needs_examples, right_label


def is_writing(request: CompletionRequest) -> bool:
    return "You improve the instruction" in request.messages[0]["content"]


def kinds(result: PromptResult) -> set[str]:
    return {one.variant.kind.value for one in result.variants}


def run(model: PureModel, calls: int = 340, **options: object) -> PromptResult:
    optimizer = PromptOptimizer(model=model, metric=exact, budget=Budget(calls), **options)  # type: ignore[arg-type]
    return optimizer.optimize(CURRENT, make_examples(60, 40, 60))


def test_with_scarce_calls_only_examples_are_searched() -> None:
    assert choose_strategies(None, race_calls=60, rewrites=0) == {"few_shot", "combined", "nearest"}
    assert choose_strategies(None, race_calls=200, rewrites=0) == set(STRATEGIES) - NEED_A_WRITER


def test_what_the_model_must_write_is_tried_only_when_rewrites_are_wanted() -> None:
    assert "rewritten" in choose_strategies(None, race_calls=200, rewrites=3)
    assert "reflective" not in choose_strategies(None, race_calls=200, rewrites=3)
    assert "reflective" in choose_strategies(None, race_calls=400, rewrites=3)


@pytest.mark.parametrize(
    ("asked", "message"), [(["magic"], "Unknown strategy 'magic'.*clarified"), ([], "At least one")]
)
def test_a_strategy_that_does_not_exist_is_refused_by_name(asked: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(PureModel(needs_examples), strategies=asked)


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name != "combined"])
def test_a_run_tries_what_it_was_told_to_and_nothing_else(name: str) -> None:
    def answer(request: CompletionRequest) -> str:
        if is_writing(request):
            number = request.parameters["seed"]
            return f"```\nWrite the label, way {number}.\n```"
        told = "Write the label" in request.messages[0]["content"]
        return right_label(request.messages[-1]["content"]) if told else needs_examples(request)

    result = run(PureModel(answer), calls=600, strategies=[name])
    assert kinds(result) == {"current", name}
    assert result.as_json()["strategies"] == [name]


def test_examples_under_new_instructions_are_called_combined() -> None:
    assert kinds(run(PureModel(needs_examples), strategies=["combined"])) == {"current", "combined"}


@pytest.mark.parametrize(
    ("reply", "follows"),
    [
        ("```\nBe exact.\n```", True),
        ("Here it is:\n```text\nBe exact.\n```\n", True),
        ("Be exact.", False),
        ("```\n\n```", False),
        ("```\nBe exact.\n```" + " and so on" * 50, False),
        ("", False),
    ],
)
def test_a_model_that_can_write_keeps_to_the_form_of_the_reply(reply: str, follows: bool) -> None:
    assert follows_form(reply) is follows


def test_a_weak_model_is_asked_twice_and_then_examples_are_searched_alone() -> None:
    def chatty(request: CompletionRequest) -> str:
        return "Sure, happy to help!" if is_writing(request) else needs_examples(request)

    model = PureModel(chatty)
    result = run(model, rewrites=8)
    assert sum(map(is_writing, model.requests)) == 2
    assert not kinds(result) & NEED_A_WRITER
    assert any("asked 2 times to write an instruction" in line for line in result.recommendations)
    assert result.improved


def obeys_a_good_instruction(request: CompletionRequest) -> str:
    """Reflects on the users' words, and answers right only when they made it into the instruction."""
    if is_writing(request):
        good = "too chatty" in request.messages[-1]["content"]
        return "```\nJust the label.\n```" if good else "```\nTry harder.\n```"
    label = right_label(request.messages[-1]["content"])
    return label if "Just the label" in request.messages[0]["content"] else f"I think {label}"


def commented() -> list[Example]:
    return [
        Example(one.key, one.input, one.expected, one.split, one.original, issues=("tone",), comment="too chatty")
        for one in make_examples(60, 40, 60)
    ]


def test_reflection_learns_from_the_users_own_words() -> None:
    optimizer = PromptOptimizer(
        model=PureModel(obeys_a_good_instruction), metric=exact, budget=Budget(600), strategies=["reflective"]
    )
    result = optimizer.optimize(CURRENT, commented())
    assert result.improved
    assert result.best_variant.kind.value == "reflective"
    assert result.best_variant.prompt.system_prompt == "Just the label."
    without = optimizer_without_words().optimize(CURRENT, make_examples(60, 40, 60))
    assert not without.improved


def optimizer_without_words() -> PromptOptimizer:
    return PromptOptimizer(
        model=PureModel(obeys_a_good_instruction), metric=exact, budget=Budget(600), strategies=["reflective"]
    )


def test_a_refusal_never_becomes_an_instruction() -> None:
    """Every other reply of the model is none; both kinds are answered by reflections and by rewrites."""

    def moody(request: CompletionRequest) -> str:
        if is_writing(request) and request.parameters["seed"] % 2:
            return "I'm sorry, I cannot help with that."
        return obeys_a_good_instruction(request)

    optimizer = PromptOptimizer(
        model=PureModel(moody), metric=exact, budget=Budget(700), strategies=["reflective", "rewritten"], rewrites=4
    )
    result = optimizer.optimize(CURRENT, commented())
    texts = [one.variant.prompt.system_prompt for one in result.variants]
    assert "Just the label." in texts
    assert not any("sorry" in text for text in texts)


def test_only_what_was_accepted_is_kept_and_ranked_by_the_examples_that_all_of_it_answered() -> None:
    evolution = Evolution(
        Evaluator(PureModel(needs_examples), exact, Budget(10), lambda *news: None),
        CURRENT,
        limit=10,
        seed=1,
        judged_on=frozenset({"a", "b"}),
        judged={
            CURRENT.system_prompt: {"a": 1.0, "b": 1.0},
            "half": {"a": 1.0, "b": 0.0},
            "cut off": {"a": 1.0},
            "good": {"a": 1.0, "b": 0.9},
        },
    )
    assert evolution.best() == ["good", "half"]


@pytest.mark.parametrize("calls", [5, 9, 23, 40, 61])
def test_reflection_never_costs_a_call_more_than_it_may(calls: int) -> None:
    model = PureModel(obeys_a_good_instruction)
    examples = commented()
    evaluator = Evaluator(model, exact, Budget(1000), lambda *news: None)
    evolve(evaluator, CURRENT, examples[:20], examples[60:70], calls=calls, seed=3)
    assert len(model.requests) <= calls


def test_reflection_stops_early_with_a_model_that_cannot_write() -> None:
    model = PureModel(needs_examples)
    evaluator = Evaluator(model, exact, Budget(1000), lambda *news: None)
    evolve(evaluator, CURRENT, commented()[:20], commented()[60:70], calls=500, seed=3)
    assert sum(map(is_writing, model.requests)) == 2


def test_a_person_can_cancel_in_the_middle_of_a_reflection() -> None:
    model = PureModel(obeys_a_good_instruction)

    def stop(step: int, total: int, message: str, /) -> None:
        if any(map(is_writing, model.requests)):
            raise Cancelled("stopped by a person")

    optimizer = PromptOptimizer(model=model, metric=exact, budget=Budget(600), strategies=["reflective"], progress=stop)
    with pytest.raises(Cancelled):
        optimizer.optimize(CURRENT, commented())
    assert sum(map(is_writing, model.requests)) == 1


def test_reflection_gives_the_same_instructions_again() -> None:
    def once() -> list[str]:
        evaluator = Evaluator(PureModel(obeys_a_good_instruction), exact, Budget(1000), lambda *news: None)
        return [one.text for one in evolve(evaluator, CURRENT, commented()[:20], commented()[60:70], calls=80, seed=3)]

    assert once() == once() == ["Just the label."]


def test_reflection_leaves_the_output_of_the_process_alone(capsys: pytest.CaptureFixture[str]) -> None:
    evaluator = Evaluator(PureModel(obeys_a_good_instruction), exact, Budget(1000), lambda *news: None)
    evolve(evaluator, CURRENT, commented()[:20], commented()[60:70], calls=60, seed=3)
    assert capsys.readouterr() == ("", "")


def test_an_empty_instruction_can_be_reflected_on_too() -> None:
    evaluator = Evaluator(PureModel(obeys_a_good_instruction), exact, Budget(1000), lambda *news: None)
    validation = [one for one in commented() if one.split is Split.VALIDATION]
    found = evolve(evaluator, Prompt(), commented()[:20], validation, calls=60, seed=3)
    assert "Just the label." in [one.text for one in found]
