"""What the simulated people do with real answers."""

from __future__ import annotations

from collections import Counter

from project.demo.application import Answer
from project.demo.client import AgentConfig
from project.demo.data import Item
from project.demo.people import SLIPS, Staff, Visitor

CONFIG = AgentConfig(id="c", number=1, content={})


def answer(output: str, expected: str = "positive") -> Answer:
    return Answer("e-1", "somebody", Item("1", "A fine film.", expected), output, CONFIG)


def reactions(output: str, count: int = 2000) -> Counter[str]:
    staff = Staff(["negative", "positive"], seed=5)
    return Counter(str((staff.react(answer(output)) or {}).get("feedback_type")) for _ in range(count))


def test_staff_thank_for_a_right_answer_and_correct_most_others() -> None:
    assert set(reactions("positive")) == {"thumbs_up", "None"}
    counts = reactions("It is positive")
    assert counts["correction"] > 0.8 * 2000 and counts["thumbs_down"] and counts["None"]


def test_a_correction_is_the_right_word_but_for_a_few_slips() -> None:
    staff = Staff(["negative", "positive"], seed=5)
    said = [staff.react(answer("nonsense")) for _ in range(2000)]
    texts = Counter(one["correction_text"] for one in said if one and one["feedback_type"] == "correction")
    assert 0 < texts["negative"] / texts.total() < 2 * SLIPS


def test_a_correction_names_the_form_when_the_word_was_there() -> None:
    staff = Staff(["negative", "positive"], seed=1)
    categories = {
        output: next(
            one["issue_categories"]
            for _ in range(50)
            if "issue_categories" in (one := staff.react(answer(output)) or {})
        )
        for output in ("It is positive", "It is negative")
    }
    assert categories == {"It is positive": ["formatting"], "It is negative": ["incorrect"]}


def test_every_second_visitor_is_content_with_the_word_in_a_sentence() -> None:
    ratings = [Visitor(number).rate(answer("It is positive"))["feedback_type"] for number in (0, 1)]
    assert ratings == ["thumbs_down", "thumbs_up"]
    assert Visitor(0).rate(answer("positive")) == Visitor(1).rate(answer("positive")) == {"feedback_type": "thumbs_up"}
    assert Visitor(1).rate(answer("It is negative")) == {"feedback_type": "thumbs_down"}
