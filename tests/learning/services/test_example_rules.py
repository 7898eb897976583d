"""Feedback and executions that become examples by rules: which, when, once, and never without consent."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from learning.job_tasks import run_job
from learning.models import (
    Agent,
    AgentFeedback,
    ExampleRule,
    Execution,
    FeedbackRollupProgress,
    JobStatus,
    LearningExample,
    ReviewStatus,
)
from learning.services import example_rules, rule_application
from learning.services.example_rules import add_standard_rules, create_rule, switch_rule
from learning.services.execution_search import first_key
from learning.services.rule_application import learn_by_rules
from learning.services.rule_jobs import apply_to_past
from learning.services.rule_preview import preview_rule
from organizations.errors import Conflict, Refused
from organizations.models import AuditEvent, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.clients_in_process import outside_scope


def at(moment: datetime) -> UUID:
    return type(uuid7())(int=first_key(moment).int | uuid7().int & (2**64 - 1))


def execute(agent: Agent, *, days_ago: float = 0, **values: Any) -> Execution:
    moment = timezone.now() - timedelta(days=days_ago)
    key = at(moment)
    given = {"id": key, "external_id": str(key), "started_at": moment, "input": f"Question {key}", "output": "Answer"}
    return Execution.objects.create(agent=agent, **given | values)


def say(execution: Execution, kind: str = "thumbs_up", *, days_ago: float = 0, **values: Any) -> AgentFeedback:
    key = at(timezone.now() - timedelta(days=days_ago))
    return AgentFeedback.objects.create(
        id=key, agent=execution.agent, execution=execution, feedback_type=kind, **values
    )


def rule(active: bool = True, **values: Any) -> Any:
    given = {
        "name": "Liked", "source": "user_feedback", "example_type": "positive", "conditions": {"opinion": "positive"},
    }  # fmt: skip
    made = create_rule(**given | values)
    return switch_rule(rule=made, active=True) if active else made


def learn() -> None:
    """As beat does, when everything that was sent is settled. Keys know milliseconds."""
    time.sleep(0.002)
    FeedbackRollupProgress.objects.update_or_create(defaults={"summed_until": timezone.now() + rule_application.APART})
    while learn_by_rules():
        pass
    time.sleep(0.002)


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_application, "PATIENCE", timedelta(0))


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent(domain="support")


def test_a_liked_answer_becomes_a_positive_example_with_its_texts(agent: Agent) -> None:
    liked = rule()
    execution = execute(agent, input="How?", output="So.", context={"conversation": []})
    feedback = say(execution)
    learn()
    example = LearningExample.objects.get()
    assert (example.example_type, example.source_type, example.rule) == ("positive", "user_feedback", liked)
    assert (example.input_text, example.original_output, example.expected_output) == ("How?", "So.", "So.")
    assert (example.source_feedback, example.source_execution, example.domain) == (feedback, execution, "support")
    assert example.review_status == ReviewStatus.PENDING


def test_a_disliked_answer_says_nothing_about_the_right_one(agent: Agent) -> None:
    rule(example_type="negative", conditions={"opinion": "negative"})
    say(execute(agent, output="Wrong."), "star_rating", rating=1)
    learn()
    example = LearningExample.objects.get()
    assert (example.example_type, example.original_output, example.expected_output) == ("negative", "Wrong.", "")


def test_a_rule_that_is_switched_off_makes_nothing(agent: Agent) -> None:
    rule(active=False)
    say(execute(agent))
    learn()
    assert not LearningExample.objects.exists()


def test_a_rule_looks_forward_from_when_it_was_switched_on(agent: Agent) -> None:
    execution = execute(agent, days_ago=1)
    say(execution, days_ago=1)
    rule()
    learn()
    assert not LearningExample.objects.exists()
    say(execution)
    learn()
    assert LearningExample.objects.count() == 1


def test_what_came_while_no_worker_ran_is_looked_at_when_one_does(agent: Agent) -> None:
    made = rule()
    made.active_since = timezone.now() - timedelta(days=2)
    made.save()
    say(execute(agent, days_ago=1), days_ago=1)
    learn()
    assert LearningExample.objects.count() == 1


@pytest.mark.parametrize("who", ["the one who likes it", "somebody else"])
def test_without_consent_nothing_is_learned(agent: Agent, who: str) -> None:
    rule()
    rule(name="All", conditions={"status": "completed"}, source="execution_log", example_type="edge_case")
    execution = execute(agent)
    say(execution, consent=who != "the one who likes it")
    say(execution, "detailed_feedback", rating=3, consent=who != "somebody else")
    learn()
    assert not LearningExample.objects.exists()


def test_corrections_keep_the_example_that_they_made_at_once(agent: Agent) -> None:
    rule(conditions={"rating_min": 4})
    say(execute(agent), "correction", rating=5, correction_text="Better")
    learn()
    assert not LearningExample.objects.exists()


def test_learning_again_makes_nothing_twice(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    rule()
    for _ in range(5):
        say(execute(agent))
    monkeypatch.setattr(rule_application, "BATCH", 2)
    learn()
    assert LearningExample.objects.count() == 5
    rule_application.RuleProgress.objects.update(feedback_mark=UUID(int=0), joined_until=timezone.now() - timedelta(9))
    learn()
    assert LearningExample.objects.count() == 5


def test_ten_people_who_like_one_answer_make_one_example(agent: Agent) -> None:
    rule()
    execution = execute(agent)
    for _ in range(10):
        say(execution)
    learn()
    assert LearningExample.objects.count() == 1


def test_people_who_disagree_make_an_edge_case_before_anything_else(agent: Agent) -> None:
    for made in add_standard_rules():
        switch_rule(rule=made, active=True)
    execution = execute(agent)
    say(execution, "thumbs_up")
    say(execution, "thumbs_down")
    learn()
    assert [one.example_type for one in LearningExample.objects.all()] == ["edge_case"]


def test_a_failed_execution_that_people_dislike_is_a_failure(agent: Agent) -> None:
    for made in add_standard_rules():
        switch_rule(rule=made, active=True)
    say(execute(agent, status="failed"), "thumbs_down")
    learn()
    assert [one.example_type for one in LearningExample.objects.all()] == ["failure"]


def test_the_usual_rules_are_made_switched_off_and_once(scope: Organization) -> None:
    made = add_standard_rules()
    assert len(made) == len(example_rules.STANDARD) and not any(one.active for one in made)
    assert add_standard_rules() == []


def test_feedback_that_came_before_its_execution_is_learned_from_when_they_are_joined(agent: Agent) -> None:
    rule()
    feedback = AgentFeedback.objects.create(agent=agent, feedback_type="thumbs_up", execution_external_id="later")
    learn()
    assert not LearningExample.objects.exists()
    AgentFeedback.objects.filter(pk=feedback.pk).update(execution=execute(agent), updated_at=timezone.now())
    learn()
    assert LearningExample.objects.get().source_feedback == feedback


def test_an_execution_that_nobody_commented_becomes_an_example_of_the_log(agent: Agent) -> None:
    rule(source="execution_log", example_type="edge_case", conditions={"confidence_below": 0.5})
    unsure = execute(agent, confidence=0.2)
    execute(agent, confidence=0.9)
    say(execute(agent, confidence=0.1), "detailed_feedback", rating=3)
    execute(agent, confidence=0.1, status="running")
    execute(agent, confidence=0.1, input="")
    learn()
    example = LearningExample.objects.get()
    assert (example.source_execution, example.source_type, example.source_feedback) == (unsure, "execution_log", None)


def test_an_execution_is_given_an_hour_for_somebody_to_say_something(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(source="execution_log", example_type="failure", conditions={"status": "failed"})
    execution = execute(agent, status="failed")
    monkeypatch.setattr(rule_application, "PATIENCE", timedelta(hours=1))
    learn()
    assert not LearningExample.objects.exists()
    monkeypatch.setattr(rule_application, "PATIENCE", timedelta(0))
    learn()
    assert LearningExample.objects.get().source_execution == execution


def test_only_the_collected_share_of_the_log_is_looked_at(agent: Agent, settings: Any) -> None:
    rule(source="execution_log", example_type="failure", conditions={"status": "failed"})
    settings.LEARNING = settings.LEARNING | {"feedback": settings.LEARNING["feedback"] | {"collection_rate": 0.25}}
    for _ in range(80):
        execute(agent, status="failed")
    learn()
    assert 5 <= LearningExample.objects.count() <= 38


def test_slow_is_what_is_slow_for_its_own_agent(agent: Agent) -> None:
    rule(source="execution_log", example_type="edge_case", conditions={"slow": True})
    for number in range(40):
        execute(agent, duration_ms=100 + number, days_ago=1)
    slow = execute(agent, duration_ms=5000)
    other = factories.make_agent()
    execute(other, duration_ms=9000)  # nobody knows what is slow for this one
    learn()
    assert LearningExample.objects.get().source_execution == slow


def test_one_organization_s_rules_do_not_learn_from_another_s_feedback(
    agent: Agent, scope: Organization, other_organization: Organization
) -> None:
    say(execute(agent))
    rule()
    learn()
    with outside_scope(), organization_scope(other_organization.pk):
        rule()
        learn()
        assert not LearningExample.objects.exists()


def test_a_preview_says_what_would_be_made_and_writes_nothing(agent: Agent) -> None:
    liked = rule(active=False)
    for days_ago in (1, 2, 40):
        say(execute(agent, days_ago=days_ago), days_ago=days_ago, feedback_text=f"good {days_ago}")
    say(execute(agent), "thumbs_down")
    preview = preview_rule(rule=liked, days=30)
    (line,) = preview.lines
    assert (line.made, preview.looked_at, preview.is_whole) == (2, 3, True)
    assert {sample.comment for sample in line.samples} == {"good 1", "good 2"}
    assert not LearningExample.objects.exists()


def test_a_preview_counts_what_an_earlier_rule_takes(agent: Agent) -> None:
    rule(name="First", position=1, conditions={"has_comment": True}, example_type="edge_case")
    liked = rule(active=False, position=2)
    say(execute(agent), feedback_text="well")
    say(execute(agent))
    (line,) = preview_rule(rule=liked).lines
    assert (line.made, line.taken_before) == (1, 1)


def test_a_preview_shows_ten_samples_and_looks_at_a_bounded_number(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    liked = rule(active=False)
    for _ in range(14):
        say(execute(agent))
    monkeypatch.setattr("learning.services.rule_preview.MOST_LOOKED_AT", 12)
    preview = preview_rule(rule=liked)
    assert (preview.looked_at, preview.is_whole, preview.lines[0].made) == (12, False, 12)
    assert len(preview.lines[0].samples) == 10


@pytest.mark.django_db(transaction=True)
def test_past_data_is_learned_from_by_a_job_that_makes_what_the_preview_said(organization: Organization) -> None:
    with organization_scope(organization.pk):
        agent = factories.make_agent()
        rule(name="First", position=1, conditions={"has_comment": True}, example_type="edge_case")
        liked = rule(active=False, position=2)
        for number in range(7):
            say(execute(agent, days_ago=3), days_ago=2, feedback_text="well" if number % 3 == 0 else "")
        foretold = preview_rule(rule=liked, days=30).lines[0].made
        job = apply_to_past(rule=liked, days=30)
    run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        job.refresh_from_db()
        assert (job.status, job.result) == (JobStatus.COMPLETED, {"looked_at": 7, "examples": 4})
        assert LearningExample.objects.filter(rule=liked).count() == foretold == 4
        assert LearningExample.objects.count() == 4


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"), ({"source": "import"}, "source"), ({"example_type": "correction"}, "example_type"),
        ({"conditions": {}}, "conditions"), ({"conditions": {"sample": 0.5}}, "conditions"),
        ({"position": 0}, "position"),
        ({"conditions": {"issue_categories": ["colour"]}}, "issue_categories"),
        ({"conditions": {"feedback_types": ["correction"]}}, "feedback_types"),
        ({"source": "execution_log", "conditions": {"rating_min": 1}}, "rating_min"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_followed_is_refused(scope: Organization, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refusal:
        rule(**values)
    assert refusal.value.field == field


def test_an_organization_s_own_issue_categories_are_known_to_rules(scope: Organization) -> None:
    scope.issue_categories = ["colour"]
    scope.save()
    assert rule(conditions={"issue_categories": ["colour"]}).conditions == {"issue_categories": ["colour"]}


def test_a_name_is_given_once_and_every_change_is_in_the_audit(scope: Organization) -> None:
    made = rule()
    with pytest.raises(Conflict):
        rule()
    example_rules.change_rule(rule=made, position=5)
    switch_rule(rule=made, active=False)
    actions = list(AuditEvent.objects.filter(target_type="examplerule").order_by("id").values_list("action", flat=True))
    verbs = ["created", "switched_on", "changed", "switched_off"]
    assert actions == [f"examplerule.{verb}" for verb in verbs]


def test_feedback_is_learned_from_however_much_is_joined_at_once(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    rule()
    early = [
        AgentFeedback.objects.create(agent=agent, feedback_type="thumbs_up", execution_external_id=f"later {number}")
        for number in range(7)
    ]
    learn()
    monkeypatch.setattr(rule_application, "BATCH", 2)
    monkeypatch.setattr(rule_application, "AGAIN", timedelta(0))
    for feedback in early[:3]:
        AgentFeedback.objects.filter(pk=feedback.pk).update(execution=execute(agent), updated_at=timezone.now())
    together = timezone.now()
    for feedback in early[3:]:
        AgentFeedback.objects.filter(pk=feedback.pk).update(execution=execute(agent), updated_at=together)
    learn()
    assert LearningExample.objects.count() == 7


def test_much_that_was_joined_in_the_last_minutes_is_learned_from_too(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule()
    early = [
        AgentFeedback.objects.create(agent=agent, feedback_type="thumbs_up", execution_external_id=f"later {number}")
        for number in range(5)
    ]
    learn()
    monkeypatch.setattr(rule_application, "BATCH", 2)
    for feedback in early:
        AgentFeedback.objects.filter(pk=feedback.pk).update(execution=execute(agent), updated_at=timezone.now())
    learn()
    assert LearningExample.objects.count() == 5
    progress = rule_application.RuleProgress.objects.get()
    assert progress.joined_until < timezone.now() - rule_application.AGAIN / 2, "late commits are looked for again"


def test_a_rule_that_cannot_be_read_any_more_keeps_no_other_from_its_work(agent: Agent) -> None:
    broken, liked = rule(name="Broken"), rule()
    ExampleRule.objects.filter(pk=broken.pk).update(conditions={"mood": "good"})
    say(execute(agent))
    learn()
    assert LearningExample.objects.get().rule == liked
    with pytest.raises(Refused, match="The conditions of Broken cannot be read: Unknown condition 'mood'"):
        preview_rule(rule=ExampleRule.objects.get(pk=broken.pk))
