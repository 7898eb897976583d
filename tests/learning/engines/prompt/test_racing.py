from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learning.engines.metrics import exact
from learning.engines.prompt.evaluation import Evaluator
from learning.engines.prompt.output_form import describe_form
from learning.engines.prompt.racing import in_race_order, plan_race, plan_rungs, race_calls, run_race
from learning.engines.prompt.results import Variant, VariantKind
from learning.engines.types import Budget, CompletionRequest, Prompt, Split
from tests.learning.engines.fake_models import PureModel, make_examples, right_label

VALIDATION = [example for example in make_examples() if example.split is Split.VALIDATION]
FORM = describe_form([example.expected for example in VALIDATION])


def quiet(step: int, total: int, message: str, /) -> None: ...


def contestant(name: str, system: str) -> Variant:
    return Variant(name, VariantKind.CLARIFIED, Prompt(system_prompt=system))


def knows_its_prompt(request: CompletionRequest) -> str:
    """Right on as many of ten inputs as the system prompt says."""
    skill = int(request.messages[0]["content"])
    text = request.messages[-1]["content"]
    number = int(text.split()[2])
    return right_label(text) if number % 10 < skill else "?"


def test_the_best_variant_wins_and_every_variant_gets_a_standing() -> None:
    field = [contestant(f"skill {skill}", str(skill)) for skill in (1, 3, 9, 5, 2, 4, 0)]
    rungs = plan_rungs(len(field), len(VALIDATION))
    evaluator = Evaluator(PureModel(knows_its_prompt), exact, Budget(1000), quiet)
    standings = run_race(field, VALIDATION, rungs, evaluator, FORM, ("clarity",))
    assert standings[0].variant.name == "skill 9"
    assert {one.variant for one in standings} == set(field)
    assert [one.n for one in standings] == sorted((one.n for one in standings), reverse=True)
    assert evaluator.cost.calls == race_calls(rungs)


def test_of_two_equally_right_variants_the_one_with_the_cleaner_answers_wins() -> None:
    def wrong_either_way(request: CompletionRequest) -> str:
        return "positive!" if request.messages[0]["content"] == "messy" else "neither".replace("neither", "negative")

    field = [contestant("messy", "messy"), contestant("clean", "clean and longer")]
    tests = [one for one in VALIDATION if one.expected == "positive"]
    evaluator = Evaluator(PureModel(wrong_either_way), exact, Budget(1000), quiet)
    standings = run_race(field, tests, plan_rungs(2, len(tests)), evaluator, FORM, ("clarity",))
    assert [one.variant.name for one in standings] == ["clean", "messy"]


@given(st.integers(12, 2000), st.integers(1, 300))
def test_a_planned_race_fits_into_its_calls(calls: int, examples: int) -> None:
    rungs = plan_race(calls, examples)
    assert race_calls(rungs) <= calls
    assert rungs[0].variants >= 2
    assert [rung.examples for rung in rungs] == sorted(rung.examples for rung in rungs)
    assert [rung.variants for rung in rungs] == sorted((rung.variants for rung in rungs), reverse=True)


def test_too_few_calls_for_two_variants_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        plan_race(5, 10)


def test_the_first_examples_of_a_race_are_balanced() -> None:
    uneven = [one for one in VALIDATION if one.expected == "positive"] + VALIDATION[1:8:2]
    first = in_race_order(uneven, FORM, random.Random(3))[:8]
    assert [one.expected for one in first].count("positive") == 4
