from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from learning.engines.metrics import exact
from learning.engines.prompt.evaluation import Evaluator
from learning.engines.prompt.output_form import describe_form
from learning.engines.prompt.racing import Race, in_race_order
from learning.engines.prompt.results import Variant, VariantKind
from learning.engines.prompt.search import Search, plan_first_look
from learning.engines.types import Budget, CompletionRequest, Prompt, Split
from tests.learning.engines.fake_models import PureModel, chance, make_examples, right_label

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


def run(field: list[Variant], answer, examples=VALIDATION, goals=("clarity",), calls: int = 1000):  # type: ignore[no-untyped-def]
    """A whole race between given variants, without breeding."""
    evaluator = Evaluator(PureModel(answer), exact, Budget(2000), quiet)
    race = Race(evaluator, examples, form=FORM, goals=goals)
    search = Search(race, evaluator, None, calls, 0, random.Random(1), lambda figures: None)
    search.run(field)
    return race, evaluator


def test_the_best_variant_wins_and_every_variant_gets_a_standing() -> None:
    field = [contestant(f"skill {skill}", str(skill)) for skill in (1, 3, 9, 5, 2, 4, 0)]
    race, evaluator = run(field, knows_its_prompt, calls=110)
    standings = race.standings()
    assert standings[0].variant.name == "skill 9"
    assert {one.variant for one in standings} == set(field)
    assert sum(one.calls for one in standings) == evaluator.cost.calls <= 110


def test_calls_go_to_the_promising() -> None:
    field = [contestant(f"skill {skill}", str(skill)) for skill in (0, 8, 1, 7, 0, 1, 0, 1)]
    race, _ = run(field, knows_its_prompt, calls=100)
    asked = {one.variant.name: len(one.answers) for one in race.runners}
    assert asked["skill 8"] + asked["skill 7"] > 100 / 3
    assert max(len(one.answers) for one in race.runners if one.variant.name in ("skill 0", "skill 1")) <= 10


def test_what_is_surely_worse_leaves_for_good() -> None:
    field = [contestant(f"skill {skill}", str(skill)) for skill in (10, 0)]
    race, evaluator = run(field, knows_its_prompt)
    assert [one.out for one in race.runners] == [False, True]
    assert evaluator.cost.calls < 2 * len(VALIDATION), "nobody asks a loser about everything"


def test_equal_variants_end_the_race_when_every_question_is_answered() -> None:
    field = [contestant(f"{letter}", "9" + " " * n) for n, letter in enumerate("abc")]
    race, evaluator = run(field, knows_its_prompt)
    assert evaluator.cost.calls <= 3 * len(VALIDATION)
    assert not any(one.out for one in race.runners)


def test_who_has_answered_everything_makes_room_for_the_next() -> None:
    evaluator = Evaluator(PureModel(knows_its_prompt), exact, Budget(2000), quiet)
    race = Race(evaluator, VALIDATION, form=FORM, goals=("clarity",))
    places = race.enter([contestant(f"{n}", "9" + " " * n) for n in range(5)])
    race.advance(dict.fromkeys(places[:2], len(VALIDATION)) | dict.fromkeys(places[2:], 4), "some know all")
    steps = race.plan_round(30, race.beliefs())
    assert set(steps) <= set(places[2:])
    assert sum(steps.values()) == 30
    race.advance(dict.fromkeys(places[2:], len(VALIDATION)), "all know all")
    assert race.plan_round(30, race.beliefs()) == {}


def test_a_variant_that_is_known_already_keeps_its_place() -> None:
    race = Race(
        Evaluator(PureModel(knows_its_prompt), exact, Budget(9), quiet), VALIDATION, form=FORM, goals=("clarity",)
    )
    assert race.enter([contestant("a", "1"), contestant("b", "2")]) == [0, 1]
    assert race.enter([contestant("b again", "2"), contestant("c", "3"), contestant("c again", "3")]) == [1, 2]
    assert len(race.runners) == 3


def test_the_more_variants_are_planned_the_surer_it_must_be_that_one_is_worse() -> None:
    def asked_until_out(planned: int) -> int:
        evaluator = Evaluator(PureModel(knows_its_prompt), exact, Budget(2000), quiet)
        race = Race(evaluator, VALIDATION, form=FORM, goals=("clarity",))
        race.planned = planned
        places = race.enter([contestant("best", "10"), contestant("worst", "0")])
        while not race.drop_the_worse():
            race.advance(dict.fromkeys(places, 1), "one more")
        return len(race.runners[0].answers)

    assert asked_until_out(2) < asked_until_out(40)


def test_of_two_equally_right_variants_the_one_with_the_cleaner_answers_wins() -> None:
    def wrong_either_way(request: CompletionRequest) -> str:
        return "positive!" if request.messages[0]["content"] == "messy" else "negative"

    field = [contestant("messy", "messy"), contestant("clean", "clean and longer")]
    tests = [one for one in VALIDATION if one.expected == "positive"]
    race, _ = run(field, wrong_either_way, tests)
    assert [one.variant.name for one in race.standings()] == ["clean", "messy"]


def test_repeats_begin_where_the_examples_end_and_ask_with_another_seed() -> None:
    seeds: list[int] = []

    def coin(request: CompletionRequest) -> str:
        seeds.append(request.parameters.get("seed", 0))
        return right_label(request.messages[-1]["content"]) if chance(request, seeds[-1]) < 0.6 else "?"

    evaluator = Evaluator(PureModel(coin), exact, Budget(2000), quiet)
    race = Race(evaluator, VALIDATION[:6], form=FORM, goals=("clarity",), repeats=3)
    race.enter([contestant("a", "a")])
    race.advance({0: 18}, "all")
    assert [seed == 0 for seed in seeds] == [True] * 6 + [False] * 12
    assert len(set(seeds)) == 3
    assert race.plan_round(10, race.beliefs()) == {}, "one alone has nobody to be compared with"


@given(st.integers(12, 5000))
def test_the_first_look_takes_a_third_of_the_answers_and_leaves_the_rest_to_the_promising(answers: int) -> None:
    look = plan_first_look(answers)
    assert look.variants >= 3
    assert look.variants * look.examples <= max(0.34 * answers, 12)


def test_any_beginning_of_a_race_has_each_label_as_often_as_all_examples() -> None:
    uneven = [one for one in VALIDATION if one.expected == "positive"] + VALIDATION[1:8:2]
    ordered = in_race_order(uneven, FORM, random.Random(3))
    assert [one.expected for one in ordered[:8]].count("positive") == 6
    assert sorted(one.key for one in ordered) == sorted(one.key for one in uneven)
