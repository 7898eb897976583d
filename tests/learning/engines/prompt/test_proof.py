"""The confirmation: what it claims, what it corrects, and what it does when the budget ends."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from learning.engines.errors import BudgetExceeded
from learning.engines.metrics import exact
from learning.engines.multiplicity import holm
from learning.engines.prompt import PromptOptimizer
from learning.engines.prompt.analysis import Analysis, analyse
from learning.engines.prompt.evaluation import Evaluator
from learning.engines.prompt.proof import Claim, Proof, prove
from learning.engines.prompt.result_json import MOST_WORSE
from learning.engines.prompt.results import Confirmation, PromptResult, Variant, VariantKind
from learning.engines.protocols import Tick
from learning.engines.types import Budget, Completion, CompletionRequest, Cost, Example, Prompt, Split
from tests.learning.engines.fake_models import CURRENT, PureModel, make_examples, needs_examples

OLD, NEW = Prompt("old"), Prompt("new")
TOPICS = ("please refund the money for order {n}", "my password for account {n} does not work")
TRAIN = [Example(f"r{n}", TOPICS[n % 2].format(n=n), "yes", Split.TRAIN, original="no") for n in range(40)]
TESTS = [Example(f"t{n}", TOPICS[n % 2].format(n=n + 100), "yes", Split.TEST) for n in range(60)]
ANALYSIS: Analysis = analyse(TRAIN)


def better_at_refunds(request: CompletionRequest) -> str:
    """The new prompt answers refunds right and passwords wrong, and says less; the old one the other way round."""
    new = request.messages[0]["content"] == "new"
    refund = "refund" in request.messages[-1]["content"]
    return "yes" if new == refund else "no idea at all"


def proven(
    answer, tests: Sequence[Example] = TESTS, goals: Sequence[str] = ("accuracy",), calls: int = 1000
) -> Confirmation | None:  # type: ignore[no-untyped-def]
    evaluator = Evaluator(PureModel(answer), exact, Budget(calls), lambda *news: None)
    return prove_with(evaluator, tests, goals).confirmation


def prove_with(
    evaluator: Evaluator, tests: Sequence[Example], goals: Sequence[str] = (), plain: Prompt | None = None
) -> Proof:
    return prove(
        evaluator,
        Claim(OLD, NEW, plain),
        tests,
        analysis=ANALYSIS,
        goals=goals,
        confidence=0.95,
        claim_confidence=0.95,
        seed=1,
    )


def test_gains_and_losses_are_stated_by_what_the_inputs_are_about() -> None:
    found = proven(better_at_refunds)
    assert found
    assert not found.improvement.is_gain
    by_words = {one.words: one for one in found.clusters}
    refund = next(one for words, one in by_words.items() if "refund" in words)
    password = next(one for words, one in by_words.items() if "password" in words)
    assert (refund.n, refund.before, refund.after, refund.gained, refund.lost) == (30, 0.0, 1.0, 30, 0)
    assert (password.gained, password.lost) == (0, 30)
    assert sum(one.n for one in found.clusters) == len(TESTS)


def test_every_example_that_got_worse_is_named() -> None:
    found = proven(better_at_refunds)
    assert found
    assert {one.key for one in found.worse} == {one.key for one in TESTS if "password" in one.input}
    assert {(one.before, one.after) for one in found.worse} == {(1.0, 0.0)}


def test_all_that_got_worse_are_counted_and_the_worst_are_named() -> None:
    tests = [Example(f"t{n}", f"question {n}", "yes", Split.TEST) for n in range(180)]
    found = proven(lambda request: "yes" if request.messages[0]["content"] == "old" else "no", tests)
    result = PromptResult(Variant("new", VariantKind.CLARIFIED, NEW), (), found, (), (), Cost(), ANALYSIS)
    figures = result.as_json()
    assert figures["worse_count"] == 180
    assert len(figures["worse_examples"]) == MOST_WORSE


def test_tokens_are_compared_and_time_is_unknown_where_nobody_measured() -> None:
    found = proven(better_at_refunds)
    assert found
    assert (found.usage_before.input_tokens, found.usage_after.output_tokens) == (7.0, 1.0)
    assert found.usage_after.seconds is None


def test_another_goal_is_claimed_only_after_the_score_improved() -> None:
    def right_and_brief(request: CompletionRequest) -> str:
        return "yes" if request.messages[0]["content"] == "new" else "well yes of course"

    def wrong_and_brief(request: CompletionRequest) -> str:
        return "no" if request.messages[0]["content"] == "new" else "well no of course"

    improved = proven(right_and_brief, goals=("accuracy", "brevity"))
    assert improved
    assert [(one.goal, one.claimed) for one in improved.goals] == [("brevity", True)]
    brief_only = proven(wrong_and_brief, goals=("accuracy", "brevity"))
    assert brief_only
    assert brief_only.goals[0].change.is_gain
    assert not brief_only.goals[0].claimed


@pytest.mark.parametrize("p_values", [[0.01, 0.04, 0.03], [0.5], [0.02, 0.02], [0.9, 0.001, 0.04, 0.04], []])
def test_holms_correction_is_that_of_statsmodels(p_values: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests  # not by every process of the suite

    wanted = multipletests(p_values, method="holm")[1] if p_values else []
    assert holm(p_values) == pytest.approx(list(wanted))


class Dries(PureModel):
    """A client whose budget in tokens ends after so many calls."""

    def __init__(self, answer, after: int) -> None:  # type: ignore[no-untyped-def]
        super().__init__(answer)
        self.after = after

    def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
        if len(self.requests) + len(requests) > self.after:
            raise BudgetExceeded("The limit of 9,000 tokens is used up.")
        return super().complete_many(requests, tick=tick)


def right_if_new(request: CompletionRequest) -> str:
    return "yes" if request.messages[0]["content"] == "new" else "no"


@pytest.mark.parametrize(("after", "cases"), [(400, 200), (399, 199), (261, 130), (100, 50), (20, 10), (19, None)])
def test_a_budget_that_ends_in_between_leaves_every_pair_that_was_paid(after: int, cases: int | None) -> None:
    tests = [Example(f"t{n}", f"text {n}", "yes", Split.TEST) for n in range(200)]
    found = prove_with(Evaluator(Dries(right_if_new, after), exact, Budget(1000), lambda *news: None), tests)
    assert (found.confirmation.improvement.n if found.confirmation else None) == cases
    if cases == 200:
        assert found.ended == ""
    else:
        said = f"The budget ended while confirming: both prompts answered {after // 2} of 200 test examples."
        assert found.ended == f"{said} The limit of 9,000 tokens is used up."


def test_a_confirmation_that_the_budget_cut_off_says_so_and_that_the_split_was_opened() -> None:
    examples = make_examples(60, 40, 60)
    calls = 340 - 2 * 60 + 6
    optimizer = PromptOptimizer(model=Dries(needs_examples, calls), metric=exact, budget=Budget(340), seed=1)
    result = optimizer.optimize(CURRENT, examples)
    assert (result.confirmation, result.candidate, result.opened) == (None, None, True)
    assert result.ended.startswith("The budget ended while confirming: both prompts answered ")
    tried = result.as_json()["tried"]
    assert (tried["opened"], tried["compared_on_test"]) == (True, 1)
    assert "the test split was opened, but both prompts answered too few" in tried["correction"]


def test_the_plain_instruction_is_left_out_when_no_calls_are_left_for_it() -> None:
    evaluator = Evaluator(PureModel(right_if_new), exact, Budget(130), lambda *news: None)
    found = prove_with(evaluator, TESTS, plain=Prompt("plain")).confirmation
    assert found
    assert found.instruction_only is None
    assert evaluator.cost.calls == 120
