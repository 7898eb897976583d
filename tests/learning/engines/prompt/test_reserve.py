"""How many test examples are kept back, and what that leaves to the search."""

from __future__ import annotations

import random

import pytest
import scipy

from learning.engines.metrics import exact
from learning.engines.prompt.evaluation import Evaluator
from learning.engines.prompt.output_form import describe_form
from learning.engines.prompt.planning import plan_calls
from learning.engines.prompt.racing import Race
from learning.engines.prompt.reserve import POWER, Reserve, likely_changes, pairs_needed, power
from learning.engines.prompt.results import Variant, VariantKind
from learning.engines.prompt.search import Search
from learning.engines.types import Budget, CompletionRequest, Prompt, Split
from tests.learning.engines.fake_models import PureModel, make_examples, right_label

VALIDATION = [one for one in make_examples(24, 40, 30) if one.split is Split.VALIDATION]
FORM = describe_form([one.expected for one in VALIDATION])
KEEP = Reserve(asked=2, fewest=10, planned=30, most=45, confidence=0.95)


def is_gain(gained: int, lost: int) -> bool:
    return gained > lost and scipy.stats.binomtest(gained, gained + lost, 0.5).pvalue <= 0.05


@pytest.mark.parametrize(("pairs", "gained", "lost"), [(12, 0.6, 0.0), (30, 0.4, 0.1), (57, 0.3, 0.2), (20, 0.9, 0.1)])
def test_the_power_is_that_of_the_exact_test(pairs: int, gained: float, lost: float) -> None:
    rng = random.Random(1)
    found = 0
    for _ in range(400):
        draws = [rng.random() for _ in range(pairs)]
        found += is_gain(sum(one < gained for one in draws), sum(gained <= one < gained + lost for one in draws))
    assert power(pairs, gained, lost, 0.95) == pytest.approx(found / 400, abs=0.07)


def test_a_large_gain_needs_few_pairs_a_small_one_many_and_a_hopeless_one_no_more_than_there_are() -> None:
    needed = [pairs_needed(gained, 0.05, 10, 200, 0.95) for gained in (0.9, 0.6, 0.3, 0.15)]
    assert needed == sorted(needed)
    assert needed[0] <= 13
    assert power(needed[2], 0.3, 0.05, 0.95) >= POWER > power(int(0.8 * needed[2]), 0.3, 0.05, 0.95)
    assert pairs_needed(0.06, 0.05, 10, 200, 0.95) == 200
    assert pairs_needed(0.0, 0.0, 10, 200, 0.95) == 200


def race_of(skills: list[int], asked: int) -> tuple[Race, Evaluator]:
    """Each prompt is right on as many of ten questions as its text says."""

    def answer(request: CompletionRequest) -> str:
        text = request.messages[-1]["content"]
        number = int(text.split()[2])
        return right_label(text) if number * 7 % 10 < int(request.messages[0]["content"]) else "?"

    evaluator = Evaluator(PureModel(answer), exact, Budget(1000), lambda *news: None)
    race = Race(evaluator, VALIDATION, form=FORM, goals=("clarity",))
    places = race.enter([Variant(f"skill {one}", VariantKind.CLARIFIED, Prompt(f"{one}")) for one in skills])
    race.advance(dict.fromkeys(places, asked), "look")
    return race, evaluator


def test_the_more_a_gain_is_believed_in_the_less_is_kept_for_its_proof() -> None:
    unsure, sure, even = race_of([0, 6], 4)[0], race_of([0, 6], 20)[0], race_of([5, 5], 20)[0]
    assert likely_changes(unsure)[0] < likely_changes(sure)[0] < 0.6
    assert KEEP.answers(sure) < KEEP.answers(unsure) <= 2 * KEEP.most
    assert KEEP.answers(even) == 2 * KEEP.planned


def test_a_gain_that_is_hard_to_show_gets_more_than_was_planned() -> None:
    assert KEEP.answers(race_of([4, 6], 30)[0]) == 2 * KEEP.most


@pytest.mark.parametrize(("needed", "least", "most"), [(60, 70, 80), (20, 100, 120), (90, 40, 50)])
def test_what_the_proof_does_not_need_goes_to_the_search_and_the_other_way_round(
    needed: int, least: int, most: int
) -> None:
    class Needs(Reserve):
        def answers(self, race: Race) -> int:
            return needed

    race, evaluator = race_of([5], 0)
    field = [Variant(f"{n}", VariantKind.CLARIFIED, Prompt(f"5{' ' * n}")) for n in range(6)]
    reserve = Needs(2, 10, 30, 45, 0.95)
    Search(race, evaluator, None, 80, 60, random.Random(1), lambda figures: None, reserve).run(field)
    assert least <= evaluator.cost.calls <= most


def test_the_plan_says_how_few_and_how_many_test_examples_there_may_be() -> None:
    def tested(calls: int, tests: int) -> tuple[int, int, int]:
        plan = plan_calls(calls, 30, tests)
        return plan.least_test_examples, plan.test_examples, plan.most_test_examples

    assert tested(80, 200) == (14, 14, 21)
    assert tested(300, 200) == (27, 54, 81)
    assert tested(300, 40) == (20, 40, 40)
    assert tested(80, 12) == (12, 12, 12)
