"""A run whose calls are made by several workers: quicker, none twice, none over the budget, and each end is clear."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from learning import evaluation_tasks, gate_tasks, training_tasks
from learning.engines.errors import BudgetExceeded, ModelUnavailable
from learning.engines.types import CompletionRequest, Message
from learning.llm_answers import Answer
from learning.llm_prices import Price
from learning.models import EvaluationChunk, LlmResponse, RunStatus, TrainingRun
from learning.services import evaluation_chunks, training
from learning.services.arrived_answers import ArrivedAnswers
from learning.services.run_budget import calls_ahead, most_at_once, planned_budget, spare_calls
from learning.services.run_config import RunConfig
from learning.services.run_ledger import LostClaim
from learning.services.run_model import RunModel
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.scripted_llm import Fault, ScriptedLLM

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def organization(transactional_db: None) -> Organization:
    return factories.make_organization()


@pytest.fixture
def llm(settings: Any) -> Iterator[ScriptedLLM]:
    with ScriptedLLM(lambda messages: "positive", delay=0.05) as server:
        settings.OPENAI_BASE_URL = server.base_url
        settings.LLM_CONCURRENCY, settings.LLM_WORKER_CONCURRENCY = 6, 2
        yield server


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[threading.Thread]]:
    """Whoever is woken to help a run does so in a thread with a connection of its own, as another worker would."""
    threads: list[threading.Thread] = []

    def help_aside(kwargs: dict[str, str], **options: Any) -> None:
        def work() -> None:
            try:
                evaluation_tasks.help_run(**kwargs)
            finally:
                connection.close()

        threads.append(threading.Thread(target=work, daemon=True))
        threads[-1].start()

    monkeypatch.setattr(evaluation_tasks.help_run, "apply_async", help_aside)
    monkeypatch.setattr(gate_tasks.run_gate, "delay", lambda **kwargs: None)
    yield threads
    for thread in threads:
        thread.join(20)


def start(organization: Organization, **config: Any) -> TrainingRun:
    with organization_scope(organization.pk):
        agent = factories.make_agent()
        factories.make_config(agent)
        factories.make_published_version(agent, examples=120)
        return training.start_training_run(agent=agent, config={"max_calls": 300, **config})


def open_model(organization: Organization, run: TrainingRun) -> RunModel:
    """The language model of a run that was claimed just now."""
    with organization_scope(organization.pk):
        work = factories.claim_run(run)
    assert work
    return training_tasks.run_model(organization.pk, work)


def reload(organization: Organization, run: TrainingRun) -> TrainingRun:
    with organization_scope(organization.pk):
        return TrainingRun.objects.get(pk=run.pk)


def ask(count: int, **parameters: Any) -> list[CompletionRequest]:
    parameters = {"max_tokens": 8, **parameters}
    texts = [f"Text {number}" for number in range(count)]
    return [CompletionRequest((Message(role="user", content=text),), parameters=parameters) for text in texts]


def asked(llm: ScriptedLLM) -> Counter[str]:
    return Counter(call["messages"][-1]["content"] for call in llm.calls)


def test_others_help_and_nothing_is_asked_twice(
    organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread]
) -> None:
    run = start(organization)
    answers = open_model(organization, run).complete_many(ask(90))
    assert [answer.text for answer in answers] == ["positive"] * 90
    assert not any(answer.cached for answer in answers)
    assert all(answer.seconds and answer.input_tokens for answer in answers)
    assert set(asked(llm).values()) == {1}
    assert llm.most_at_once > 2, "one worker makes two calls at a time"
    assert llm.most_at_once <= 6
    run = reload(organization, run)
    assert (run.llm_calls, run.input_tokens, run.held_tokens) == (90, 180, 0)
    with organization_scope(organization.pk):
        assert not EvaluationChunk.objects.exists()


def test_one_worker_alone_is_enough(organization: Organization, llm: ScriptedLLM, monkeypatch: Any) -> None:
    monkeypatch.setattr(evaluation_tasks.help_run, "apply_async", lambda **kwargs: None)
    answers = open_model(organization, start(organization)).complete_many(ask(30))
    assert len(answers) == len(llm.calls) == 30
    assert llm.most_at_once == 2


def test_a_whole_run_with_helpers_ends_as_one_without(
    organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread]
) -> None:
    llm.answer = lambda messages: "positive" if "good" in messages[-1]["content"] else "negative"
    run = start(organization)
    training_tasks.run_training(organization_id=str(organization.pk), run_id=str(run.pk))
    run = reload(organization, run)
    assert (run.status, run.failure_reason) == (RunStatus.COMPLETED, "")
    assert run.llm_calls == len(llm.calls) <= 300
    assert helpers


def test_the_budget_holds_whoever_sends(
    organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread]
) -> None:
    run = start(organization, max_calls=200)
    with pytest.raises(BudgetExceeded, match="200 calls"):
        open_model(organization, run).complete_many(ask(240))
    for thread in helpers:
        thread.join(20)
    assert len(llm.calls) == 200
    assert reload(organization, run).llm_calls == 200
    with organization_scope(organization.pk):
        assert LlmResponse.objects.count() == 200, "what was paid for is known"


def test_a_budget_in_tokens_is_used_up_and_not_passed(
    organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread]
) -> None:
    run = start(organization, max_tokens=600)
    with pytest.raises(BudgetExceeded, match="600 tokens"):
        open_model(organization, run).complete_many(ask(290))
    run = reload(organization, run)
    assert 400 <= run.input_tokens + run.output_tokens <= 600


def test_a_budget_in_money_is_not_passed(
    organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread], settings: Any
) -> None:
    settings.LLM_PRICES = {settings.DEFAULT_MODEL: Price(Decimal(1000), Decimal(1000))}  # a tenth of a cent each
    run = start(organization, max_money=0.5)
    with pytest.raises(BudgetExceeded, match=r"0\.5 in money"):
        open_model(organization, run).complete_many(ask(290))
    spent = reload(organization, run).cost
    assert spent is not None
    assert Decimal("0.3") <= spent <= Decimal("0.5")
    assert spent == Decimal(3 * len(llm.calls)) / 1000


def test_a_run_limited_in_money_does_not_begin_without_a_price(
    organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread], settings: Any
) -> None:
    settings.LLM_PRICES = {settings.DEFAULT_MODEL: Price(Decimal(1), Decimal(1))}
    run = start(organization, max_money=1)
    settings.LLM_PRICES = {}
    training_tasks.run_training(organization_id=str(organization.pk), run_id=str(run.pk))
    run = reload(organization, run)
    assert run.status == RunStatus.FAILED
    assert "price" in run.failure_reason
    assert llm.calls == []


def test_an_answer_is_asked_to_end_where_tokens_are_limited(organization: Organization, llm: ScriptedLLM) -> None:
    request = CompletionRequest((Message(role="user", content="x"),))
    open_model(organization, start(organization, max_tokens=100_000)).complete_many([request])
    open_model(organization, start(organization)).complete_many([request])
    assert [call.get("max_tokens") for call in llm.calls] == [4096, None]


def test_a_run_ends_in_time(organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread]) -> None:
    run = start(organization, max_seconds=10)
    model = open_model(organization, run)
    model.work.ledger.budget = type(model.budget)(300, seconds=1.0)
    began = time.monotonic()
    with pytest.raises(BudgetExceeded, match="seconds"):
        model.complete_many(ask(290))
    assert time.monotonic() - began < 6
    assert 0 < len(llm.calls) < 290


def test_an_endpoint_that_goes_down_ends_the_work_of_all_with_the_reason(
    organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread]
) -> None:
    run = start(organization)
    model = open_model(organization, run)
    model.complete_many(ask(10))
    llm.fail_next(*[Fault(401)] * 200)
    with pytest.raises(ModelUnavailable, match="scripted fault 401"):
        model.complete_many(ask(80))
    for thread in helpers:
        thread.join(20)
    assert len(llm.calls) < 30
    assert reload(organization, run).llm_calls == 10, "what was turned down was not paid for"


def test_one_refused_request_comes_back_as_refused(
    organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread]
) -> None:
    llm.fail_next(Fault(400))
    answers = open_model(organization, start(organization)).complete_many(ask(40))
    assert [bool(answer.error) for answer in answers].count(True) == 1
    assert len(llm.calls) == 40


def test_what_a_worker_left_when_it_died_is_taken_over(
    organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread], monkeypatch: Any
) -> None:
    run = start(organization)
    model = open_model(organization, run)
    with organization_scope(organization.pk):
        keyed = {str(number) * 64: one for number, one in enumerate(ask(6))}
        evaluation_chunks.cut_chunks(run_id=run.pk, requests=keyed, at_once=2)
        [dead] = evaluation_chunks.claim_chunks(run_id=run.pk, most=1)  # and never another word from it
        EvaluationChunk.objects.filter(pk=dead.pk).update(heartbeat_at="2020-01-01T00:00Z")
    model.complete_many(ask(40))
    with organization_scope(organization.pk):
        assert not EvaluationChunk.objects.exists(), "what an attempt before left is worked through too"
        assert LlmResponse.objects.filter(key__in=keyed).count() == 6


def claim_some(organization: Organization, run: TrainingRun, count: int = 6) -> dict[str, CompletionRequest]:
    """Chunks of a run, all claimed by a worker that says no word any more."""
    with organization_scope(organization.pk):
        keyed = {str(number) * 64: one for number, one in enumerate(ask(count))}
        evaluation_chunks.cut_chunks(run_id=run.pk, requests=keyed, at_once=2)
        assert evaluation_chunks.claim_chunks(run_id=run.pk, most=9)
        EvaluationChunk.objects.update(heartbeat_at="2020-01-01T00:00Z")
    return keyed


def test_what_a_worker_was_answered_that_did_not_live_to_write_it_down_is_not_asked_again(
    organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread], tmp_path: Path, settings: Any
) -> None:
    settings.ARTIFACT_DIR = tmp_path
    run = start(organization)
    model = open_model(organization, run)
    keyed = claim_some(organization, run)
    with organization_scope(organization.pk):
        TrainingRun.objects.update(llm_calls=6, held_tokens=600)  # as it was written down before they were sent
    dead = ArrivedAnswers(organization.pk, run.pk)
    for key in list(keyed)[:4]:
        dead.keep(key, Answer("negative", 5, 2, 0.1))
    del dead
    model.complete_many(ask(1, seed=7))
    assert asked(llm) == {"Text 0": 1, "Text 4": 1, "Text 5": 1}
    with organization_scope(organization.pk):
        texts = dict(LlmResponse.objects.filter(key__in=keyed).values_list("key", "text"))
    assert [texts[key] for key in keyed] == ["negative"] * 4 + ["positive"] * 2
    run = reload(organization, run)
    assert run.llm_calls == 6 + 3
    assert run.input_tokens == 4 * 5 + 3 * 2
    assert not list(tmp_path.rglob("*.json"))


def test_what_was_answered_before_a_chunk_was_put_back_is_not_asked_again(
    organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread]
) -> None:
    run = start(organization)
    model = open_model(organization, run)
    with organization_scope(organization.pk):
        keyed = {str(number) * 64: one for number, one in enumerate(ask(6))}
        evaluation_chunks.cut_chunks(run_id=run.pk, requests=keyed, at_once=6)
        [taken] = evaluation_chunks.claim_chunks(run_id=run.pk, most=1)
        for key in list(keyed)[:5]:
            LlmResponse.objects.create(key=key, model="m", text="negative")
        evaluation_chunks.put_back_chunks(chunks=[taken])
    model.complete_many(ask(1, seed=7))
    assert asked(llm) == {"Text 0": 1, "Text 5": 1}


@pytest.mark.parametrize("most", [1, 2, 4])
def test_no_more_calls_are_under_way_than_the_run_may_ask_at_a_time_however_many_would_help(
    organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread], most: int
) -> None:
    run = start(organization, concurrency=most)
    model = open_model(organization, run)
    woken = {"organization_id": str(organization.pk), "run_id": str(run.pk)}
    with organization_scope(organization.pk):
        keyed = {f"{number:064}": one for number, one in enumerate(ask(60))}
        evaluation_chunks.cut_chunks(run_id=run.pk, requests=keyed, at_once=2)
    for _ in range(4):
        evaluation_tasks.help_run.apply_async(kwargs=woken)
    model.complete_many(ask(1, seed=7))
    assert len(llm.calls) == 61
    assert llm.most_at_once <= most


def test_a_worker_whose_run_was_taken_over_stops(
    organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread]
) -> None:
    run = start(organization)
    model = open_model(organization, run)
    with organization_scope(organization.pk):
        TrainingRun.objects.filter(pk=run.pk).update(attempt=2)
    with pytest.raises(LostClaim):
        model.complete_many(ask(20))
    assert llm.calls == []


def test_who_helps_a_long_run_gives_others_their_turn(
    organization: Organization, llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    again: list[str] = []
    monkeypatch.setattr(evaluation_tasks.help_run, "apply_async", lambda kwargs, **_: again.append(kwargs["run_id"]))
    monkeypatch.setattr(evaluation_tasks, "SLICE", 0.4)
    run = start(organization)
    open_model(organization, run)
    with organization_scope(organization.pk):
        keyed = {f"{number:064}": one for number, one in enumerate(ask(200))}
        evaluation_chunks.cut_chunks(run_id=run.pk, requests=keyed, at_once=2)
    began = time.monotonic()
    evaluation_tasks.help_run(organization_id=str(organization.pk), run_id=str(run.pk))
    assert time.monotonic() - began < 5
    assert 0 < len(llm.calls) < 200
    assert again == [str(run.pk)], "it stands in the queue again, behind whoever waits"


def test_a_helper_leaves_a_run_that_needs_nothing(
    organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread]
) -> None:
    run = start(organization)
    open_model(organization, run)
    began = time.monotonic()
    evaluation_tasks.help_run(organization_id=str(organization.pk), run_id=str(run.pk))
    assert time.monotonic() - began < 2
    assert llm.calls == []


@pytest.mark.parametrize(("calls", "spare"), [(80, 4), (120, 6), (340, 17), (100_000, 64)])
def test_an_engine_plans_with_less_than_the_budget_so_that_a_run_can_lose_a_worker_twice(
    calls: int, spare: int, settings: Any
) -> None:
    settings.LLM_CONCURRENCY = 1_000
    assert spare_calls(calls) == spare
    planned = planned_budget(RunConfig(max_calls=calls)).calls
    assert planned == max(80, calls - spare)
    at_once = most_at_once(calls)
    assert 2 * (at_once + calls_ahead(calls, at_once, at_once)) <= max(spare, 4)


def test_a_remembered_answer_tells_what_it_cost_when_it_was_asked_for_and_costs_nothing_now(
    organization: Organization, llm: ScriptedLLM, helpers: list[threading.Thread], settings: Any
) -> None:
    settings.LLM_PRICES = {settings.DEFAULT_MODEL: Price(Decimal(1000), Decimal(1000))}
    run = start(organization)
    model = open_model(organization, run)
    [first] = model.complete_many(ask(1))
    [again] = model.complete_many(ask(1))
    assert (again.cached, again.money) == (True, first.money)
    assert first.money and reload(organization, run).cost == first.money
