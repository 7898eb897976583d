"""Several runs on one test split: what all their claims together may risk."""

from __future__ import annotations

import pytest

from learning.engines.levels import confidence_of_reading
from learning.engines.metrics import exact
from learning.engines.prompt import PromptOptimizer, PromptResult
from learning.engines.types import Budget, SealedSplit, Split
from tests.learning.engines.fake_models import CURRENT, PureModel, make_examples, needs_examples


def test_the_first_reading_is_tested_as_if_it_were_the_only_one_and_each_later_one_is_stricter() -> None:
    levels = [confidence_of_reading(earlier, 0.95) for earlier in range(6)]
    assert levels[:3] == pytest.approx([0.95, 0.975, 1 - 0.05 / 6])
    assert levels == sorted(levels)


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_all_readings_together_risk_no_more_than_the_level(confidence: float) -> None:
    """A gain that is not there is found with half of a two-sided level."""
    risks = [(1 - confidence_of_reading(earlier, confidence)) / 2 for earlier in range(10_000)]
    assert sum(risks[:2]) > (1 - confidence) / 2
    assert sum(risks) <= 1 - confidence


def test_a_split_cannot_have_been_read_less_than_never() -> None:
    with pytest.raises(ValueError, match="0 times or more"):
        confidence_of_reading(-1, 0.95)


def run(earlier: int) -> PromptResult:
    tests = [one for one in make_examples(60, 40, 60) if one.split is Split.TEST]
    sealed = SealedSplit(len(tests), lambda: tests, count_earlier=lambda: earlier)
    optimizer = PromptOptimizer(model=PureModel(needs_examples), metric=exact, budget=Budget(600), seed=1)
    return optimizer.optimize(CURRENT, make_examples(60, 40, 0), sealed=sealed)


def test_a_claim_says_how_often_the_split_was_read_before_and_is_tested_accordingly() -> None:
    first, third = run(0), run(2)
    assert first.improvement
    assert third.improvement
    assert (first.improvement.confidence, third.improvement.confidence) == (0.95, pytest.approx(1 - 0.05 / 6))
    assert third.improvement.low < first.improvement.low
    assert first.confirmation
    assert third.confirmation
    assert third.confirmation.before.high == first.confirmation.before.high, "a prompt's own score is no claim"
    told = [one.as_json()["tried"]["correction"] for one in (first, third)]
    assert "nobody had read any of its test examples before" in told[0]
    assert "test examples of this split were read 2 times before" in told[1]
    assert "so the gain had to be sure at 99.17 %" in told[1]


def test_what_was_asked_on_the_test_split_is_counted_truthfully() -> None:
    result = run(0)
    assert result.instruction_only, "600 calls leave some for the plain instruction"
    tried = result.as_json()["tried"]
    assert tried["compared_on_test"] == 2
    assert "nothing is claimed of it" in tried["correction"]
