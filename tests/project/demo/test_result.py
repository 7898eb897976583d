"""What the demo prints and its JSON, from known scores."""

from __future__ import annotations

import json

import pytest

from project.demo.data import Item
from project.demo.measurement import Score, gain
from project.demo.result import HONESTY, Result, TaskResult
from project.demo.trial import Outcome

KEYS = {"accuracy_before", "accuracy_after", "gain_low", "gain_high", "untouched_n", "instruction_only", "verdict"}


def score(right: int, named: int = 0, of: int = 20) -> Score:
    return Score([n < right for n in range(of)], [n < max(right, named) for n in range(of)])


def task(before: Score, after: Score, candidate_id: str = "c-1", outcome: Outcome | None = None) -> TaskResult:
    return TaskResult(
        agent="reviews",
        title="Review sentiment",
        before=before,
        after=after,
        plain=score(2, 9),
        gain=gain(before, after),
        candidate_id=candidate_id,
        outcome=outcome,
    )


def result(main: TaskResult) -> Result:
    return Result(main, task(score(0), score(8)), llm_calls=12, seconds=3.04, address="http://127.0.0.1:8000/")


WON = Outcome("treatment", "treatment wins.", users=120, looks=3, deployed=True)


def test_the_json_has_the_promised_keys_and_is_json() -> None:
    figures = json.loads(json.dumps(result(task(score(0, 12), score(17), outcome=WON)).as_json()))
    assert set(figures) >= KEYS | {"llm_calls", "seconds", "lineage_url", "second_task", "deployed"}
    assert set(figures["second_task"]) >= KEYS
    assert figures["accuracy_before"] == 0 and figures["accuracy_after"] == 0.85 and figures["gain"] == 0.85
    assert 0 < figures["gain_low"] < 0.85 < figures["gain_high"] < 1
    assert figures["named_before"] == 0.6 and figures["instruction_only"] == 0.1
    assert figures["lineage_url"] == "http://127.0.0.1:8000/admin/learning/lineage/c-1/"
    assert figures["second_task"]["verdict"] == "no experiment"


def test_the_table_says_what_is_simulated_and_how_much_of_the_gain_is_form() -> None:
    text = "\n".join(result(task(score(0, 12), score(17), outcome=WON)).lines())
    assert HONESTY in text
    assert "somewhere in 60% of the answers before and in 85% after" in text


def test_without_a_candidate_nothing_was_learned_and_the_output_says_so() -> None:
    nothing = result(task(score(4), score(4), candidate_id=""))
    assert nothing.as_json()["verdict"] == "no candidate" and nothing.as_json()["deployed"] is False
    assert nothing.lineage_url == "" and nothing.as_json()["gain"] == 0
    assert "no improvement could be shown" in "\n".join(nothing.lines())


def test_each_task_says_what_its_answers_after_came_from() -> None:
    won, nothing = task(score(0, 12), score(17), outcome=WON), task(score(4), score(4), candidate_id="")
    text = "\n".join(Result(won, nothing, llm_calls=12, seconds=3.0, address="http://127.0.0.1:8000").lines())
    assert "what was learned and serves now" in text
    assert "the same, since no improvement could be shown" in text


def test_a_candidate_that_did_not_win_was_not_deployed() -> None:
    lost = Outcome("inconclusive", "Too early.", users=160, looks=4, deployed=False)
    figures = result(task(score(0), score(17), outcome=lost)).as_json()
    assert figures["verdict"] == "inconclusive" and figures["deployed"] is False


@pytest.mark.parametrize(
    ("output", "answered", "named"),
    [
        ("positive", True, True),
        (" positive\n", True, True),
        ("The sentiment is Positive.", False, True),
        ("Positive", False, True),
        ("negative", False, False),
        ("", False, False),
        ("nonpositive", False, False),
    ],
)
def test_right_is_the_word_alone_and_named_is_the_word_somewhere(output: str, answered: bool, named: bool) -> None:
    item = Item("1", "A fine film.", "positive")
    assert (item.is_answered_by(output), item.is_named_in(output)) == (answered, named)
