"""The confirmation: the winner against the current prompt on the sealed test split, opened once, paired.

What is claimed and how it is corrected. Any number of variants were compared on validation examples, but only one
of them is asked about the test examples, so that its test needs no correction for the others: they never touched this
data. Where several goals are asked for, the score comes first and is tested at the full level; the other goals are
tested only when it succeeded, with Holm's correction among themselves. Together, any claim is false with a probability
of at most 1 - confidence. Sources: Holm (1979); Westfall and Krishen (2001) for the fixed order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from learning.engines.errors import BudgetExceeded
from learning.engines.prompt.analysis import Analysis
from learning.engines.prompt.changes import change_by_cluster, usage_of, worse_examples
from learning.engines.prompt.confirm import compare, test_score
from learning.engines.prompt.evaluation import Answer, Evaluator, Question
from learning.engines.prompt.goals import SECOND_GOALS
from learning.engines.prompt.planning import FEWEST_TEST
from learning.engines.prompt.results import Confirmation, Difference, GoalChange
from learning.engines.types import Example, Prompt

CHUNK = 64  # examples that both prompts are asked about at once


@dataclass(frozen=True, slots=True)
class Claim:
    """The winner is better than the current prompt. `plain`: the best instruction without examples, for the reader."""

    current: Prompt
    winner: Prompt
    plain: Prompt | None


def prove(
    evaluator: Evaluator,
    claim: Claim,
    tests: Sequence[Example],
    *,
    analysis: Analysis,
    goals: Sequence[str],
    confidence: float,
    seed: int,
) -> Confirmation | None:
    """Ask both prompts about the same examples. None when the budget ended before enough were answered by both.

    A budget in tokens, money or time may end in between. Then the examples answered by both so far count; where it
    ended does not depend on who was right.
    """
    answered = _ask_both(evaluator, claim, tests)
    if len({one.case for one in answered}) < FEWEST_TEST:
        return None
    before = evaluator.score(claim.current, answered, "Confirming")
    after = evaluator.score(claim.winner, answered, "Confirming")
    improvement = compare(before, after, confidence=confidence, seed=seed)
    plain = _ask_plain(evaluator, claim, answered)
    return Confirmation(
        before=test_score(claim.current, before, confidence),
        after=test_score(claim.winner, after, confidence),
        instruction_only=test_score(claim.plain, plain, confidence) if claim.plain and plain else None,
        improvement=improvement,
        clusters=change_by_cluster(before, after, analysis.topics),
        worse=worse_examples(before, after),
        usage_before=usage_of(before),
        usage_after=usage_of(after),
        goals=_goal_changes(before, after, analysis, goals, improvement, seed),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the given order: each at least as large as that of any smaller one."""
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def _ask_both(evaluator: Evaluator, claim: Claim, tests: Sequence[Example]) -> list[Example]:
    """The examples that both prompts answered."""
    answered: list[Example] = []
    for start in range(0, len(tests), CHUNK):
        chunk = tests[start : start + CHUNK]
        # In pairs: wherever a budget ends, hardly any answer is without its counterpart.
        pairs = [Question(prompt, example) for example in chunk for prompt in (claim.current, claim.winner)]
        try:
            evaluator.score_all(pairs, "Confirming: current prompt and best variant")
        except BudgetExceeded:
            break
        answered += chunk
    return answered


def _ask_plain(evaluator: Evaluator, claim: Claim, tests: Sequence[Example]) -> list[Answer]:
    if claim.plain is None:
        return []
    try:
        return evaluator.score(claim.plain, tests, "Confirming: instruction without examples")
    except BudgetExceeded:
        return []


def _goal_changes(
    before: Sequence[Answer],
    after: Sequence[Answer],
    analysis: Analysis,
    goals: Sequence[str],
    improvement: Difference,
    seed: int,
) -> tuple[GoalChange, ...]:
    """The other goals that were asked for, in their order; claimed only after the score improved."""
    asked = [goal for goal in dict.fromkeys(goals) if goal in SECOND_GOALS]
    found = [_on_goal(goal, before, after, analysis, improvement.confidence, seed) for goal in asked]
    adjusted = holm([one.p_value for one in found])
    return tuple(
        GoalChange(goal, one, p, improvement.is_gain and one.low > 0 and p <= 1 - improvement.confidence)
        for goal, one, p in zip(asked, found, adjusted, strict=True)
    )


def _on_goal(
    goal: str, before: Sequence[Answer], after: Sequence[Answer], analysis: Analysis, confidence: float, seed: int
) -> Difference:
    def judged(answers: Sequence[Answer]) -> list[Answer]:
        score = SECOND_GOALS[goal]
        return [
            Answer(one.example, one.output, score(one.output, one.example.expected, analysis.form)) for one in answers
        ]

    return compare(judged(before), judged(after), confidence=confidence, seed=seed)
