from __future__ import annotations

import random
from dataclasses import replace

import pytest

from learning.engines.metrics import exact
from learning.engines.prompt import PromptOptimizer
from learning.engines.prompt.beliefs import believe, likeness
from learning.engines.prompt.breeding import Stock, breed
from learning.engines.prompt.evaluation import Evaluator
from learning.engines.prompt.nearest_sets import (
    FEWEST_TO_CHOOSE_FROM,
    MOST_CHARACTERS,
    MOST_TO_CHOOSE_FROM,
    nearest_variants,
    other_number,
    promise,
)
from learning.engines.prompt.output_form import describe_form
from learning.engines.prompt.racing import Race
from learning.engines.prompt.results import Variant, VariantKind
from learning.engines.prompt.variants import Instruction, make_variants, write_instructions
from learning.engines.types import Budget, CompletionRequest, Demonstration, Example, Prompt, Split
from tests.learning.engines.fake_models import PureModel, chance

CURRENT = Prompt("Which team?", parameters={"temperature": 0})
TOPICS = ("refund", "parcel", "card", "invoice", "password", "exchange", "account", "discount")
TEXTS = [Instruction("no instruction", VariantKind.FEW_SHOT, ""), Instruction("own", VariantKind.FEW_SHOT, "Which?")]


def examples(train: int = 48, validation: int = 30, test: int = 60) -> list[Example]:
    """Every topic has a team, which nobody could guess from its name."""
    made = []
    for split, count in ((Split.TRAIN, train), (Split.VALIDATION, validation), (Split.TEST, test)):
        for n in range(count):
            topic = TOPICS[n % len(TOPICS)]
            made.append(
                Example(f"{split}-{n}", f"{split} question {n} about the {topic}", f"team {n % len(TOPICS)}", split)
            )
    return made


def copies(request: CompletionRequest) -> str:
    """Answers as the example with the same topic was answered, as far as one is shown."""
    turns = request.messages
    topic = turns[-1]["content"].split()[-1]
    known = [turns[n + 1]["content"] for n, turn in enumerate(turns[:-1]) if turn["content"].endswith(topic)]
    return known[-1] if known else f"team {int(chance(request) * len(TOPICS))}"


TRAIN = [one for one in examples() if one.split is Split.TRAIN]
TURNS = tuple(Demonstration(one.input, one.expected) for one in TRAIN)


def made_of(train: list[Example], most_characters: int = 4000) -> list[Variant]:
    return list(nearest_variants(CURRENT, TEXTS, train, most_characters, random.Random(1)))


def test_each_instruction_is_tried_with_each_number_of_examples_the_numbers_in_turns() -> None:
    ways = [(one.parent, one.prompt.nearest, len(one.prompt.examples)) for one in made_of(TRAIN)]
    assert ways == [("no instruction", 8, 48), ("own", 16, 48), ("no instruction", 16, 48), ("own", 8, 48)]
    assert {one.kind for one in made_of(TRAIN)} == {VariantKind.NEAREST}
    assert made_of(TRAIN)[0].name == "no instruction, the 8 nearest of 48 examples"


def test_where_there_is_little_to_choose_from_none_is_tried() -> None:
    assert {one.prompt.nearest for one in made_of(TRAIN[:31])} == {8}
    assert {one.prompt.nearest for one in made_of(TRAIN[:32])} == {8, 16}
    assert made_of(TRAIN[:15]) == []


def test_examples_tell_whether_their_like_has_the_same_answer() -> None:
    assert 0.8 < promise(TRAIN) <= 0.875  # right always, where each of eight answers is right once in eight times
    rng = random.Random(4)
    shuffled = [replace(one, expected=rng.choice(["a", "b", "c"])) for one in TRAIN]
    assert promise(shuffled) == 0
    assert promise([replace(one, expected=f"{n}") for n, one in enumerate(TRAIN)]) == 0
    assert promise([replace(one, expected="always") for one in TRAIN]) == 0
    assert promise(TRAIN[: FEWEST_TO_CHOOSE_FROM - 1]) == 0


