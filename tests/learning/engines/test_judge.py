"""The judge and what it must show before it judges."""

from __future__ import annotations

import random

import numpy as np
import pytest

from learning.engines.agreement import (
    FEWEST_ITEMS,
    MOST_ITEMS,
    ScoredAnswer,
    agreement_of,
    calibrate,
    spread,
    weighted_kappa,
)
from learning.engines.errors import JudgeRefused
from learning.engines.judge import Judge
from learning.engines.prompt import PromptOptimizer
from learning.engines.types import Budget, CompletionRequest
from tests.learning.engines.fake_models import CURRENT, PureModel, make_examples, needs_examples


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("GRADE: 3", 0.75),
        ("grade: 0.", 0.0),
        ("**GRADE: 4**", 1.0),
        ("4", 1.0),
        ("The answer is good.\nGRADE: 2", 0.5),
        ("GRADE: 5", None),
        ("GRADE: 1\nGRADE: 4", None),
        ("It deserves a 4 or a 3", None),
        ("pwned", None),
        ("", None),
        ("²", None),
        ("9" * 5000, None),
    ],
)
def test_a_reply_is_read_as_one_grade_or_as_none(reply: str, score: float | None) -> None:
    assert Judge().read(reply) == score


def test_the_rubric_is_part_of_the_instruction_and_bounded() -> None:
    request = Judge(rubric="Be polite {input}.").request("a", "b", "c")
    assert "Be polite {input}." in request.messages[0]["content"]
    with pytest.raises(ValueError, match="rubric"):
        Judge(rubric="x" * 5000)


def test_a_repeat_is_asked_with_another_seed() -> None:
    judge = Judge(parameters={"temperature": 0.7, "seed": 3})
    assert judge.noisy
    assert not Judge().noisy
    assert judge.request("a", "b", "c").parameters != judge.request("a", "b", "c", repeat=1).parameters


def test_weighted_kappa_is_the_one_worked_out_from_a_table_of_two_clinicians() -> None:
    # The table of Fleiss, Cohen and Everitt (1969), 100 patients in three categories; worked out from its cells
    # and margins, which is another way than the one by pairs that the code goes.
    table = np.array([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    pairs = [(row, column) for row in range(3) for column in range(3) for _ in range(table[row, column])]
    one, other = (np.array(side, float) for side in zip(*pairs, strict=True))
    observed = np.mean((one - other) ** 2)
    assert observed == pytest.approx((1 + 4 * 4 + 5 + 1) / 100)
    expected = sum(
        table.sum(axis=1)[row] * table.sum(axis=0)[column] * (row - column) ** 2
        for row in range(3)
        for column in range(3)
    )
    assert weighted_kappa(one, other) == pytest.approx(1 - observed / (expected / 100**2))


def test_agreement_is_whole_where_both_say_the_same_and_none_where_one_guesses() -> None:
    rng = random.Random(3)
    experts = [rng.choice((0, 0.25, 0.5, 0.75, 1)) for _ in range(60)]
    same = agreement_of(experts, list(experts))
    assert (same.kappa, same.low, same.high, same.accepted) == (1.0, 1.0, 1.0, True)
    assert same.spearman == pytest.approx(1.0)
    guess = agreement_of(experts, [rng.choice((0, 0.25, 0.5, 0.75, 1)) for _ in experts])
    assert not guess.accepted
    assert guess.low < 0.1 < same.low


def test_a_judge_that_says_the_same_of_everything_is_refused() -> None:
    constant = agreement_of([0.0, 1.0] * 20, [1.0] * 40)
    assert not constant.accepted
    assert constant.spearman is None


def test_an_answer_without_a_grade_counts_as_the_most_wrong_one() -> None:
    experts = [0.0, 1.0] * 20
    silent = agreement_of(experts, [score if n >= 12 else None for n, score in enumerate(experts)])
    assert silent.unread == 12
    assert silent.kappa < 0.5


def test_of_many_items_a_part_is_asked_that_covers_all_scores() -> None:
    items = [ScoredAnswer(f"q{n}", "a", "b", 0.0 if n % 10 else 1.0) for n in range(500)]
    chosen = spread(items, MOST_ITEMS)
    assert len(chosen) == MOST_ITEMS
    assert 0.05 <= sum(one.score for one in chosen) / len(chosen) <= 0.15


def test_too_few_scored_answers_are_refused_before_any_call() -> None:
    model = PureModel(lambda request: "GRADE: 4")
    items = [ScoredAnswer(f"q{n}", "a", "b", 1.0) for n in range(FEWEST_ITEMS - 1)]
    with pytest.raises(JudgeRefused, match=f"at least {FEWEST_ITEMS} answers"):
        calibrate(Judge(), items, model.complete_many)
    assert not model.requests


def grading(request: CompletionRequest) -> str:
    """Answers like a small model, and grades like a careful person."""
    content = request.messages[-1]["content"]
    if "You grade answers" not in request.messages[0]["content"]:
        return needs_examples(request)
    parts = dict(part.split(": ", 1) for part in content.strip("=\n").split("\n======\n"))
    return "GRADE: 4" if parts["answer to be graded"] == parts["wanted"] else "GRADE: 1"


SCORED = [ScoredAnswer(f"q{n}", "x" if n % 3 else "y", "y", 0.25 if n % 3 else 1.0) for n in range(30)]


def test_a_judge_that_agrees_may_judge_a_whole_run_inside_the_budget() -> None:
    model = PureModel(grading)
    optimizer = PromptOptimizer(model=model, metric=Judge(), budget=Budget(700), calibration=SCORED)
    result = optimizer.optimize(CURRENT, make_examples(60, 40, 60))
    assert result.improved
    assert result.agreement
    assert result.agreement.accepted
    assert result.as_json()["judge"]["kappa"] == pytest.approx(1.0)
    assert len(model.requests) == result.cost.calls <= 700


def test_a_judge_without_experts_scores_judges_nothing() -> None:
    model = PureModel(grading)
    optimizer = PromptOptimizer(model=model, metric=Judge(), budget=Budget(700))
    with pytest.raises(JudgeRefused, match="cannot be checked"):
        optimizer.optimize(CURRENT, make_examples(60, 40, 60))
    assert not model.requests


def test_a_run_needs_twice_the_calls_where_each_answer_is_judged() -> None:
    optimizer = PromptOptimizer(model=PureModel(grading), metric=Judge(), budget=Budget(189), calibration=SCORED)
    with pytest.raises(ValueError, match="at least 190 calls, not 189"):
        optimizer.optimize(CURRENT, make_examples(60, 40, 60))
