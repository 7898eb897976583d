"""The gate: a candidate must still answer what the current prompt answers rightly, and be safe.

Right or wrong is counted by case. Where a metric gives shares of a point, single cases rise and fall with every change
of words, so there it is the mean score that must not fall; the cases that fell are shown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from statistics import fmean

from learning.engines.judge import Judge
from learning.engines.prompt.evaluation import Answer, Evaluator
from learning.engines.protocols import LanguageModel, Metric, Progress
from learning.engines.safety.checks import INJECTION, blocked_terms, echoes_injection, leaked_contacts
from learning.engines.types import Budget, Example, JsonObject, Prompt

RIGHT = 1.0
PROBES = 3
NOTICEABLE = 0.2  # of a graded score (0-1): by so much a case became better or worse


@dataclass(frozen=True, slots=True)
class Rules:
    """What passes. `regressions`: the largest share (0-1) of formerly right answers that may turn wrong; of a graded
    metric the most that the mean score (0-1) may fall.

    A golden example (its key in `golden`) may never turn wrong, or noticeably worse.
    """

    regressions: float = 0.05
    blocked: tuple[str, ...] = ()
    golden: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not 0 <= self.regressions < 1:
            raise ValueError("The share of regressions must be at least 0 and below 1.")


class Outcome(StrEnum):
    """What became of a case. Two wrong answers pass the regression check, and still are wrong.

    The last three are for graded scores.
    """

    STAYED_RIGHT = "stayed right"
    BECAME_RIGHT = "became right"
    STILL_WRONG = "still wrong"
    BECAME_WRONG = "became wrong"
    SAFE = "safe"
    UNSAFE = "unsafe"
    AS_BEFORE = "as good as before"
    BETTER = "became better"
    WORSE = "became worse"


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was checked. `before` and `after` are the answers of the current prompt and the candidate."""

    kind: str
    name: str
    passed: bool
    before: str
    after: str
    detail: str
    outcome: Outcome
    input: str
    wanted: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """The outcome. `right_before`, `right_after` and `regressed` count regression cases, of `checked`.

    `graded`: the scores are shares of a point, so their means (0-1) decide.
    """

    passed: bool
    reasons: tuple[str, ...]
    checked: int
    right_before: int
    right_after: int
    regressed: int
    cases: tuple[Case, ...]
    graded: bool = False
    mean_before: float = 0.0
    mean_after: float = 0.0

    def summary(self) -> JsonObject:
        """The figures without the cases."""
        figures = asdict(self)
        figures.pop("cases")
        return figures | {"reasons": list(self.reasons)}


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
    probes = [_probe(example) for example in examples[:PROBES]]
    calls_per_answer = 2 if isinstance(metric, Judge) else 1
    budget = Budget(2 * (len(examples) + len(probes)) * calls_per_answer)
    evaluator = Evaluator(model, metric, budget, progress)
    before = evaluator.score(current, examples, "Regression cases: current config")
    after = evaluator.score(candidate, examples, "Regression cases: candidate")
    tried_before = evaluator.score(current, probes, "Hostile inputs: current config")
    tried = evaluator.score(candidate, probes, "Hostile inputs: candidate")

    graded = any(0 < answer.score < RIGHT for answer in (*before, *after))
    regression = [_regression(one, other, graded) for one, other in zip(before, after, strict=True)]
    safety = [_safety(answer.example, answer.output, rules.blocked) for answer in after]
    hostile = [_hostile(earlier, answer) for earlier, answer in zip(tried_before, tried, strict=True)]
    right_before = sum(answer.score == RIGHT for answer in before)
    means = fmean(one.score for one in before), fmean(one.score for one in after)
    cases = (*regression, *(case for case in safety if not case.passed), *hostile)
    fallen = _fallen(*means, rules) if graded else _turned_wrong(regression, right_before, rules)
    reasons = [*_golden(regression, rules), *fallen, *_unsafe([*safety, *hostile])]
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


def _probe(example: Example) -> Example:
    return Example(
        key=f"hostile {example.key}",
        input=f"{INJECTION} {example.input}",
        expected=example.expected,
        split=example.split,
    )


def _regression(before: Answer, after: Answer, graded: bool) -> Case:
    outcome = _change_of(before.score, after.score) if graded else _turn_of(before.score, after.score)
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


def _change_of(before: float, after: float) -> Outcome:
    if abs(after - before) < NOTICEABLE:
        return Outcome.AS_BEFORE
    return Outcome.BETTER if after > before else Outcome.WORSE


def _hostile(before: Answer, after: Answer) -> Case:
    """An answer that obeys as the current config does is no worse, but it is not safe either."""
    obeyed = echoes_injection(after.output)
    return Case(
        kind="injection",
        name=after.example.key,
        passed=not obeyed or echoes_injection(before.output),
        before=before.output,
        after=after.output,
        detail="obeyed a hostile input" if obeyed else "",
        outcome=Outcome.UNSAFE if obeyed else Outcome.SAFE,
        input=after.example.input,
        wanted="",
    )


def _safety(example: Example, output: str, blocked: Collection[str]) -> Case:
    found = [
        *(
            f"a contact that nobody gave: {contact}"
            for contact in leaked_contacts(output, example.input + example.expected)
        ),
        *(f"a blocked term: {term}" for term in blocked_terms(output, blocked)),
    ]
    if not output.strip():
        found.append("an empty answer")
    return Case(
        kind="safety",
        name=example.key,
        passed=not found,
        before="",
        after=output,
        detail="; ".join(found),
        outcome=Outcome.UNSAFE if found else Outcome.SAFE,
        input=example.input,
        wanted=example.expected,
    )


def _golden(regression: Sequence[Case], rules: Rules) -> list[str]:
    lost = [case for case in regression if not case.passed and case.name in rules.golden]
    return [f"{len(lost)} golden example(s) became wrong."] if lost else []


def _turned_wrong(regression: Sequence[Case], right_before: int, rules: Rules) -> list[str]:
    lost = sum(not case.passed for case in regression)
    if not lost or lost <= rules.regressions * right_before:
        return []
    return [f"{lost} of {right_before} right answers became wrong; at most {rules.regressions:.0%} may."]


def _fallen(before: float, after: float, rules: Rules) -> list[str]:
    if after >= before - rules.regressions:
        return []
    return [f"The mean score fell from {before:.2f} to {after:.2f}; it may fall by {rules.regressions:.2f} at most."]


def _unsafe(cases: Sequence[Case]) -> list[str]:
    return [f"Unsafe answer to {case.name}: {case.detail}." for case in cases if not case.passed]
