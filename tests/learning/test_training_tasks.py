"""A run from start to end through the task, with a scripted model over HTTP and real commits."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection

from learning import gate_tasks, training_tasks
from learning.llm_models import forget_listed
from learning.llm_prices import Price
from learning.llm_senders import Senders
from learning.models import Agent, AgentConfig, GateReport, LlmResponse, RunStatus, TrainingRun
from learning.services import gate, training
from organizations import stopping
from organizations.errors import Refused
from organizations.models import AuditEvent, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.scripted_llm import Fault, ScriptedLLM

pytestmark = pytest.mark.django_db(transaction=True)


def needs_examples(messages: list[dict[str, str]]) -> str:
    """Right when it was shown how, and chatty otherwise."""
    label = "positive" if "good" in messages[-1]["content"] else "negative"
    shown = any(message["role"] == "assistant" for message in messages)
    return label if shown else f"The sentiment is {label}."


@pytest.fixture
def organization(transactional_db: None) -> Organization:
    return factories.make_organization()


@pytest.fixture
def llm(settings: Any) -> Iterator[ScriptedLLM]:
    with ScriptedLLM(needs_examples) as server:
        settings.OPENAI_BASE_URL = server.base_url
        yield server
    forget_listed()


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The wake-ups that would go to the broker."""
    calls: list[str] = []
    monkeypatch.setattr(training_tasks.run_training, "delay", lambda **kwargs: calls.append(kwargs["run_id"]))
    monkeypatch.setattr(gate_tasks.run_gate, "delay", lambda **kwargs: calls.append(kwargs["report_id"]))
    return calls


def start(organization: Organization, **config: Any) -> TrainingRun:
    with organization_scope(organization.pk):
        agent = factories.make_agent()
        factories.make_config(agent)
        factories.make_published_version(agent, examples=120)
        return training.start_training_run(agent=agent, config={"max_calls": 120, **config})


def work(organization: Organization, run: TrainingRun) -> None:
    training_tasks.run_training(organization_id=str(organization.pk), run_id=str(run.pk))


def reload(organization: Organization, run: TrainingRun) -> TrainingRun:
    with organization_scope(organization.pk):
        return TrainingRun.objects.select_related("candidate_config").get(pk=run.pk)


def test_a_run_ends_with_a_measured_candidate_at_the_gate(
    organization: Organization, llm: ScriptedLLM, woken: list[str]
) -> None:
    run = start(organization)
    work(organization, run)
    run = reload(organization, run)
    assert run.status == RunStatus.COMPLETED, run.failure_reason
    assert run.metrics["verdict"] == "improved"
    assert run.metrics["improvement"]["low"] > 0
    assert run.metrics["before"]["mean"] == 0
    assert run.progress_percentage == 100
    assert run.llm_calls == len(llm.calls) <= 120
    assert run.input_tokens > 0
    assert run.seconds > 0
    candidate = run.candidate_config
    assert candidate
    assert candidate.content["examples"]
    with organization_scope(organization.pk):
        report = GateReport.objects.get(config=candidate)
        assert candidate.parent_id == run.base_config_id
        assert [line.message for line in run.log_lines.order_by("id")][-1].startswith("Improved: 0% -> ")
        assert AuditEvent.objects.filter(action="datasetversion.test_split_read").count() == 1
    assert woken == [str(report.pk)]


def test_a_prompt_that_is_right_already_gets_no_candidate(
    organization: Organization, settings: Any, woken: list[str]
) -> None:
    run = start(organization)
    with ScriptedLLM(lambda messages: "positive" if "good" in messages[-1]["content"] else "negative") as llm:
        settings.OPENAI_BASE_URL = llm.base_url
        work(organization, run)
    run = reload(organization, run)
    assert (run.status, run.metrics["verdict"]) == (RunStatus.COMPLETED, "no measurable improvement")
    assert run.candidate_config is None
    with organization_scope(organization.pk):
        assert not AgentConfig.objects.filter(training_run=run).exists()
        assert not AuditEvent.objects.filter(action="datasetversion.test_split_read").exists()
    assert woken == []


def test_a_message_that_comes_twice_does_the_work_once(
    organization: Organization, llm: ScriptedLLM, woken: list[str]
) -> None:
    run = start(organization)
    work(organization, run)
    calls = len(llm.calls)
    work(organization, run)
    assert len(llm.calls) == calls
    with organization_scope(organization.pk):
        assert AgentConfig.objects.filter(training_run=run).count() == 1


