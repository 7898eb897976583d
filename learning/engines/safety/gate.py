"""The gate: a candidate must still answer what the current prompt answers rightly, and be safe."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from learning.engines.prompt.evaluation import Answer, Evaluator
from learning.engines.protocols import LanguageModel, Metric, Progress
from learning.engines.safety.checks import INJECTION, blocked_terms, echoes_injection, leaked_contacts
from learning.engines.types import Budget, Example, JsonObject, Prompt

RIGHT = 1.0
PROBES = 3


@dataclass(frozen=True, slots=True)
class Rules:
    """What passes. `regressions`: the largest share (0-1) of formerly right answers that may turn wrong.

    A golden example (its key in `golden`) may never turn wrong.
    """

    regressions: float = 0.05
    blocked: tuple[str, ...] = ()
    golden: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not 0 <= self.regressions < 1:
            raise ValueError("The share of regressions must be at least 0 and below 1.")


class Outcome(StrEnum):
    """What became of a case. Two wrong answers pass the regression check, and still are wrong."""

    STAYED_RIGHT = "stayed right"
    BECAME_RIGHT = "became right"
    STILL_WRONG = "still wrong"
    BECAME_WRONG = "became wrong"
    SAFE = "safe"
    UNSAFE = "unsafe"


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
    """The outcome. `right_before`, `right_after` and `regressed` count regression cases, of `checked`."""

    passed: bool
    reasons: tuple[str, ...]
    checked: int
    right_before: int
    right_after: int
    regressed: int
    cases: tuple[Case, ...]

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
    metric: Metric,
    rules: Rules,
    progress: Progress,
) -> GateResult:
    """Ask both prompts about the examples, and the candidate about hostile inputs made from the first of them.

    Raises ValueError without examples, and what the model or `progress` raises.
    """
    if not examples:
        raise ValueError("The gate needs at least one regression case: publish a dataset of approved examples first.")
    probes = [_probe(example) for example in examples[:PROBES]]
    evaluator = Evaluator(model, metric, Budget(2 * (len(examples) + len(probes))), progress)
    before = evaluator.score(current, examples, "Regression cases: current config")
    after = evaluator.score(candidate, examples, "Regression cases: candidate")
    tried_before = evaluator.score(current, probes, "Hostile inputs: current config")
    tried = evaluator.score(candidate, probes, "Hostile inputs: candidate")

    regression = [_regression(one, other) for one, other in zip(before, after, strict=True)]
    safety = [_safety(answer.example, answer.output, rules.blocked) for answer in after]
    hostile = [_hostile(earlier, answer) for earlier, answer in zip(tried_before, tried, strict=True)]
    right_before = sum(answer.score == RIGHT for answer in before)
    cases = (*regression, *(case for case in safety if not case.passed), *hostile)
    reasons = _reasons(regression, right_before, rules, [*safety, *hostile])
    return GateResult(
        passed=not reasons,
        reasons=tuple(reasons),
        checked=len(regression),
        right_before=right_before,
        right_after=sum(answer.score == RIGHT for answer in after),
        regressed=sum(not case.passed for case in regression),
        cases=cases,
    )


def _probe(example: Example) -> Example:
    return Example(
        key=f"hostile {example.key}",
        input=f"{INJECTION} {example.input}",
        expected=example.expected,
        split=example.split,
    )


def _regression(before: Answer, after: Answer) -> Case:
    was_right, is_right = before.score == RIGHT, after.score == RIGHT
    if was_right:
        outcome = Outcome.STAYED_RIGHT if is_right else Outcome.BECAME_WRONG
    else:
        outcome = Outcome.BECAME_RIGHT if is_right else Outcome.STILL_WRONG
    return Case(
        kind="regression",
        name=before.example.key,
        passed=outcome is not Outcome.BECAME_WRONG,
        before=before.output,
        after=after.output,
        detail="",
        outcome=outcome,
        input=before.example.input,
        wanted=before.example.expected,
    )


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


def _reasons(regression: Sequence[Case], right_before: int, rules: Rules, others: Sequence[Case]) -> list[str]:
    """Why the candidate does not pass, in words for a person; empty when it does."""
    lost = [case for case in regression if not case.passed]
    reasons = []
    golden = [case for case in lost if case.name in rules.golden]
    if golden:
        reasons.append(f"{len(golden)} golden example(s) became wrong.")
    if lost and len(lost) > rules.regressions * right_before:
        reasons.append(
            f"{len(lost)} of {right_before} right answers became wrong; at most {rules.regressions:.0%} may."
        )
    reasons += [f"Unsafe answer to {case.name}: {case.detail}." for case in others if not case.passed]
    return reasons
