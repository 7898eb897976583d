"""The page of rules: what each waits for, in words."""

from __future__ import annotations

from typing import Any

import pytest

from learning.engines.rules import CHECKS
from learning.models import ExampleRule
from learning.pages.rule_words import SAYINGS, describe_conditions
from learning.services.example_rules import STANDARD, add_standard_rules
from organizations.models import Organization


def test_the_usual_rules_are_described_as_a_person_would(sign_in: Any, scope: Organization) -> None:
    add_standard_rules()
    page = " ".join(sign_in("manager").get("/admin/learning/rules/").content.decode().split())
    assert ">people disagree about the execution<" in page
    assert ">the user was discontent (thumbs down, or 1 to 2 stars); the execution failed<" in page
    assert "the agent&#x27;s confidence is below 0.5; 10 % of these" in page
    assert ">slower than 95 of 100 recent executions of its agent; 5 % of these<" in page
    for written_by_a_program in ("disagreement:", "True", "opinion:"):
        assert written_by_a_program not in page
    assert page.count('data-testid="rule"') == len(STANDARD)


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ({"rating_min": 4}, "at least 4 stars"),
        ({"rating_max": 1, "has_comment": True}, "at most 1 star; with a comment"),
        ({"rating_min": 2, "rating_max": 4, "has_comment": False}, "2 to 4 stars; without a comment"),
        ({"rating_min": 3, "rating_max": 3}, "3 stars"),
        (
            {"feedback_types": ["thumbs_down", "report_issue"], "issue_categories": ["unclear", "incorrect"]},
            "the feedback is: thumbs down or reported issue; an issue was named: unclear or incorrect",
        ),
        ({"duration_above_ms": 2500, "sample": 1.0}, "the execution took longer than 2.5 seconds; 100 % of these"),
        ({"duration_above_ms": 80.0}, "the execution took longer than 80 milliseconds"),
    ],
)
def test_conditions_are_said_in_words(conditions: dict[str, Any], said: str) -> None:
    assert describe_conditions(conditions) == said


def test_no_condition_is_left_unsaid() -> None:
    assert SAYINGS.keys() | {"rating_min", "rating_max", "sample"} == CHECKS.keys()


def test_a_preview_of_a_rule_that_cannot_be_read_says_so(sign_in: Any, scope: Organization) -> None:
    (rule, *_) = add_standard_rules()
    ExampleRule.objects.filter(pk=rule.pk).update(conditions={"mood": "good"})
    answer = sign_in("manager").get(f"/admin/learning/rules/{rule.pk}/", {"days": 30})
    assert answer.status_code == 200 and "cannot be read" in answer.content.decode()