def test_of_many_workers_at_once_exactly_one_gets_the_run(organization: Organization) -> None:
    run = start(organization)
    barrier, claims = threading.Barrier(8), []

    def compete() -> None:
        barrier.wait()
        try:
            with organization_scope(organization.pk):
                claims.append(factories.claim_run(run))
        finally:
            connection.close()

    workers = [threading.Thread(target=compete) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(claims) == 8
    assert sum(claim is not None for claim in claims) == 1
    assert reload(organization, run).attempt == 1


def test_the_second_attempt_of_a_run_pays_only_for_what_the_first_did_not_ask(
    organization: Organization, llm: ScriptedLLM, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(organization)

    class Killed(BaseException):
        """Stands for the end of the process: nothing of ours runs afterwards."""

    def die_midway(self: Any, step: int, total: int, message: str, /) -> None:
        if step > 30:
            raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(training_tasks.ProgressWriter, "__call__", die_midway)
        work(organization, run)
    first = len(llm.calls)
    assert reload(organization, run).status == RunStatus.RUNNING
    monkeypatch.setattr(training, "SILENCE", training.SILENCE * 0)
    training_tasks.sweep_training()
    assert woken == [str(run.pk)]
    work(organization, run)
    run = reload(organization, run)
    assert (run.status, run.attempt) == (RunStatus.COMPLETED, 2)
    assert run.metrics["cost"]["cached_calls"] >= first - 2
    assert len(llm.calls) <= 120 + 2  # what was under way when the first attempt died is asked again


def test_a_model_that_is_down_fails_the_run_with_a_reason(
    organization: Organization, llm: ScriptedLLM, woken: list[str]
) -> None:
    run = start(organization)
    llm.fail_next(*[Fault(401)] * 4)
    work(organization, run)
    run = reload(organization, run)
    assert run.status == RunStatus.FAILED
    assert "language model" in run.failure_reason
    assert "scripted fault 401" in run.failure_reason


def test_a_database_that_is_away_for_a_moment_does_not_end_a_run(
    organization: Organization, llm: ScriptedLLM, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(organization)

    def lose_the_database(*_: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(training_tasks, "optimize", lose_the_database)
        with pytest.raises(OperationalError):
            work(organization, run)
    assert reload(organization, run).status == RunStatus.RUNNING, "the next attempt goes on with it"


def test_a_fault_of_ours_fails_the_run_and_shows_in_the_workers_log(
    organization: Organization, llm: ScriptedLLM, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(organization)
    monkeypatch.setattr(training_tasks, "optimize", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        work(organization, run)
    run = reload(organization, run)
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, "Internal error: ZeroDivisionError.")


def test_a_person_stops_a_working_run_within_one_call(
    organization: Organization, llm: ScriptedLLM, woken: list[str], settings: Any
) -> None:
    run = start(organization)
    settings.LLM_WORKER_CONCURRENCY = 2
    begun: list[int] = []

    def cancel_midway(messages: list[dict[str, str]]) -> str:
        if len(llm.calls) >= 20 and not begun:
            begun.append(0)  # by the other thread just now: once is enough
            with organization_scope(organization.pk):
                training.request_cancel(run=TrainingRun.objects.get(pk=run.pk))
            begun.append(len(llm.calls))
            connection.close()
        return needs_examples(messages)

    llm.answer, llm.delay = cancel_midway, 0.1
    work(organization, run)
    run = reload(organization, run)
    assert run.status == RunStatus.CANCELLED
    assert len(llm.calls) <= begun[1] + 2, "each of the two that call began one more at the most"
    assert run.llm_calls == len(llm.calls)
    assert run.candidate_config is None


def test_answers_are_remembered_for_the_own_organization_alone(
    organization: Organization, llm: ScriptedLLM, woken: list[str]
) -> None:
    work(organization, start(organization))
    other = factories.make_organization()
    with organization_scope(organization.pk):
        assert LlmResponse.objects.count() == len(llm.calls)
    with organization_scope(other.pk):
        assert LlmResponse.objects.count() == 0


def test_no_transaction_is_open_while_the_model_thinks(
    organization: Organization, llm: ScriptedLLM, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[bool] = []
    wait = Senders.results

    def watched(self: Senders, timeout: float) -> Any:
        inside.append(connection.in_atomic_block)
        return wait(self, timeout)

    monkeypatch.setattr(Senders, "results", watched)
    work(organization, start(organization))
    assert inside
    assert not any(inside)


def test_the_sweep_wakes_the_waiting_runs_of_every_organization(
    organization: Organization, llm: ScriptedLLM, woken: list[str]
) -> None:
    first, second = start(organization), start(factories.make_organization())
    training_tasks.sweep_training()
    assert set(woken) == {str(first.pk), str(second.pk)}


def test_a_candidate_never_serves_by_itself(organization: Organization, llm: ScriptedLLM, woken: list[str]) -> None:
    run = start(organization)
    work(organization, run)
    with organization_scope(organization.pk):
        agent = Agent.objects.get(pk=run.agent_id)
        assert agent.serving_config is None


@pytest.fixture
def asked_to_stop() -> Iterator[Any]:
    yield stopping.ask_to_stop
    stopping._asked.value = 0


def test_a_run_that_is_stopped_with_the_product_goes_on_after_its_next_start(
    organization: Organization, llm: ScriptedLLM, woken: list[str], asked_to_stop: Any
) -> None:
    run = start(organization)
    once = iter([asked_to_stop])

    def stop_midway(messages: list[dict[str, str]]) -> str:
        if len(llm.calls) >= 20:  # calls come at once: who answers may see more than 20
            next(once, bool)()
        return needs_examples(messages)

    llm.answer, llm.delay = stop_midway, 0.05
    work(organization, run)
    stopped = reload(organization, run)
    assert (stopped.status, stopped.attempt) == (RunStatus.PENDING, 0)
    assert 20 <= stopped.llm_calls < 120
    stopping._asked.value = 0
    work(organization, run)
    assert reload(organization, run).status == RunStatus.COMPLETED
    with organization_scope(organization.pk):
        log = " ".join(run.log_lines.values_list("message", flat=True))
    assert "Stopped with the product" in log and "went silent" not in log


def test_a_gate_that_is_stopped_with_the_product_is_checked_after_its_next_start(
    organization: Organization, llm: ScriptedLLM, woken: list[str], asked_to_stop: Any
) -> None:
    work(organization, start(organization))
    report_id = woken[-1]
    asked_to_stop()
    gate_tasks.run_gate(organization_id=str(organization.pk), report_id=report_id)
    with organization_scope(organization.pk):
        report = GateReport.objects.get()
        assert (report.status, report.attempt) == ("pending", 0)
    stopping._asked.value = 0
    gate_tasks.run_gate(organization_id=str(organization.pk), report_id=report_id)
    with organization_scope(organization.pk):
        assert GateReport.objects.get().status in ("passed", "failed")


def checked(organization: Organization, llm: ScriptedLLM, woken: list[str]) -> tuple[TrainingRun, str, int]:
    """A run that ended with a candidate: the run, its gate, and how many calls were made so far."""
    run = start(organization)
    work(organization, run)
    return reload(organization, run), woken[-1], len(llm.calls)


def test_the_calls_of_a_gate_are_counted_to_it(
    organization: Organization, llm: ScriptedLLM, woken: list[str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LLM_PRICES = {settings.DEFAULT_MODEL: Price(Decimal(1000), Decimal(1000))}
    run, report_id, before = checked(organization, llm, woken)
    seen: list[int] = []
    beat = gate.beat_gate

    def watch(**values: Any) -> None:
        beat(**values)
        seen.append(GateReport.objects.get(pk=report_id).llm_calls)

    monkeypatch.setattr(gate_tasks, "BEAT_SECONDS", 0.0)
    monkeypatch.setattr(gate, "beat_gate", watch)
    gate_tasks.run_gate(organization_id=str(organization.pk), report_id=report_id)
    with organization_scope(organization.pk):
        report = GateReport.objects.get()
    made = len(llm.calls) - before
    assert report.llm_calls == made > 0
    assert 0 < max(seen[:-1]) <= made, "they are written down while the checks go on"
    assert report.input_tokens > 0 and report.output_tokens > 0
    assert report.cost == Decimal(report.input_tokens + report.output_tokens) / 1000
    assert reload(organization, run).llm_calls == before


def test_a_fault_of_ours_ends_the_gate_with_a_reason(
    organization: Organization, llm: ScriptedLLM, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, report_id, _ = checked(organization, llm, woken)
    monkeypatch.setattr(gate_tasks, "check_candidate", lambda *_, **__: {}["gone"])
    with pytest.raises(KeyError):
        gate_tasks.run_gate(organization_id=str(organization.pk), report_id=report_id)
    with organization_scope(organization.pk):
        report = GateReport.objects.get()
        assert (report.status, report.summary["reasons"]) == ("failed", ["Internal error: KeyError."])
        assert gate.open_gates() == []


def test_a_gate_scores_as_its_run_did(organization: Organization, llm: ScriptedLLM, woken: list[str]) -> None:
    _, report_id, _ = checked(organization, llm, woken)
    llm.answer = lambda messages: '"positive"'
    with organization_scope(organization.pk):
        LlmResponse.objects.all().delete()
        scored = {"metric": "json_schema", "metric_options": {"schema": {"type": "string"}}}
        TrainingRun.objects.update(config={"max_calls": 120, **scored})
    gate_tasks.run_gate(organization_id=str(organization.pk), report_id=report_id)
    with organization_scope(organization.pk):
        report = GateReport.objects.get()
        assert report.summary["right_before"] == report.summary["checked"] > 0, report.summary


def test_the_log_counts_calls_as_the_page_does(organization: Organization, llm: ScriptedLLM, woken: list[str]) -> None:
    run = start(organization)
    work(organization, run)
    with organization_scope(organization.pk):
        again = training.rerun_training_run(run=TrainingRun.objects.get(pk=run.pk))
    work(organization, again)
    with organization_scope(organization.pk):
        lines = [re.search(r": ([\d,]+) calls so far$", line.message) for line in run.log_lines.order_by("id")]
        counted = [int(found[1]) for found in lines if found]
        assert counted[0] == 0 and counted == sorted(counted) and 0 < counted[-1] <= len(llm.calls)
        told = " ".join(again.log_lines.values_list("message", flat=True))
    assert reload(organization, again).llm_calls == 0
    assert "0 calls so far" in told and not re.search(r"[1-9]\d* calls so far", told), "remembered answers are no calls"


def test_a_run_whose_model_is_not_at_the_endpoint_is_refused_before_it_starts(
    organization: Organization, llm: ScriptedLLM
) -> None:
    llm.models = ["another-model"]
    with pytest.raises(Refused, match="has no model smollm2-135m-instruct; it has another-model") as refusal:
        start(organization)
    assert refusal.value.field == "base_config_id"


def test_a_run_whose_model_went_away_fails_before_its_first_call(organization: Organization, llm: ScriptedLLM) -> None:
    run = start(organization)
    llm.models = ["another-model"]
    forget_listed()
    work(organization, run)
    run = reload(organization, run)
    assert (run.status, llm.calls) == (RunStatus.FAILED, [])
    assert run.failure_reason.startswith("This endpoint has no model smollm2-135m-instruct; it has another-model. Set ")


def test_a_gate_whose_model_is_not_at_the_endpoint_fails_and_says_so(
    organization: Organization, llm: ScriptedLLM
) -> None:
    llm.models = ["another-model"]
    with organization_scope(organization.pk):
        agent = factories.make_agent()
        factories.make_published_version(agent, examples=120)
        report = gate.start_gate(config=factories.make_config(agent, status="candidate"))
    gate_tasks.run_gate(organization_id=str(organization.pk), report_id=str(report.pk))
    with organization_scope(organization.pk):
        report.refresh_from_db()
    assert (report.status, llm.calls) == ("failed", [])
    assert "has no model smollm2-135m-instruct; it has another-model" in report.summary["reasons"][0]


def test_the_log_tells_once_that_another_model_answered(organization: Organization, llm: ScriptedLLM) -> None:
    llm.answers_as = "another-model"
    run = start(organization)
    work(organization, run)
    with organization_scope(organization.pk):
        warnings = [line.message for line in run.log_lines.filter(level="warning")]
    assert warnings == [
        "smollm2-135m-instruct was asked, and the endpoint says that another-model answered: the figures are those of "
        "another-model."
    ]
