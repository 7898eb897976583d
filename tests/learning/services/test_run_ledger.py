"""The budget of a run: written down before a call is sent, and never passed, whoever sends and whatever ends them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from learning.engines.errors import BudgetExceeded, Cancelled
from learning.engines.types import Budget, Completion, CompletionRequest, Message
from learning.llm_answers import Answer
from learning.llm_ledger import Call, Settled, settle
from learning.llm_prices import Hold, Price
from learning.models import Agent, ChunkStatus, DatasetVersion, EvaluationChunk, LlmResponse, RunStatus, TrainingRun
from learning.services import erased_configs, evaluation_chunks, training
from learning.services.run_ledger import LostClaim, RunLedger
from organizations.models import Organization
from tests import factories

CENT = Decimal("0.01")


@pytest.fixture
def run(agent: Agent, version: DatasetVersion) -> TrainingRun:
    run = training.start_training_run(agent=agent, dataset_version=version)
    assert factories.claim_run(run)
    run.refresh_from_db()
    return run


def ledger(run: TrainingRun, **limits: Any) -> RunLedger:
    return RunLedger(run.organization_id, run.pk, Budget(**{"calls": 100, **limits}))


def calls(count: int, tokens: int = 100, money: Decimal | None = CENT) -> list[Call]:
    turn = (Message(role="user", content="x"),)
    return [Call(f"{number:064}", CompletionRequest(turn, "m"), Hold(tokens, money)) for number in range(count)]


def answered(call: Call, asked: int = 9, said: int = 1, money: Decimal | None = CENT / 2) -> Settled:
    return Settled(call, Completion("yes", asked, said, money=money, seconds=0.1))


def used(run: TrainingRun) -> tuple[int, int, int, Decimal | None, Decimal]:
    run.refresh_from_db()
    return run.llm_calls, run.input_tokens + run.output_tokens, run.held_tokens, run.cost, run.held_cost


def test_a_call_is_written_down_before_it_is_sent(run: TrainingRun) -> None:
    assert ledger(run).exchange([], calls(3)).calls == 3
    assert used(run) == (3, 0, 300, 0, 3 * CENT)


def test_an_answer_is_kept_together_with_what_it_cost(run: TrainingRun) -> None:
    book, sent = ledger(run), calls(2)
    book.exchange([], sent)
    book.exchange([answered(sent[0])], [])
    assert used(run) == (2, 10, 100, CENT / 2, CENT)
    kept = LlmResponse.objects.get()
    assert (kept.key, kept.text, kept.input_tokens, kept.seconds) == (sent[0].key, "yes", 9, 0.1)


def test_no_call_goes_over_the_limit_whoever_asks(run: TrainingRun) -> None:
    one, other = ledger(run, calls=5), ledger(run, calls=5)
    assert one.exchange([], calls(3)).calls == 3
    late = other.exchange([], calls(3))
    assert (late.calls, late.reason) == (2, "The limit of 5 calls is used up.")
    assert one.exchange([], calls(1)).calls == 0
    assert used(run)[0] == 5


def test_tokens_are_held_at_their_most_and_freed_by_the_answer(run: TrainingRun) -> None:
    book, sent = ledger(run, tokens=250), calls(4)
    assert book.exchange([], sent).calls == 2
    more = book.exchange([answered(sent[0])], sent[2:])
    assert more.calls == 1, "10 used and 100 held leave room for 100, and not for 100 more"
    assert "250 tokens" in more.reason
    assert used(run)[1:3] == (10, 200)


def test_money_is_held_at_its_most_and_freed_by_the_answer(run: TrainingRun) -> None:
    book, sent = ledger(run, money=CENT * 2), calls(4)
    assert book.exchange([], sent).calls == 2
    assert book.exchange([], sent[2:]).calls == 0
    settled = [answered(one, money=CENT / 4) for one in sent[:2]]
    assert book.exchange(settled, sent[2:]).calls == 1
    assert used(run)[3:] == (CENT / 2, CENT)


def test_nothing_is_asked_for_money_of_a_model_without_a_price(run: TrainingRun) -> None:
    assert ledger(run, money=CENT).exchange([], calls(1, money=None)).calls == 0


def test_the_cost_of_a_run_with_an_unpriced_call_is_unknown_for_good(run: TrainingRun) -> None:
    book, sent = ledger(run), calls(1, money=None)
    book.exchange([], sent)
    book.exchange([answered(sent[0], money=None)], calls(1))
    assert used(run)[3] is None


def test_what_a_killed_worker_had_under_way_stays_counted(run: TrainingRun) -> None:
    ledger(run, calls=5, tokens=450).exchange([], calls(4))
    after = ledger(run, calls=5, tokens=450)
    assert after.exchange([], calls(2)).calls == 0, "400 tokens may have been paid for"
    assert used(run)[:3] == (4, 0, 400)


def test_what_was_never_sent_is_given_back(run: TrainingRun) -> None:
    book, sent = ledger(run), calls(5)
    book.exchange([], sent)
    book.close([answered(sent[0])], sent[3:])
    assert used(run) == (3, 10, 200, CENT / 2, 2 * CENT)


def test_an_estimated_answer_frees_what_it_held_and_is_marked(run: TrainingRun) -> None:
    book, sent = ledger(run), calls(2)
    book.exchange([], sent)
    price = Price(Decimal(1000), Decimal(1000))
    book.exchange([settle(one, Answer("yes", None, None, 0.1), price) for one in sent], [])
    run.refresh_from_db()
    assert used(run) == (2, 12, 0, Decimal("0.012"), 0)
    assert run.estimated_calls == 2


def test_a_call_that_may_have_been_paid_for_without_an_answer_stays_held_at_its_most(run: TrainingRun) -> None:
    book, sent = ledger(run), calls(1)
    book.exchange([], sent)
    book.exchange([replace(answered(sent[0], 0, 0), counted=False)], [])
    assert used(run)[1:3] == (0, 100)
    assert LlmResponse.objects.exists()


def test_a_refused_request_is_not_remembered(run: TrainingRun) -> None:
    book, sent = ledger(run), calls(1)
    book.exchange([], sent)
    book.exchange([Settled(sent[0], Completion("", error="too long", money=Decimal(0)))], [])
    assert used(run) == (1, 0, 0, 0, 0)
    assert not LlmResponse.objects.exists()


def test_nothing_is_sent_after_a_person_cancelled(run: TrainingRun) -> None:
    training.request_cancel(run=run)
    with pytest.raises(Cancelled):
        ledger(run).exchange([], calls(1))
    assert used(run)[0] == 0


def test_nothing_is_sent_for_a_run_that_is_over_or_somebody_elses(run: TrainingRun) -> None:
    with pytest.raises(LostClaim):
        replace(ledger(run), attempt=run.attempt + 1).exchange([], calls(1))
    TrainingRun.objects.filter(pk=run.pk).update(status=RunStatus.FAILED)
    with pytest.raises(LostClaim):
        ledger(run).exchange([], calls(1))
    assert used(run)[0] == 0


def test_what_came_too_late_is_still_remembered(run: TrainingRun) -> None:
    book, sent = ledger(run), calls(1)
    book.exchange([], sent)
    TrainingRun.objects.filter(pk=run.pk).update(status=RunStatus.CANCELLED)
    book.close([answered(sent[0])], [])
    assert LlmResponse.objects.get().key == sent[0].key
    assert used(run)[1] == 10


def test_what_comes_after_a_person_was_forgotten_is_counted_and_not_remembered(run: TrainingRun) -> None:
    book, sent = ledger(run), calls(1)
    book.exchange([], sent)
    erased_configs.stop_work(version_ids=[run.dataset_version_id])
    book.close([answered(sent[0])], [])
    assert not LlmResponse.objects.exists()
    assert used(run)[1] == 10


def test_the_time_of_a_run_is_that_of_its_attempts(run: TrainingRun) -> None:
    now, book = timezone.now(), ledger(run, seconds=60)
    TrainingRun.objects.filter(pk=run.pk).update(started_at=now - timedelta(days=1), seconds=40, claimed_at=now)
    assert book.exchange([], calls(1)).calls == 1, "it waited for a day, and nobody worked"
    TrainingRun.objects.filter(pk=run.pk).update(claimed_at=now - timedelta(seconds=21))
    with pytest.raises(BudgetExceeded, match="60 seconds"):
        book.exchange([], calls(1))


def test_a_chunk_is_done_with_its_last_answer_and_says_what_was_refused(run: TrainingRun) -> None:
    requests = {one.key: one.request for one in calls(3)}
    evaluation_chunks.cut_chunks(run_id=run.pk, requests=requests, at_once=8)
    [chunk] = evaluation_chunks.claim_chunks(run_id=run.pk, most=9)
    book = ledger(run)
    book.watch(chunk, list(requests))
    sent = [replace_chunk(one, chunk) for one in calls(3)]
    book.exchange([], sent)
    book.exchange([answered(sent[0]), answered(sent[1])], [])
    assert EvaluationChunk.objects.get().status == ChunkStatus.RUNNING
    book.exchange([Settled(sent[2], Completion("", error="too long"))], [])
    row = EvaluationChunk.objects.get()
    assert (row.status, row.requests, row.refused) == (ChunkStatus.DONE, [], {sent[2].key: "too long"})
    assert not book.mine


def replace_chunk(call: Call, chunk: object) -> Call:
    return Call(call.key, call.request, call.hold, chunk)


def test_another_organization_sees_neither_run_nor_answers(run: TrainingRun, other_organization: Organization) -> None:
    stranger = RunLedger(other_organization.pk, run.pk, Budget(100))
    from organizations import scope

    token = scope._scope.set(None)
    try:
        with pytest.raises(LostClaim):
            stranger.exchange([], calls(1))
    finally:
        scope._scope.reset(token)
