"""Which of two answers experts found better: as they saw them, whatever the verdict did to the example since."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotation.models import Preferred
from annotation.services.claims import claim_next
from annotation.services.given_choices import given_choices
from annotation.services.submissions import submit_annotation
from learning.choice_sources import Choice
from learning.models import Agent, LearningExample
from tests import factories


def say(expert: Any, opinion: Any) -> LearningExample:
    slot = claim_next(expert=expert)
    assert slot is not None and slot.lease_token is not None
    submit_annotation(expert=expert, slot_id=slot.pk, lease_token=slot.lease_token, opinion=opinion)
    return LearningExample.objects.get(pk=slot.example_id)


def all_given(most: int = 10) -> list[Choice]:
    now = timezone.now()
    examples = LearningExample.objects.values("id")
    return list(given_choices(examples=examples, since=now - timedelta(1), until=now + timedelta(1), most=most))


@pytest.mark.parametrize(
    ("preferred", "better", "worse"), [(Preferred.EXPECTED, "Short.", "Long."), (Preferred.REJECTED, "Long.", "Short.")]
)
def test_a_comparison_is_told_as_the_expert_saw_it(
    agent: Agent, expert: Any, approval: Any, preferred: str, better: str, worse: str
) -> None:
    factories.make_example(agent, example_type="preference", expected_output="Short.", rejected_output="Long.")
    example = say(expert, approval(preferred=preferred))
    assert example.expected_output == better
    assert all_given() == [Choice(example.pk, expert.pk, better, worse, compared=True)]


def test_who_finds_both_equally_good_chose_nothing(agent: Agent, expert: Any, approval: Any) -> None:
    factories.make_example(agent, example_type="preference", expected_output="Short.", rejected_output="Long.")
    say(expert, approval(preferred=Preferred.EQUAL))
    assert all_given() == []


def test_a_correction_is_preferred_to_what_the_agent_said(agent: Agent, expert: Any, approval: Any) -> None:
    factories.make_example(agent, original_output="Perhaps.", expected_output="Maybe.")
    factories.make_example(agent, original_output="Right.")
    first = say(expert, approval(corrected_output="Yes."))
    say(expert, approval())
    assert all_given() == [Choice(first.pk, expert.pk, "Yes.", "Perhaps.", compared=False)]


def test_no_more_are_read_than_were_asked_for_and_none_of_other_times(agent: Agent, expert: Any, approval: Any) -> None:
    for _ in range(3):
        factories.make_example(agent)
        say(expert, approval(corrected_output="Yes."))
    assert len(all_given(most=2)) == 2
    later = timezone.now() + timedelta(1)
    examples = LearningExample.objects.values("id")
    assert not list(given_choices(examples=examples, since=later, until=later + timedelta(1), most=9))
