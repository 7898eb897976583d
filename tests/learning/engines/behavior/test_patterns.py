from __future__ import annotations

import math
import random
from collections import Counter
from itertools import permutations, product

import numpy as np
import pytest
import scipy

from learning.engines.behavior.association import Table, p_value, within_p_value
from learning.engines.behavior.episodes import TOOL, Episode
from learning.engines.behavior.patterns import mine
from learning.engines.behavior.traits import Trait, traits_of
from learning.engines.multiplicity import benjamini_yekutieli, holm
from tests.learning.engines.behavior.worlds import episode, shop, step


def test_the_pattern_that_decides_about_success_is_found() -> None:
    mined = mine(shop(200))

    best = mined.patterns[0]
    assert Trait("did", ("look_up",)) == best.trait
    assert best.helps and best.adjusted < 1e-10
    assert best.table.lift == pytest.approx(best.table.success_with / np.mean([e.success for e in shop(200)]))


def test_patterns_are_hardly_ever_found_where_nothing_matters() -> None:
    false = 0
    for seed in range(25):
        rng = random.Random(seed)
        episodes = [
            episode(f"{task}-{trial}", *rng.choices("abcd", k=5), reward=float(rng.random() < ease), group=str(task))
            for task in range(15)
            for ease in (rng.choice((0.05, 0.95)),)
            for trial in range(3)
        ]
        false += bool(mine(episodes).separating())
    assert false <= 4  # of 25: more with a probability of 1 % if 5 % are


def test_tries_of_one_task_do_not_count_as_independent() -> None:
    """Ten tasks whose five tries are always alike: as much evidence as ten episodes."""
    episodes = [
        episode(f"{task}-{trial}", "a" if task < 5 else "b", reward=float(task in (0, 1, 2, 3, 5)), group=str(task))
        for task in range(10)
        for trial in range(5)
    ]
    having = [one.names == ("a",) for one in episodes]
    alone = [Episode(one.key, one.steps, one.reward) for one in episodes]

    assert p_value(alone, having) < 0.001
    assert p_value(episodes, having) > 0.03


def test_fisher_and_the_corrections_equal_scipy_and_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests  # not by every process of the suite

    episodes = [episode(str(n), "a", reward=float(n % 3 == 0)) for n in range(40)]
    having = [n % 2 == 0 or n % 9 == 0 for n in range(40)]
    counts = [[0, 0], [0, 0]]
    for one, has in zip(episodes, having, strict=True):
        counts[int(not has)][int(not one.success)] += 1
    assert p_value(episodes, having) == pytest.approx(scipy.stats.fisher_exact(counts).pvalue, abs=1e-12)

    p_values = list(np.random.default_rng(3).uniform(size=50) ** 3)
    assert benjamini_yekutieli(p_values) == pytest.approx(multipletests(p_values, method="fdr_by")[1], abs=1e-12)
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-12)
    assert benjamini_yekutieli([]) == []


def test_the_clustered_p_value_equals_a_linear_model_with_clustered_errors() -> None:
    from statsmodels.api import OLS, add_constant  # not by every process of the suite

    rng = np.random.default_rng(5)
    tasks = np.repeat(np.arange(12), 4)
    ease = np.repeat(rng.uniform(size=12), 4)
    good = rng.uniform(size=48) < ease
    having = rng.uniform(size=48) < ease
    episodes = [episode(str(n), "a", reward=float(good[n]), group=str(tasks[n])) for n in range(48)]

    model = OLS(good.astype(float), add_constant(having.astype(float)))
    fitted = model.fit(cov_type="cluster", cov_kwds={"groups": tasks, "use_correction": True}, use_t=True)
    exact = scipy.stats.fisher_exact(
        [[(having & good).sum(), (having & ~good).sum()], [(~having & good).sum(), (~having & ~good).sum()]]
    ).pvalue
    assert p_value(episodes, list(having)) == pytest.approx(max(fitted.pvalues[1], exact), abs=1e-9)


def test_the_p_value_within_cases_is_fishers_where_there_is_one_case() -> None:
    rng = random.Random(4)
    episodes = [episode(str(n), "a", reward=float(rng.random() < 0.5), group="g") for n in range(30)]
    having = [rng.random() < 0.5 for _ in episodes]
    counts = [[0, 0], [0, 0]]
    for one, has in zip(episodes, having, strict=True):
        counts[int(not has)][int(not one.success)] += 1

    assert within_p_value(episodes, having) == pytest.approx(scipy.stats.fisher_exact(counts).pvalue, abs=1e-9)


def test_the_p_value_within_cases_counts_all_ways_to_deal_out_the_trait() -> None:
    good = [(1, 1, 0, 0), (1, 0, 0), (1, 1, 1, 0)]
    having = [(True, True, False, False), (True, False, False), (True, True, False, False)]
    episodes = [
        episode(f"{case}-{place}", "a", reward=float(one), group=str(case))
        for case, of_case in enumerate(good)
        for place, one in enumerate(of_case)
    ]

    def successes(dealt: tuple[tuple[bool, ...], ...]) -> int:
        return sum(
            one for case, of_case in enumerate(good) for one, has in zip(of_case, dealt[case], strict=True) if has
        )

    ways = Counter(successes(dealt) for dealt in product(*(list(permutations(of_case)) for of_case in having)))
    found = ways[successes(tuple(having))]
    expected = sum(count for count in ways.values() if count <= found) / ways.total()
    assert within_p_value(episodes, [has for of_case in having for has in of_case]) == pytest.approx(
        expected, abs=1e-12
    )


def test_nothing_is_compared_within_cases_that_were_tried_once() -> None:
    episodes = [episode(str(n), "a", reward=float(n % 2)) for n in range(12)]
    assert within_p_value(episodes, [n % 3 == 0 for n in range(12)]) is None


@pytest.mark.parametrize(
    ("episodes", "words"),
    [
        ([episode(str(n), "a", reward=1.0) for n in range(12)], "ended well"),
        ([episode(str(n), "a", reward=0.0) for n in range(12)], "ended badly"),
        ([episode(str(n), "a") for n in range(12)], "Only 0 episodes"),
        ([], "Only 0 episodes"),
    ],
)
def test_where_nothing_can_be_told_apart_the_reason_is_said(episodes: list[Episode], words: str) -> None:
    mined = mine(episodes)
    assert words in mined.reason and mined.patterns == ()


def test_no_p_value_is_made_up_where_a_side_is_empty() -> None:
    episodes = [episode(str(n), "a", reward=float(n % 2)) for n in range(6)]
    assert math.isnan(p_value(episodes, [True] * 6))
    assert math.isnan(Table(0, 0, 3, 4).lift)
    assert Table(0, 3, 4, 4).lift == 0


def test_traits_tell_order_failure_and_retries() -> None:
    steps = (step("a"), step("b", failed=True), step("b", source=TOOL), step("c"))
    found = traits_of(Episode("k", steps))

    for kind, actions in [
        ("before", ("a", "b")), ("run", ("a", "b", "b")), ("retried", ("b",)), ("failed", ("b",)),
        ("unasked", ("b",)), ("first", ("a",)), ("last", ("c",)), ("repeated", ("b",)),
    ]:  # fmt: skip
        assert Trait(kind, actions) in found
    assert Trait("before", ("b", "a")) not in found
    assert all(trait.words for trait in found)
