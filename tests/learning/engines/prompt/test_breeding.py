from __future__ import annotations

import random
from dataclasses import replace

import pytest

from learning.engines.metrics import exact
from learning.engines.prompt import PromptOptimizer, breeding, search
from learning.engines.prompt.breeding import Stock, breed
from learning.engines.prompt.evaluation import Evaluator
from learning.engines.prompt.output_form import describe_form
from learning.engines.prompt.racing import Race
from learning.engines.prompt.variants import make_variants, texts_for_examples, write_instructions
from learning.engines.types import Budget, CompletionRequest, Demonstration, Example, Split
from tests.learning.engines.fake_models import CURRENT, LABELS, PureModel, chance, make_examples, right_label

EXAMPLES = make_examples(40, 30, 60)
TRAIN = [one for one in EXAMPLES if one.split is Split.TRAIN]
VALIDATION = [one for one in EXAMPLES if one.split is Split.VALIDATION]
FORM = describe_form([one.expected for one in TRAIN])


def teaches(text: str) -> bool:
    """One in four examples is worth showing."""
    return int(text.split()[2]) % 4 == 0


def learns(request: CompletionRequest) -> str:
    """Right the more often, the more of the shown examples teach something."""
    shown = [m["content"] for m in request.messages[:-1] if m["role"] == "user"]
    share = sum(map(teaches, shown)) / len(shown) if shown else 0
    label = right_label(request.messages[-1]["content"])
    return label if chance(request) < 0.2 + 0.7 * share else LABELS[label == LABELS[0]]


def race_of(count: int = 14) -> tuple[Race, Stock]:
    instructions = write_instructions(CURRENT, FORM)
    rng = random.Random(2)
    first = make_variants(CURRENT, instructions, TRAIN, FORM, count=count, most_characters=4000, rng=rng)
    race = Race(
        Evaluator(PureModel(learns), exact, Budget(5000), lambda *news: None), VALIDATION, form=FORM, goals=("clarity",)
    )
    race.advance(dict.fromkeys(race.enter(first), 12), "first")
    texts = texts_for_examples(CURRENT, instructions, ("few_shot", "combined"))
    return race, Stock.of(CURRENT, texts, TRAIN, True, 4000)


def test_the_bred_are_new_different_and_named_after_their_generation() -> None:
    race, stock = race_of()
    bred = breed(race, stock, 5, random.Random(1), 2)
    assert 3 <= len(bred) <= 5
    known = {one.variant.prompt.digest for one in race.runners}
    assert len({one.prompt.digest for one in bred} - known) == len(bred)
    assert all("generation 2." in one.name and one.parent for one in bred)


def test_the_bred_show_only_train_examples_and_each_once() -> None:
    race, stock = race_of()
    allowed = set(stock.turns)
    for variant in breed(race, stock, 20, random.Random(3), 2):
        shown = variant.prompt.examples
        assert set(shown) <= allowed
        assert len(set(shown)) == len(shown) and variant.prompt.shown_count <= stock.most_shown


def test_examples_that_teach_are_shown_more_often_in_the_next_generation() -> None:
    race, stock = race_of(24)

    def share(prompts):  # type: ignore[no-untyped-def]
        shown = [teaches(one.input) for prompt in prompts for one in prompt.examples]
        return sum(shown) / len(shown)

    bred = [one.prompt for seed in range(8) for one in breed(race, stock, 4, random.Random(seed), 2)]
    assert share(bred) > share([one.variant.prompt for one in race.runners]) + 0.1


def test_the_beliefs_choose_better_among_the_proposals_than_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    race, stock = race_of(24)

    def worth() -> float:
        prompts = [one.prompt for seed in range(12) for one in breed(race, stock, 3, random.Random(seed), 2)]
        return sum(sum(teaches(one.input) for one in each.examples) / len(each.examples) for each in prompts) / len(
            prompts
        )

    chosen = worth()
    monkeypatch.setattr(breeding, "_most_promising", lambda race, made, count: made[:count])
    assert chosen > worth() + 0.03


def test_nothing_is_bred_where_nothing_shows_examples() -> None:
    race, stock = race_of(2)
    assert breed(race, stock, 4, random.Random(1), 2) == []


def never_all_right(request: CompletionRequest) -> str:
    """Right half of the time, and never on one of the questions."""
    text = request.messages[-1]["content"]
    return right_label(text) if chance(request) < 0.5 and "film 0 " not in text else "?"


def test_where_all_questions_are_answered_the_calls_that_are_left_go_to_new_generations() -> None:
    few = make_examples(40, 6, 30)
    optimizer = PromptOptimizer(model=PureModel(never_all_right), metric=exact, budget=Budget(400), seed=3)
    result = optimizer.optimize(CURRENT, few)
    generations = {one.variant.name.partition(", generation ")[2].partition(".")[0] for one in result.variants}
    assert {"2", "4", "6"} <= generations
    race_calls = sum(one.calls for one in result.variants)
    assert race_calls > 0.8 * (400 - 2 * 30)


def test_nothing_is_bred_against_a_leader_who_is_right_on_every_question() -> None:
    def told(request: CompletionRequest) -> str:
        label = right_label(request.messages[-1]["content"])
        return label if "Reply with" in request.messages[0]["content"] else f"It is {label}"

    optimizer = PromptOptimizer(model=PureModel(told), metric=exact, budget=Budget(600), seed=3)
    result = optimizer.optimize(CURRENT, make_examples(40, 6, 30))
    assert not any("generation" in one.variant.name for one in result.variants)


@pytest.mark.parametrize("name", ["clarified", "restructured"])
def test_a_run_that_may_not_search_over_examples_breeds_none(name: str) -> None:
    shown = replace(CURRENT, examples=(Demonstration("some film 7 was good", "positive"),))
    optimizer = PromptOptimizer(model=PureModel(learns), metric=exact, budget=Budget(340), strategies=[name])
    result = optimizer.optimize(shown, EXAMPLES)
    assert {one.variant.kind.value for one in result.variants} == {"current", name}


def test_breeding_finds_better_prompts_with_the_same_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(seed: int) -> float:
        examples = [
            *TRAIN,
            *VALIDATION,
            *(Example(f"t{n}", f"{seed} test film {n} was good", "positive", Split.TEST) for n in range(60)),
        ]
        optimizer = PromptOptimizer(model=PureModel(learns), metric=exact, budget=Budget(300), seed=seed)
        shown = optimizer.optimize(CURRENT, examples).best_variant.prompt.examples
        return sum(teaches(one.input) for one in shown) / max(1, len(shown))

    seeds = range(12)
    bred = sum(map(found, seeds)) / len(seeds)
    monkeypatch.setattr(search, "BREEDING_ROUNDS", frozenset())
    assert bred > sum(map(found, seeds)) / len(seeds) + 0.05
