"""Jobs: each step is kept with the work it did; what is killed, cancelled or stopped goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from learning import job_tasks
from learning.models import Agent, Job, JobKind, JobStatus
from learning.services import jobs
from learning.services.jobs import LostJob, Step, Work
from learning.waking import wake_for_job
from organizations import stopping
from organizations.errors import Conflict, Refused
from organizations.models import AuditEvent, Organization
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
MOST = 4


@pytest.fixture
def organization(transactional_db: None) -> Organization:
    return factories.make_organization()


def make_agents(work: Work) -> Iterator[Step]:
    """A row in each of four steps; what the request says happens before the third."""
    for number in range(work.cursor.get("next", 0), MOST):
        if number == 2 and (event := work.request.get("event")):
            EVENTS[event](work)
        Agent.objects.create(external_id=f"agent-{number}", name=f"by {work.actor.label}")
        yield Step(number + 1, MOST, cursor={"next": number + 1}, result={"made": number + 1})


def refuse(work: Work) -> None:
    raise Refused("The third cannot be made.")


def break_down(work: Work) -> None:
    raise ZeroDivisionError


def lose(work: Work) -> None:
    Job.objects.update(attempt=9)


def cancel(work: Work) -> None:
    jobs.request_job_cancel(job=Job.objects.get())


EVENTS: dict[str, Any] = {
    "refuse": refuse, "break": break_down, "lose": lose, "cancel": cancel, "stop": lambda work: stopping.ask_to_stop(),
}  # fmt: skip


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(job_tasks.WORKERS, JobKind.IMPORT, f"{__name__}.make_agents")
    yield
    stopping._asked.value = 0


def start(organization: Organization, event: str = "", user: Any = None) -> Job:
    with organization_scope(organization.pk):
        return jobs.start_job(kind=JobKind.IMPORT, title="Four agents", request={"event": event}, user=user)


def run(organization: Organization, job: Job) -> Job:
    job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        return Job.objects.get(pk=job.pk)


def made(organization: Organization) -> int:
    with organization_scope(organization.pk):
        return Agent.objects.count()


def test_a_job_is_worked_through_and_says_what_it_did(organization: Organization) -> None:
    job = run(organization, start(organization))
    assert (job.status, job.done, job.total, job.share) == (JobStatus.COMPLETED, 4, 4, 1.0)
    assert job.result == {"made": 4}
    assert made(organization) == 4
    assert job.finished_at is not None


def test_a_job_acts_for_the_person_who_asked(organization: Organization) -> None:
    user = factories.make_user(organization, "manager")
    run(organization, start(organization, user=user))
    with organization_scope(organization.pk):
        assert Agent.objects.values_list("name", flat=True).distinct().get() == f"by {user.username}"
        assert AuditEvent.objects.filter(action="job.completed").exists()


def test_a_step_that_is_refused_leaves_what_was_done_and_can_be_resumed(organization: Organization) -> None:
    job = run(organization, start(organization, "refuse"))
    assert (job.status, job.failure_reason, job.done) == (JobStatus.FAILED, "The third cannot be made.", 2)
    assert made(organization) == 2
    with organization_scope(organization.pk):
        Job.objects.update(request={})
        jobs.resume_job(job=job)
    job = run(organization, job)
    assert (job.status, job.done, job.failure_reason) == (JobStatus.COMPLETED, 4, "")
    assert made(organization) == 4


def test_a_fault_of_ours_is_told_without_its_details(organization: Organization) -> None:
    job = start(organization, "break")
    with pytest.raises(ZeroDivisionError):
        run(organization, job)
    with organization_scope(organization.pk):
        assert Job.objects.get().failure_reason == "Internal error: ZeroDivisionError. It is in the log."


def test_what_a_worker_holds_is_let_go_of_before_a_fault_between_its_steps_is_told(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    holding = []

    def hold(work: Work) -> Iterator[Step]:
        holding.append(work)
        try:
            yield Step(1)
        finally:
            holding.remove(work)

    def break_off(**_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(job_tasks, "worker_of", lambda kind: hold)
    monkeypatch.setattr(jobs, "record_step", break_off)
    with pytest.raises(ZeroDivisionError) as told:  # which goes on holding the frames
        run(organization, start(organization))
    assert holding == [] and told.tb


def test_a_cancelled_job_keeps_the_step_it_was_in(organization: Organization) -> None:
    job = run(organization, start(organization, "cancel"))
    assert (job.status, job.done, made(organization)) == (JobStatus.CANCELLED, 3, 3)
    with organization_scope(organization.pk):
        jobs.resume_job(job=job)
        Job.objects.update(request={})
    assert run(organization, job).status == JobStatus.COMPLETED
    assert made(organization) == 4


def test_a_waiting_job_is_cancelled_at_once_and_a_finished_one_not_at_all(organization: Organization) -> None:
    job = start(organization)
    with organization_scope(organization.pk):
        jobs.request_job_cancel(job=job)
    assert run(organization, job).status == JobStatus.CANCELLED
    with organization_scope(organization.pk), pytest.raises(Conflict, match="nothing to cancel"):
        jobs.request_job_cancel(job=job)


def test_a_worker_that_lost_its_job_writes_nothing(organization: Organization) -> None:
    job = run(organization, start(organization, "lose"))
    assert (job.status, job.done, made(organization)) == (JobStatus.RUNNING, 2, 2)


def test_a_job_that_is_stopped_with_the_product_goes_on_after_its_next_start(organization: Organization) -> None:
    job = run(organization, start(organization, "stop"))
    assert (job.status, job.attempt - job.forgiven, made(organization)) == (JobStatus.PENDING, 0, 3)
    stopping._asked.value = 0
    assert run(organization, job).status == JobStatus.COMPLETED
    assert made(organization) == 4


def test_a_job_that_is_stopped_with_the_product_and_was_to_be_cancelled_ends(organization: Organization) -> None:
    job = start(organization)
    with organization_scope(organization.pk):
        work = jobs.claim_job(job_id=job.pk)
        assert work is not None
        jobs.request_job_cancel(job=Job.objects.get())
        jobs.put_back_job(work=work)
        assert Job.objects.get().status == JobStatus.CANCELLED


def test_a_worker_that_wakes_after_the_job_was_resumed_is_still_locked_out(organization: Organization) -> None:
    job = start(organization)
    with organization_scope(organization.pk):
        hung = jobs.claim_job(job_id=job.pk)
        assert hung is not None
        jobs.fail_job(work=hung, reason="It took too long.")
        jobs.resume_job(job=Job.objects.get())
        later = jobs.claim_job(job_id=job.pk)
        assert later is not None
        with pytest.raises(LostJob):
            jobs.record_step(work=hung, step=jobs.Step(9))
        jobs.record_step(work=later, step=jobs.Step(1))


def test_a_resumed_job_has_all_its_attempts_again(organization: Organization) -> None:
    job = start(organization)
    with organization_scope(organization.pk):
        for _ in range(2):
            for _ in range(jobs.MOST_ATTEMPTS):
                assert jobs.claim_job(job_id=job.pk) is not None
                Job.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
            assert jobs.due_jobs() == []
            assert jobs.claim_job(job_id=job.pk) is None
            jobs.resume_job(job=Job.objects.get())


def test_the_sweep_wakes_silent_jobs_and_ends_hopeless_ones(organization: Organization) -> None:
    job = start(organization)
    long_ago = timezone.now() - timedelta(hours=1)
    with organization_scope(organization.pk):
        assert jobs.due_jobs() == [job.pk]
        work = jobs.claim_job(job_id=job.pk)
        assert work is not None
        assert jobs.due_jobs() == []
        Job.objects.update(heartbeat_at=long_ago)
        assert jobs.due_jobs() == [job.pk]
        Job.objects.update(attempt=jobs.MOST_ATTEMPTS)
        assert jobs.due_jobs() == []
        assert "silent 5 times" in Job.objects.get().failure_reason
        with pytest.raises(LostJob):
            jobs.finish_job(work=work)


@pytest.mark.parametrize(("kind", "task"), [(JobKind.IMPORT, "run_job"), (JobKind.SYNTHESIS, "run_long_job")])
def test_what_asks_a_language_model_does_not_stand_where_small_jobs_wait(
    organization: Organization, monkeypatch: pytest.MonkeyPatch, kind: str, task: str
) -> None:
    woken: list[str] = []
    for name in ("run_job", "run_long_job"):
        monkeypatch.setattr(getattr(job_tasks, name), "delay", lambda name=name, **_: woken.append(name))
    with organization_scope(organization.pk):
        wake_for_job(jobs.start_job(kind=kind, title="One", request={}))
    job_tasks.sweep_jobs()
    assert woken == [task, task]


def test_a_long_job_is_worked_through_like_any_other(organization: Organization) -> None:
    job = start(organization)
    job_tasks.run_long_job(organization_id=str(organization.pk), job_id=str(job.pk))
    assert made(organization) == MOST