def test_a_promise_does_not_hang_on_the_order_of_the_examples_nor_on_near_duplicates() -> None:
    many = [one for one in examples(train=2400) if one.split is Split.TRAIN]
    assert promise(sorted(many, key=lambda one: one.expected)) > 0.8
    rng = random.Random(1)
    said = [(f"{rng.random()}", rng.choice("abc"), f"g{n}") for n in range(60)] * 2
    twins = [Example(f"t{n}", text, one, Split.TRAIN, group=group) for n, (text, one, group) in enumerate(said)]
    assert promise(twins) == 0
    assert promise([replace(one, group="") for one in twins]) > 0.2


def test_they_get_a_third_of_the_places_where_they_promise_something_and_an_eighth_elsewhere() -> None:
    def share(train: list[Example], count: int) -> int:
        form = describe_form([one.expected for one in train])
        told = write_instructions(CURRENT, form)
        made = make_variants(CURRENT, told, train, form, count=count, most_characters=4000, rng=random.Random(1))
        assert len(made) == count
        return sum(one.kind is VariantKind.NEAREST for one in made)

    rng = random.Random(4)
    other = [replace(one, expected=rng.choice(["a", "b", "c"])) for one in TRAIN]
    assert [share(TRAIN, 6), share(TRAIN, 30), share(other, 6), share(other, 30)] == [2, 10, 1, 3]


def test_where_nothing_else_may_be_tried_they_get_all_places() -> None:
    form = describe_form([one.expected for one in TRAIN])
    told = write_instructions(CURRENT, form)
    made = make_variants(
        CURRENT, told, TRAIN, form, count=12, most_characters=4000, rng=random.Random(1), strategies=["nearest"]
    )
    assert [one.kind for one in made] == [VariantKind.CURRENT, *[VariantKind.NEAREST] * 11]


def test_what_is_bred_is_named_after_its_own_instruction() -> None:
    model, few = PureModel(copies), 8 * 48
    alone = PromptOptimizer(model=model, metric=exact, budget=Budget(600), strategies=["nearest"], most_characters=few)
    variants = [one.variant for one in alone.optimize(CURRENT, examples()).variants if one.variant.prompt.nearest]
    names = {one.prompt.system_prompt: one.name.split(",")[0] for one in variants if "generation" not in one.name}
    bred = [one for one in variants if "generation" in one.name]
    assert bred
    assert [one.name.split(",")[0] for one in bred] == [names[one.prompt.system_prompt] for one in bred]


def test_whatever_is_asked_the_shown_examples_are_never_too_long_together() -> None:
    long = [replace(one, input=one.input + " x" * (n * 7)) for n, one in enumerate(TRAIN)]
    for one in made_of(long, most_characters=1200):
        lengths = sorted((len(each.input) + len(each.output) for each in one.prompt.examples), reverse=True)
        assert sum(lengths[: one.prompt.nearest]) <= 1200
        assert len(lengths) < len(TRAIN)


def test_a_config_carries_a_limited_number_of_examples() -> None:
    many = [Example(f"t{n}", f"text {n}", "a", Split.TRAIN) for n in range(MOST_TO_CHOOSE_FROM + 50)]
    assert {len(one.prompt.examples) for one in made_of(many)} == {MOST_TO_CHOOSE_FROM}
    huge = [replace(one, input=one.input + "y" * 900) for one in many]
    for one in made_of(huge, most_characters=8000):
        length = sum(len(each.input) + len(each.output) for each in one.prompt.examples)
        assert MOST_CHARACTERS - 1000 < length <= MOST_CHARACTERS


def test_other_variants_of_an_agent_that_chooses_already_show_all_of_their_examples() -> None:
    shown = tuple(Demonstration(one.input, one.expected) for one in TRAIN)
    current = replace(CURRENT, examples=shown, nearest=8)
    form = describe_form([one.expected for one in TRAIN])
    told = write_instructions(current, form)
    made = make_variants(current, told, TRAIN, form, count=40, most_characters=4000, rng=random.Random(1))
    fixed = [one for one in made if one.kind in (VariantKind.FEW_SHOT, VariantKind.COMBINED) or one.instruction_only]
    assert len(fixed) > 10
    assert {one.prompt.nearest for one in fixed} == {0}
    kept = [one.prompt for one in made if one.name.endswith("examples as they were")]
    assert kept and all((one.examples, one.nearest) == (shown, 8) for one in kept)


