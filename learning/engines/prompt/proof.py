"""The confirmation: the winner against the current prompt on the sealed test split, opened once, paired.

What is claimed and how it is corrected. Any number of variants were compared on validation examples, but only one of
them is tested on the test examples, so that its test needs no correction for the others: they never touched this data.
(The best plain instruction is asked too where there are calls for it; it is shown, and nothing is claimed of it.) That
other runs have read some of its examples is corrected for in levels.py. Where several goals are asked for, the score
comes first; the other goals are tested only when it succeeded, at the same level, with Holm's correction among
themselves. Together, any claim is false with a probability of at most 1 - confidence. Sources: Holm (1979); Westfall
and Krishen (2001) for the fixed order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from learning.engines.errors import BudgetExceeded
from learning.engines.multiplicity import holm
from learning.engines.prompt.analysis import Analysis
from learning.engines.prompt.changes import change_by_cluster, usage_of, worse_examples
from learning.engines.prompt.confirm import compare, test_score
from learning.engines.prompt.evaluation import Answer, Evaluator, Question
from learning.engines.prompt.goals import SECOND_GOALS
from learning.engines.prompt.planning import FEWEST_TEST
from learning.engines.prompt.results import Confirmation, Difference, GoalChange
from learning.engines.types import Example, Prompt

CHUNK = 64  # examples that both prompts are asked about at once, while the budget carries so many


@dataclass(frozen=True, slots=True)
class Claim:
    """The winner is better than the current prompt. `plain`: the best instruction without examples, for the reader."""

    current: Prompt
    winner: Prompt
    plain: Prompt | None


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of a confirmation. `ended`: why not all test examples were answered by both; empty when all were."""

    confirmation: Confirmation | None
    ended: str = ""


def prove(
    evaluator: Evaluator,
    claim: Claim,
    tests: Sequence[Example],
    *,
    analysis: Analysis,
    goals: Sequence[str],
    confidence: float,
    claim_confidence: float,
    seed: int,
) -> Proof:
    """Ask both prompts about the same examples. No confirmation when both answered too few of them.

    What is claimed is claimed at `claim_confidence` (see levels.py), each prompt's own score is stated at `confidence`.
    How many are asked is fixed before. A budget in tokens, money or time may end in between all the same; then the
    first ones count, as many as both answered. Where it ends is decided by what the answers before cost, of whichever
    prompt, and never by those that are left out.
    """
    answered, ended = _ask_both(evaluator, claim, tests)
    if len({one.case for one in answered}) < FEWEST_TEST:
        return Proof(None, ended)
    before = evaluator.score(claim.current, answered, "Confirming")
    after = evaluator.score(claim.winner, answered, "Confirming")
    improvement = compare(before, after, confidence=claim_confidence, seed=seed)
    plain = _ask_plain(evaluator, claim, answered)
    confirmation = Confirmation(
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
    return Proof(confirmation, ended)


def _ask_both(evaluator: Evaluator, claim: Claim, tests: Sequence[Example]) -> tuple[list[Example], str]:
    """The examples that both prompts answered, and why there are no more of them."""
    answered: list[Example] = []
    size = CHUNK
    while chunk := tests[len(answered) : len(answered) + size]:
        pairs = [Question(prompt, example) for example in chunk for prompt in (claim.current, claim.winner)]
        try:
            evaluator.score_all(pairs, "Confirming: current prompt and best variant")
            answered += chunk
        except BudgetExceeded as error:
            if len(chunk) == 1:
                both = f"both prompts answered {len(answered)} of {len(tests)} test examples"
                return answered, f"The budget ended while confirming: {both}. {error}"
            # What was paid for is remembered by the client, so that fewer of them cost nothing to ask again.
            size = len(chunk) // 2
    return answered, ""


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
