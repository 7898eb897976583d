"""A run is asked for, claimed once, watched, and ended once: by its worker, by a person, or by the sweep."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from learning.engines.errors import Cancelled
from learning.engines.types import Cost, Split
from learning.models import Agent, AgentConfig, DatasetVersion, RunStatus, TrainingRun, TrainingRunLog
from learning.services import run_progress, training
from learning.services.run_progress import Claim, LostClaim, RunWork, TimedOut
from organizations.errors import Conflict, Refused
from organizations.models import AuditEvent, Organization
from tests import factories


@pytest.fixture
def run(agent: Agent, version: DatasetVersion) -> TrainingRun:
    return training.start_training_run(agent=agent, dataset_version=version)


def claim(run: TrainingRun) -> RunWork:
    work = factories.claim_run(run)
    assert work is not None
    return work


def report(work: RunWork, **values: Any) -> None:
    defaults: dict[str, Any] = {"step": 17, "total": 340, "message": "Round 1 of 3: current", "cost": Cost(17, 0, 5, 6)}
    run_progress.record_progress(claim=work.claim, **defaults | values)


def fall_silent(run: TrainingRun, seconds: float = 31) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=seconds))


def test_a_run_waits_with_everything_it_needs(run: TrainingRun, agent: Agent, version: DatasetVersion) -> None:
    run.refresh_from_db()
    assert run.status == RunStatus.PENDING
    assert run.base_config == agent.configs.get()
    assert run.config == {"max_calls": 340, "metric": "exact", "goals": ["accuracy"], "rewrites": 0}
    assert run.name.startswith("Critic: ")
    assert AuditEvent.objects.filter(action="trainingrun.requested", target_id=str(run.pk)).exists()


def test_the_newest_version_and_the_serving_config_are_the_default(agent: Agent, version: DatasetVersion) -> None:
    agent.serving_config = factories.make_config(agent)
    agent.save()
    factories.make_config(agent)  # newer, but it does not serve
    run = training.start_training_run(agent=agent)
    assert (run.dataset_version, run.base_config) == (version, agent.serving_config)


def test_too_few_approved_examples_are_refused_with_the_number_missing(agent: Agent) -> None:
    version = factories.make_published_version(agent, examples=32)
    with pytest.raises(Refused, match="at least 50 approved examples; version 1 has 32, so 18 are missing"):
        training.start_training_run(agent=agent, dataset_version=version)


def test_a_test_split_too_small_to_prove_anything_is_refused(agent: Agent, settings: Any) -> None:
    settings.MIN_EXAMPLES_FOR_TRAINING = 10
    version = factories.make_published_version(agent, examples=20)
    with pytest.raises(Refused, match="examples are needed, there are"):
        training.start_training_run(agent=agent, dataset_version=version)


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"config": {"max_cals": 9}}, "config.max_cals", "There is no setting 'max_cals'"),
        ({"config": {"max_calls": 10}}, "config.max_calls", "from 80 to"),
        ({"config": {"max_calls": True}}, "config.max_calls", "whole number"),
        ({"config": {"max_calls": "340"}}, "config.max_calls", "whole number"),
        ({"config": {"metric": "os.system"}}, "config.metric", "Unknown metric 'os.system'"),
        ({"config": {"metric": 3}}, "config.metric", "text"),
        ({"config": {"goals": ["speed"]}}, "config.goals", "Unknown optimization goal 'speed'"),
        ({"config": {"goals": []}}, "config.goals", "at least one"),
        ({"config": {"rewrites": -1}}, "config.rewrites", "from 0 to 20"),
        ({"seed": -1}, "seed", "seed"),
        ({"training_type": "dpo"}, "training_type", "cannot be run"),
    ],
)
def test_a_bad_wish_is_refused_by_the_name_of_its_field(
    agent: Agent, version: DatasetVersion, values: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(Refused, match=message) as refused:
        training.start_training_run(agent=agent, dataset_version=version, **values)
    assert refused.value.field == field


def test_without_a_dataset_or_a_config_there_is_no_run(scope: Organization, agent: Agent) -> None:
    with pytest.raises(Refused, match="no published dataset version"):
        training.start_training_run(agent=agent)
    bare = factories.make_agent()
    factories.make_published_version(bare)
    with pytest.raises(Refused, match="has no config yet"):
        training.start_training_run(agent=bare)


def test_what_belongs_to_another_agent_is_refused(agent: Agent, version: DatasetVersion) -> None:
    other = factories.make_agent()
    config = factories.make_config(other)
    with pytest.raises(Refused, match="dataset version belongs to another agent"):
        training.start_training_run(agent=other, dataset_version=version)
    with pytest.raises(Refused, match="belongs to another agent"):
        training.start_training_run(agent=agent, dataset_version=version, base_config=config)


@pytest.mark.parametrize("status", ["draft", "candidate", "retired"])
def test_a_run_starts_from_what_a_person_approved_alone(agent: Agent, version: DatasetVersion, status: str) -> None:
    config = factories.make_config(agent, status=status)
    with pytest.raises(Refused, match=f"is {status}: a run starts from an approved config") as refusal:
        training.start_training_run(agent=agent, dataset_version=version, base_config=config)
    assert refusal.value.field == "base_config_id"


def test_nothing_starts_while_learning_is_switched_off(agent: Agent, version: DatasetVersion, settings: Any) -> None:
    settings.LEARNING_ENABLED = False
    with pytest.raises(Conflict, match="switched off"):
        training.start_training_run(agent=agent)


def test_a_claimed_run_hands_over_open_examples_and_nothing_sealed(run: TrainingRun, version: DatasetVersion) -> None:
    work = claim(run)
    assert work.claim == Claim(run.pk, 1)
    assert {one.split for one in work.examples} == {Split.TRAIN, Split.VALIDATION}
    assert len(work.examples) == version.train_count + version.validation_count
    assert work.test_count == version.test_count
    assert work.prompt.system_prompt == factories.CONTENT["system_prompt"]


def test_a_run_is_claimed_once(run: TrainingRun) -> None:
    claim(run)
    assert factories.claim_run(run) is None


@pytest.mark.parametrize(
    ("of_run", "of_config", "reason"),
    [
        ({"config": {"max_calls": 340, "metric": "no_such"}}, {}, "Unknown metric 'no_such'"),
        ({"config": {"max_calls": 340, "gone": 1}}, {}, "There is no setting 'gone'"),
        ({}, {"content": {"system_prompt": "Judge.", "examples": "none"}}, "cannot be read any more"),
    ],
)
def test_a_run_that_cannot_be_read_fails_with_the_reason_and_is_not_claimed_again(
    run: TrainingRun, of_run: dict[str, Any], of_config: dict[str, Any], reason: str
) -> None:
    if of_run:
        TrainingRun.objects.filter(pk=run.pk).update(**of_run)
    if of_config:
        AgentConfig.objects.filter(pk=run.base_config_id).update(**of_config)
    assert factories.claim_run(run) is None
    run.refresh_from_db()
    assert (run.status, run.attempt) == (RunStatus.FAILED, 1)
    assert reason in run.failure_reason
    assert training.due_runs() == []
    assert TrainingRunLog.objects.filter(run=run, level="error").exists()


def test_an_attempt_counts_also_where_reading_the_run_kills_the_worker(run: TrainingRun) -> None:
    for _ in range(training.MOST_ATTEMPTS):
        assert run_progress.claim_run(run_id=run.pk)  # and then it is dead
        fall_silent(run)
    assert training.due_runs() == []
    run.refresh_from_db()
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, "The worker went silent 3 times.")


def test_a_database_that_is_away_while_a_run_is_read_does_not_end_it(run: TrainingRun, monkeypatch: Any) -> None:
    def lose_the_database(version: DatasetVersion) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(run_progress.datasets, "open_examples", lose_the_database)
    with pytest.raises(OperationalError):
        factories.claim_run(run)
    run.refresh_from_db()
    assert run.status == RunStatus.RUNNING


def test_progress_is_written_with_the_heartbeat(run: TrainingRun) -> None:
    work = claim(run)
    report(work)
    run.refresh_from_db()
    assert (run.progress_percentage, run.current_step, run.llm_calls) == (5.0, "Round 1 of 3: current", 17)
    assert (run.input_tokens, run.output_tokens) == (5, 6)
    assert run.heartbeat_at
    assert timezone.now() - run.heartbeat_at < timedelta(seconds=5)


def test_a_silent_run_is_taken_up_by_the_next_worker_and_the_first_one_changes_nothing(run: TrainingRun) -> None:
    first = claim(run)
    report(first)
    fall_silent(run)
    assert training.due_runs() == [run.pk]
    second = claim(run)
    assert second.claim.attempt == 2
    run.refresh_from_db()
    assert run.llm_calls == 17, "what the first one paid"
    with pytest.raises(LostClaim):
        report(first)
    with pytest.raises(LostClaim):
        run_progress.fail_run(claim=first.claim, reason="late", cost=Cost())
    with pytest.raises(LostClaim):
        run_progress.cancel_run(claim=first.claim, cost=Cost())
    with pytest.raises(LostClaim):
        run_progress.read_test_split(claim=first.claim)
    run_progress.append_log(claim=first.claim, message="late")
    run.refresh_from_db()
    assert (run.status, run.failure_reason) == (RunStatus.RUNNING, "")
    assert not TrainingRunLog.objects.filter(message="late").exists()


def test_a_run_that_still_beats_is_left_alone(run: TrainingRun) -> None:
    claim(run)
    fall_silent(run, seconds=20)
    assert training.due_runs() == []
    assert factories.claim_run(run) is None


def test_a_run_that_silences_three_workers_fails_with_the_reason(run: TrainingRun) -> None:
    for _ in range(3):
        claim(run)
        fall_silent(run)
    assert training.due_runs() == []
    run.refresh_from_db()
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, "The worker went silent 3 times.")
    assert run.finished_at


def test_a_run_over_its_time_fails_wherever_it_is(run: TrainingRun, settings: Any) -> None:
    settings.TRAINING_JOB_TIMEOUT = 60
    work = claim(run)
    began = timezone.now() - timedelta(seconds=61)
    TrainingRun.objects.filter(pk=run.pk).update(started_at=began, claimed_at=began)
    with pytest.raises(TimedOut, match="longer than 60 seconds"):
        report(work)
    assert training.due_runs() == []
    run.refresh_from_db()
    assert run.status == RunStatus.FAILED
    assert "longer than 60 seconds" in run.failure_reason
    assert (run.claimed_at, round(run.seconds)) == (None, 61)


def worked_for(run: TrainingRun, seconds: float) -> None:
    """The present attempt began so long ago, and the first one a day before."""
    now = timezone.now()
    TrainingRun.objects.filter(pk=run.pk).update(
        claimed_at=now - timedelta(seconds=seconds), started_at=now - timedelta(days=1)
    )


def test_the_time_in_which_the_product_is_stopped_does_not_count(run: TrainingRun, settings: Any) -> None:
    settings.TRAINING_JOB_TIMEOUT = 60
    work = claim(run)
    worked_for(run, 50)
    run_progress.put_back_run(claim=work.claim)
    assert training.due_runs() == [run.pk], "a day has passed, and 50 seconds of work"
    again = claim(run)
    assert round(again.worked) == 50
    report(again)
    worked_for(run, 5)
    run_progress.fail_run(claim=again.claim, reason="broken")
    run.refresh_from_db()
    assert (run.claimed_at, round(run.seconds)) == (None, 55)


def test_of_a_killed_worker_the_time_until_it_was_last_heard_of_counts(run: TrainingRun, settings: Any) -> None:
    settings.TRAINING_JOB_TIMEOUT = 60
    claim(run)
    now = timezone.now()
    TrainingRun.objects.filter(pk=run.pk).update(
        started_at=now - timedelta(hours=9), claimed_at=now - timedelta(hours=9),
        heartbeat_at=now - timedelta(hours=9) + timedelta(seconds=20),
    )  # fmt: skip
    run.refresh_from_db()
    assert training.worked_seconds(run) == 20 + training.SILENCE.total_seconds()
    assert training.due_runs() == [run.pk]
    assert round(claim(run).worked) == 20


def test_a_run_that_used_up_its_time_in_several_attempts_is_ended_by_the_sweep(run: TrainingRun, settings: Any) -> None:
    settings.TRAINING_JOB_TIMEOUT = 60
    work = claim(run)
    worked_for(run, 61)
    run_progress.put_back_run(claim=work.claim)
    assert training.due_runs() == []
    run.refresh_from_db()
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, "The run took longer than 60 seconds.")


def test_a_waiting_run_is_cancelled_at_once(run: TrainingRun) -> None:
    training.request_cancel(run=run)
    assert run.status == RunStatus.CANCELLED
    assert factories.claim_run(run) is None
    assert training.due_runs() == []


def test_a_working_run_hears_of_the_cancellation_at_its_next_step(run: TrainingRun) -> None:
    work = claim(run)
    run.refresh_from_db()
    training.request_cancel(run=run)
    with pytest.raises(Cancelled):
        report(work)
    run_progress.cancel_run(claim=work.claim, cost=Cost(18))
    run.refresh_from_db()
    assert (run.status, run.llm_calls, run.current_step) == (RunStatus.CANCELLED, 18, "")


def test_a_cancelled_run_whose_worker_died_is_ended_by_the_sweep(run: TrainingRun) -> None:
    claim(run)
    run.refresh_from_db()
    training.request_cancel(run=run)
    fall_silent(run)
    assert training.due_runs() == []
    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED


def test_a_run_claimed_in_this_very_moment_can_still_be_cancelled(run: TrainingRun) -> None:
    as_the_page_saw_it = TrainingRun.objects.get(pk=run.pk)
    claim(run)
    training.request_cancel(run=as_the_page_saw_it)
    assert as_the_page_saw_it.status == RunStatus.RUNNING
    assert as_the_page_saw_it.cancel_requested


def test_a_finished_run_cannot_be_cancelled(run: TrainingRun) -> None:
    run_progress.fail_run(claim=claim(run).claim, reason="broken", cost=Cost())
    run.refresh_from_db()
    with pytest.raises(Conflict, match="failed; there is nothing to cancel"):
        training.request_cancel(run=run)


def test_a_run_that_ends_in_this_very_moment_is_not_cancelled_any_more(run: TrainingRun) -> None:
    work = claim(run)
    as_the_page_saw_it = TrainingRun.objects.get(pk=run.pk)
    run_progress.fail_run(claim=work.claim, reason="broken", cost=Cost())
    with pytest.raises(Conflict, match="ended meanwhile"):
        training.request_cancel(run=as_the_page_saw_it)
    assert not AuditEvent.objects.filter(action="trainingrun.cancel_requested").exists()


def test_each_reading_of_the_test_split_is_in_the_audit(run: TrainingRun, version: DatasetVersion) -> None:
    tests = run_progress.read_test_split(claim=claim(run).claim)
    assert {one.split for one in tests} == {Split.TEST}
    assert len(tests) == version.test_count
    event = AuditEvent.objects.get(action="datasetversion.test_split_read")
    assert event.after["training_run"] == str(run.pk)


def test_runs_of_others_are_not_seen(run: TrainingRun, other_organization: Organization) -> None:
    from organizations.scope import organization_scope
    from tests.clients_in_process import outside_scope

    with outside_scope(), organization_scope(other_organization.pk):
        assert training.due_runs() == []
        assert factories.claim_run(run) is None
