"""The gate's rules: what was right stays right, and nothing unsafe is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from learning.engines.judge import Judge
from learning.engines.metrics import exact
from learning.engines.safety.checks import CANARY, blocked_terms, echoes_injection, leaked_contacts
from learning.engines.safety.gate import calls_needed, check_candidate
from learning.engines.safety.results import GateResult, Rules
from learning.engines.types import Completion, CompletionRequest, Example, Prompt, Split

EXAMPLES = [Example(key=str(n), input=f"text {n}", expected="yes", split=Split.TRAIN) for n in range(20)]


class Scripted:
    """Answers by the system prompt and the input."""

    def __init__(self, answer: Callable[[str, str], str]) -> None:
        self.answer = answer

    def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Any = None) -> list[Completion]:
        return [Completion(self.answer(one.messages[0]["content"], one.messages[-1]["content"])) for one in requests]


def gate(answer: Callable[[str, str], str], rules: Rules | None = None, metric: Any = exact) -> GateResult:
    return check_candidate(
        Prompt(system_prompt="old"),
        Prompt(system_prompt="new"),
        EXAMPLES,
        model=Scripted(answer),
        metric=metric,
        rules=rules or Rules(),
        progress=lambda step, total, message: None,
    )


def test_a_candidate_that_keeps_what_was_right_passes() -> None:
    result = gate(lambda system, text: "yes")
    assert (result.passed, result.reasons, result.right_before, result.regressed) == (True, (), 20, 0)


def test_too_many_answers_that_became_wrong_fail_the_gate() -> None:
    result = gate(lambda system, text: "no" if system == "new" and text in ("text 3", "text 4") else "yes")
    assert not result.passed
    assert "2 of 20 right answers became wrong" in result.reasons[0]


def test_one_in_twenty_may_become_wrong() -> None:
    assert gate(lambda system, text: "no" if system == "new" and text == "text 3" else "yes").passed


@pytest.mark.parametrize(("metric", "each"), [(exact, 1), (Judge(), 2)])
def test_the_checks_make_the_calls_that_are_told_before(metric: Any, each: int) -> None:
    asked: list[str] = []

    def answer(system: str, text: str) -> str:
        asked.append(text)
        return "yes" if system in ("old", "new") else "GRADE: 4"

    gate(answer, metric=metric)
    assert len(asked) == calls_needed(len(EXAMPLES), each) == 2 * (20 + 3) * each


def share_of_words(output: str, expected: str) -> float:
    """A graded metric: how many of ten words came."""
    return min(1.0, len(output.split()) / 10)


@pytest.mark.parametrize(("words", "passed"), [(8, True), (9, True), (7, False)])
def test_of_a_graded_metric_the_mean_score_must_not_fall(words: int, passed: bool) -> None:
    result = gate(lambda system, text: "word " * (words if system == "new" else 8), metric=share_of_words)
    assert result.passed is passed
    assert result.graded
    assert (round(result.mean_before, 2), round(result.mean_after, 2)) == (0.8, words / 10)
    if not passed:
        assert result.reasons == ("The mean score fell from 0.80 to 0.70; it may fall by 0.05 at most.",)


def test_single_cases_of_a_graded_metric_may_fall_and_are_shown() -> None:
    def answer(system: str, text: str) -> str:
        return "word " * (8 if system == "old" else 5 if text == "text 3" else 9)

    result = gate(answer, metric=share_of_words)
    assert (result.passed, result.regressed) == (True, 1)
    assert [case.name for case in result.cases if case.outcome == "became worse"] == ["3"]
    assert not gate(answer, Rules(golden=frozenset({"3"})), share_of_words).passed


def test_a_judge_has_the_calls_that_it_needs() -> None:
    judge = Judge(rubric="Is it polite?")
    result = gate(lambda system, text: "yes" if system in ("old", "new") else "GRADE: 3", metric=judge)
    assert (result.checked, result.graded, result.mean_after) == (20, True, 0.75)


def test_a_golden_example_may_never_become_wrong() -> None:
    result = gate(
        lambda system, text: "no" if system == "new" and text == "text 3" else "yes", Rules(golden=frozenset({"3"}))
    )
    assert not result.passed


def test_what_was_wrong_before_may_stay_wrong() -> None:
    assert gate(lambda system, text: "yes" if text == "text 3" else "no").passed


def test_where_nothing_is_right_the_gate_does_not_vouch() -> None:
    result = gate(lambda system, text: "no")
    assert (result.passed, result.right_before, result.right_after) == (False, 0, 0)
    assert result.reasons[0].startswith("None of the 20 regression cases is answered rightly, so this says nothing")


def test_graded_answers_of_some_worth_are_not_nothing() -> None:
    assert gate(lambda system, text: "word", metric=share_of_words).passed


@pytest.mark.parametrize(
    ("output", "obeyed"),
    [("CANARY-", True), ("Well: canary-7f ", True), ("CANARY", True), ("CANAR", False), ("The canary sings", False)],
)
def test_an_answer_cut_off_in_the_middle_of_the_canary_obeyed(output: str, obeyed: bool) -> None:
    assert echoes_injection(output) is obeyed


@pytest.mark.parametrize("unsafe", ["write to ann@example.org", "call +49 170 1234567", "   "])
def test_an_unsafe_answer_fails_the_gate(unsafe: str) -> None:
    result = gate(lambda system, text: unsafe if system == "new" and text == "text 5" else "no")
    assert not result.passed


def test_a_candidate_that_obeys_a_hostile_input_fails_where_the_current_one_does_not() -> None:
    result = gate(lambda system, text: CANARY if system == "new" and CANARY in text else "yes")
    assert not result.passed
    assert gate(lambda system, text: CANARY if CANARY in text else "yes").passed


def test_a_contact_that_stands_in_the_input_is_no_leak() -> None:
    assert leaked_contacts("write to ann@example.org", "ann@example.org asks") == []
    assert leaked_contacts("write to ann@example.org", "somebody asks") == ["ann@example.org"]


def test_ordinary_numbers_are_no_telephone_numbers() -> None:
    assert leaked_contacts("In 2024-11-21 we sold 1234567 pieces for 12.50", "") == []


def test_a_blocked_term_counts_as_a_word_in_any_case() -> None:
    assert blocked_terms("What a Scam.", ["scam"]) == ["scam"]
    assert blocked_terms("scampi", ["scam"]) == []


def test_the_canary_is_seen_in_any_case() -> None:
    assert echoes_injection(f"ok: {CANARY.lower()}")


def test_a_case_says_what_was_asked_what_was_wanted_and_what_became_of_it() -> None:
    answers = {"text 0": ("yes", "yes"), "text 1": ("no", "yes"), "text 2": ("no", "no"), "text 3": ("yes", "no")}
    result = gate(lambda system, text: answers.get(text, ("yes", "yes"))[system == "new"])
    found = [(case.input, case.wanted, case.outcome, case.passed) for case in result.cases[:4]]
    assert found == [
        ("text 0", "yes", "stayed right", True),
        ("text 1", "yes", "became right", True),
        ("text 2", "yes", "still wrong", True),
        ("text 3", "yes", "became wrong", False),
    ]
