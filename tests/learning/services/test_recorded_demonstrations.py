"""Demonstrations of many recorded executions: by filter, step by step, each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from learning.models import Agent, AgentFeedback, Demonstration, Execution, Job
from learning.services import jobs, recorded_demonstrations
from learning.services.demonstrations import add_demonstration, episode_of_execution
from learning.services.execution_search import Wanted
from learning.services.executions import log_execution
from learning.services.reading_plan import Span
from learning.services.recorded_demonstrations import count_recorded, start_recorded
from organizations.errors import Refused
from organizations.models import Organization
from tests import factories

NOW = datetime.now(UTC)
LATELY = Wanted(Span(NOW - timedelta(days=1), NOW + timedelta(days=1)))


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent()


def record(agent: Agent, name: str, **values: Any) -> Execution:
    did = [{"decision_point": "search", "input": {"order": 7}, "output": "found"}]
    item = {"agent_id": agent.external_id, "execution_id": name, "input": f"Where is {name}?", "output": "Here.",
            "decisions": did}  # fmt: skip
    return Execution.objects.get(pk=log_execution(item=item | values).stored_id())


def say(execution: Execution, **values: Any) -> None:
    AgentFeedback.objects.create(agent=execution.agent, execution=execution, **values)


def run(job: Job, steps: int | None = None) -> Job:
    work = jobs.claim_job(job_id=job.pk)
    assert work is not None
    for number, step in enumerate(recorded_demonstrations.work(work), 1):
        jobs.record_step(work=work, step=step)
        if number == steps:
            Job.objects.filter(pk=job.pk).update(heartbeat_at="2020-01-01T00:00Z")
            return job
    jobs.finish_job(work=work)
    job.refresh_from_db()
    return job


def names(*executions: Execution) -> set[str]:
    return {f"Where is {one.external_id}?" for one in executions}


def test_each_execution_becomes_a_demonstration_that_waits_for_review(agent: Agent) -> None:
    first, second = record(agent, "one", user_id="u7"), record(agent, "two")
    factories.make_execution(factories.make_agent())
    job = run(start_recorded(agent=agent, wanted=LATELY))

    assert (job.done, job.total, job.result["demonstrations"], job.status) == (2, 2, 2, "completed")
    made = Demonstration.objects.select_related("example").get(example__source_execution=first)
    assert (made.source, made.example.source_type, made.example.user) == ("execution", "execution_log", "u7")
    assert made.example.review_status == "pending"
    assert [step.action for step in made.steps.order_by("position")] == ["search", "respond"]
    assert set(Demonstration.objects.values_list("example__input_text", flat=True)) == names(first, second)


def test_thumbs_and_stars_say_how_well_it_ended(agent: Agent) -> None:
    liked, rated, silent = (record(agent, name) for name in ("liked", "rated", "silent"))
    say(execution=liked, feedback_type="thumbs_up")
    say(execution=rated, feedback_type="star_rating", rating=2)
    run(start_recorded(agent=agent, wanted=LATELY))
    rewards = dict(Demonstration.objects.values_list("example__source_execution_id", "reward"))
    assert rewards == {liked.pk: 1.0, rated.pk: 0.25, silent.pk: None}


def test_feedback_is_not_asked_when_it_is_not_wanted(agent: Agent) -> None:
    say(execution=record(agent, "liked"), feedback_type="thumbs_up")
    run(start_recorded(agent=agent, wanted=LATELY, rewarded=False))
    assert Demonstration.objects.get().reward is None


def test_the_filters_choose(agent: Agent) -> None:
    liked, failed, hers = (
        record(agent, "liked"),
        record(agent, "failed", status="failed"),
        record(agent, "hers", user_id="u7"),
    )
    say(execution=liked, feedback_type="thumbs_up")
    for values, chosen in (({"said": "thumbs_up"}, liked), ({"status": "failed"}, failed), ({"whose": "u7"}, hers)):
        wanted = Wanted(LATELY.span, **values)
        assert count_recorded(agent=agent, wanted=wanted) == 1
        run(start_recorded(agent=agent, wanted=wanted))
        newest = Demonstration.objects.order_by("-id").first()
        assert newest is not None and newest.example.source_execution_id == chosen.pk
    old = Span(NOW - timedelta(days=9), NOW - timedelta(days=8))
    with pytest.raises(Refused, match="of this kind"):
        start_recorded(agent=agent, wanted=Wanted(old))


def test_what_was_demonstrated_or_shows_no_action_is_left_out_and_told(agent: Agent) -> None:
    edited, _, wrong = record(agent, "edited"), record(agent, "talk", decisions=[]), record(agent, "wrong", output="")
    add_demonstration(agent=agent, episode=episode_of_execution(edited), execution_id=str(edited.pk))
    wrong.decisions.update(decision_point=" ")
    job = run(start_recorded(agent=agent, wanted=LATELY))
    told = {name: job.result[name] for name in ("demonstrations", "demonstrated", "answers_only", "refused")}
    assert told == {"demonstrations": 0, "demonstrated": 1, "answers_only": 1, "refused": 1}
    problem = job.result["problems"][0]
    assert problem["execution"] == str(wrong.pk) and "is no action" in problem["reason"]


def test_executions_of_one_session_are_one_case(agent: Agent) -> None:
    record(agent, "one", context={"session_id": "s1"})
    record(agent, "two", context={"session_id": "s1"})
    record(agent, "three")
    run(start_recorded(agent=agent, wanted=LATELY))
    assert sorted(Demonstration.objects.values_list("case", flat=True)) == ["", "session s1", "session s1"]


def test_a_job_that_was_killed_goes_on_and_later_executions_are_not_touched(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded_demonstrations, "BATCH", 1)
    before = [record(agent, name) for name in ("one", "two", "three")]
    job = start_recorded(agent=agent, wanted=LATELY)
    record(agent, "later")
    run(job, steps=2)
    assert Demonstration.objects.count() == 1
    assert run(job).result["demonstrations"] == 3
    assert set(Demonstration.objects.values_list("example__input_text", flat=True)) == names(*before)