def test_half_or_twice_as_many_are_proposed_as_far_as_they_fit() -> None:
    prompt = made_of(TRAIN)[0].prompt
    rng = random.Random(1)
    assert {other_number(prompt, 4000, rng).nearest for _ in range(20)} == {4, 16}
    assert {other_number(prompt, 300, rng).nearest for _ in range(20)} == {4}
    assert other_number(prompt, 10, rng) == prompt


def test_a_promise_counts_until_answers_tell() -> None:
    prompts = [CURRENT, made_of(TRAIN)[0].prompt]
    asked = [[0.0, 1.0] * 3, []]
    assert believe(prompts, asked, 0.4).mean[1] - believe(prompts, asked).mean[1] == pytest.approx(0.4)
    told = [[0.0, 1.0] * 15, [0.0] * 30]
    assert believe(prompts, told, 0.4).mean[1] - believe(prompts, told).mean[1] < 0.1


def test_what_is_bred_of_them_chooses_from_the_same_examples() -> None:
    form = describe_form([one.expected for one in TRAIN])
    race = Race(
        Evaluator(PureModel(copies), exact, Budget(999), print), examples()[48:78], form=form, goals=("accuracy",)
    )
    race.advance(dict.fromkeys(race.enter(made_of(TRAIN)), 12), "first")
    stock = Stock.of(CURRENT, TEXTS, TRAIN, True, 4000)
    bred = breed(race, stock, 6, random.Random(2), 2)
    assert bred
    assert {one.kind for one in bred} == {VariantKind.NEAREST}
    assert {one.prompt.examples for one in bred} == {made_of(TRAIN)[0].prompt.examples}


def test_beliefs_take_those_that_choose_for_alike_and_other_sets_for_strangers() -> None:
    eight, four = (made_of(TRAIN)[n].prompt for n in (0, 2))
    fixed = replace(eight, examples=eight.examples[:8], nearest=0)
    common = likeness([eight, four, fixed])
    assert common[0, 1] > common[0, 2] and common[0, 1] > common[1, 2]
    all_of_them = replace(eight, nearest=0)
    assert likeness([eight, fixed, all_of_them])[0, 1] > likeness([eight, fixed, all_of_them])[0, 2]


def test_of_equals_a_fixed_set_leads_and_then_what_shows_less() -> None:
    eight = made_of(TRAIN)[0]
    sixteen = Variant("sixteen", VariantKind.NEAREST, replace(eight.prompt, nearest=16))
    fixed = Variant("fixed", VariantKind.FEW_SHOT, replace(eight.prompt, examples=TURNS[:20], nearest=0))
    asked = [replace(one, expected="same") for one in examples()[48:78]]
    form = describe_form(["same"])
    race = Race(Evaluator(PureModel(lambda _: "same"), exact, Budget(999), print), asked, form=form, goals=("clarity",))
    race.advance(dict.fromkeys(race.enter([sixteen, eight, fixed]), 12), "all")
    assert [one.variant for one in race.standings()] == [fixed, eight, sixteen]


@pytest.mark.parametrize("calls", [90, 340])
def test_where_the_like_of_a_question_tells_the_answer_choosing_wins(calls: int) -> None:
    """No fixed set that fits shows all topics: with eight of them a set of two shows a quarter."""
    short = PromptOptimizer(model=PureModel(copies), metric=exact, budget=Budget(calls), most_characters=8 * 48, seed=1)
    result = short.optimize(CURRENT, examples())
    assert result.improved
    assert result.best_variant.kind is VariantKind.NEAREST
    assert result.candidate and result.candidate.nearest in (4, 8, 2, 1)
    variants = result.as_json()["variants"]
    assert variants[0]["nearest_examples"] == result.candidate.nearest


def test_a_run_that_may_not_choose_does_not() -> None:
    optimizer = PromptOptimizer(model=PureModel(copies), metric=exact, budget=Budget(340), strategies=["few_shot"])
    assert {one.variant.prompt.nearest for one in optimizer.optimize(CURRENT, examples()).variants} == {0}
    alone = PromptOptimizer(model=PureModel(copies), metric=exact, budget=Budget(340), strategies=["nearest"])
    assert {one.variant.kind.value for one in alone.optimize(CURRENT, examples()).variants} == {"current", "nearest"}
