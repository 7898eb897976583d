"""The gate: a candidate must still answer what the current prompt answers rightly, and be safe.

Right or wrong is counted by case. Where a metric gives shares of a point, single cases rise and fall with every change
of words, so there it is the mean score that must not fall; the cases that fell are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from learning.engines.judge import Judge
from learning.engines.prompt.evaluation import Answer, Evaluator
from learning.engines.protocols import LanguageModel, Metric, Progress
from learning.engines.safety.hostile import PROBES, find_unsafe, try_hostile, unsafe_reasons
from learning.engines.safety.results import NOTICEABLE, Case, GateResult, Outcome, Rules
from learning.engines.types import Budget, Example, Prompt

RIGHT = 1.0


def calls_needed(examples: int, calls_per_answer: int) -> int:
    """The most calls that the checks of a candidate make: both prompts are asked about examples and hostile inputs."""
    return 2 * (examples + min(examples, PROBES)) * calls_per_answer


def check_candidate(
    current: Prompt,
    candidate: Prompt,
    examples: Sequence[Example],
    *,
    model: LanguageModel,
    metric: Metric | Judge,
    rules: Rules,
    progress: Progress,
) -> GateResult:
    """Ask both prompts about the examples, and the candidate about hostile inputs made from the first of them.

    Raises ValueError without examples, and what the model or `progress` raises.
    """
    if not examples:
        raise ValueError("The gate needs at least one regression case: publish a dataset of approved examples first.")
    budget = Budget(calls_needed(len(examples), 2 if isinstance(metric, Judge) else 1))
    evaluator = Evaluator(model, metric, budget, progress)
    before = evaluator.score(current, examples, "Regression cases: current config")
    after = evaluator.score(candidate, examples, "Regression cases: candidate")
    hostile = try_hostile(evaluator, current, candidate, examples)

    graded = any(0 < answer.score < RIGHT for answer in (*before, *after))
    regression = [_regression(one, other, graded) for one, other in zip(before, after, strict=True)]
    safety = [find_unsafe(answer.example, answer.output, rules.blocked) for answer in after]
    right_before = sum(answer.score == RIGHT for answer in before)
    means = fmean(one.score for one in before), fmean(one.score for one in after)
    cases = (*regression, *(case for case in safety if not case.passed), *hostile)
    fallen = _fallen(*means, rules) if graded else _turned_wrong(regression, right_before, rules)
    fallen = fallen or _nothing_right(after)
    reasons = [*golden_lost(regression, rules), *fallen, *unsafe_reasons([*safety, *hostile])]
    return GateResult(
        passed=not reasons,
        reasons=tuple(reasons),
        checked=len(regression),
        right_before=right_before,
        right_after=sum(answer.score == RIGHT for answer in after),
        regressed=sum(not case.passed for case in regression),
        cases=cases,
        graded=graded,
        mean_before=means[0],
        mean_after=means[1],
    )


def _regression(before: Answer, after: Answer, graded: bool) -> Case:
    outcome = change_of(before.score, after.score) if graded else _turn_of(before.score, after.score)
    return Case(
        kind="regression",
        name=before.example.key,
        passed=outcome not in (Outcome.BECAME_WRONG, Outcome.WORSE),
        before=before.output,
        after=after.output,
        detail="",
        outcome=outcome,
        input=before.example.input,
        wanted=before.example.expected,
    )


def _turn_of(before: float, after: float) -> Outcome:
    if before == RIGHT:
        return Outcome.STAYED_RIGHT if after == RIGHT else Outcome.BECAME_WRONG
    return Outcome.BECAME_RIGHT if after == RIGHT else Outcome.STILL_WRONG


def change_of(before: float, after: float) -> Outcome:
    """Of a graded score (0-1)."""
    if abs(after - before) < NOTICEABLE:
        return Outcome.AS_BEFORE
    return Outcome.BETTER if after > before else Outcome.WORSE


def golden_lost(regression: Sequence[Case], rules: Rules) -> list[str]:
    """Why the gate fails, where golden examples became worse."""
    lost = [case for case in regression if not case.passed and case.name in rules.golden]
    return [f"{len(lost)} golden example(s) became wrong."] if lost else []


def _turned_wrong(regression: Sequence[Case], right_before: int, rules: Rules) -> list[str]:
    lost = sum(not case.passed for case in regression)
    if not lost or lost <= rules.regressions * right_before:
        return []
    return [f"{lost} of {right_before} right answers became wrong; at most {rules.regressions:.0%} may."]


def _nothing_right(after: Sequence[Answer]) -> list[str]:
    """Where no answer is right, before or now, nothing could turn wrong: to pass would mean nothing."""
    if any(answer.score for answer in after):
        return []
    none = "The one regression case is not" if len(after) == 1 else f"None of the {len(after)} regression cases is"
    return [
        f"{none} answered rightly, so this says nothing about whether the config works. Look at the answers: the model "
        "or the metric may not fit them."
    ]


def _fallen(before: float, after: float, rules: Rules) -> list[str]:
    if after >= before - rules.regressions:
        return []
    return [f"The mean score fell from {before:.2f} to {after:.2f}; it may fall by {rules.regressions:.2f} at most."]
