"""The language model of a training run: requests are queued in chunks, and worked through by all who have time.

The run's own worker works on them like every other, so that one worker alone is enough.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Thread
from typing import Any
from uuid import UUID

from django.conf import settings

from learning.engines.errors import BudgetExceeded, EngineError, ModelUnavailable
from learning.engines.holds import LONGEST_ANSWER, longest_answer
from learning.engines.protocols import Tick
from learning.engines.types import Budget, Completion, CompletionRequest, JsonObject
from learning.llm import in_order
from learning.llm_answers import Answer
from learning.llm_cache import cache_key, from_answer
from learning.llm_calls import CallLoop, Terms
from learning.llm_http import ChatEndpoint
from learning.llm_ledger import Call, settle
from learning.llm_models import differs
from learning.llm_prices import hold_of
from learning.llm_senders import Senders
from learning.models import ChunkStatus
from learning.services import evaluation_chunks as chunks
from learning.services.language_model import DatabaseCache, fresh_answers, shared_endpoint, shared_terms
from learning.services.prices import price_of
from learning.services.run_budget import calls_ahead
from learning.services.run_ledger import LostClaim, RunLedger
from learning.services.run_progress import Claim, append_log
from organizations.scope import organization_scope
from organizations.stopping import Stopping

CLAIMED = 2  # chunks at a time
LOOK = 0.03  # seconds until it is looked again whether the others are ready
PATIENCE = 0.5  # seconds between two looks for a worker that went silent
ROUNDS = 5  # answers may be forgotten meanwhile (a person is erased): then they are asked for again


@dataclass
class ChunkWork:
    """Working on a run's chunks in this process, whoever queued them; as a helper, or as the run's own worker."""

    ledger: RunLedger
    terms: Terms
    endpoint: ChatEndpoint
    helper: chunks.Helper | None
    strangers: dict[str, str] = field(default_factory=dict)  # the model that was asked: another one that answered

    def work(self, tick: Tick | None, until: Callable[[], bool] = lambda: False) -> dict[str, Completion]:
        """Work until no chunk is left, or `until` says that it is time to leave. Gives the answers by key.

        Raises what ends the work; the chunks then wait for others, or say what is wrong.
        """

        def more() -> list[Call]:
            return [] if until() else self._claim()

        with self._ending_chunks():
            return CallLoop(self.terms, self.ledger, Senders(self._send), tick, more).run()

    def _claim(self) -> list[Call]:
        """The calls of the next chunks that are not answered yet."""
        while True:
            with organization_scope(self.ledger.organization_id):
                claimed = chunks.claim_chunks(run_id=self.ledger.run_id, most=CLAIMED, helper=self.helper)
                if not claimed:
                    return []
                known = fresh_answers(keys=[key for chunk in claimed for key in chunk.requests])
                calls = [call for chunk in claimed for call in self._open_calls(chunk, known)]
            if left := self._take_up(calls):
                return left

    def _open_calls(self, chunk: chunks.ClaimedChunk, known: Mapping[str, Completion]) -> list[Call]:
        """What is to be asked of a chunk: a worker before us may have got some answers."""
        left = {key: one for key, one in chunk.requests.items() if key not in known}
        if left:
            self.ledger.watch(chunk, list(left))
        else:
            chunks.finish_chunk(chunk=chunk, refused={})
        return [Call(key, one, hold_of(one, price_of(one.model)), chunk) for key, one in left.items()]

    def _take_up(self, calls: Sequence[Call]) -> list[Call]:
        """Keep what a worker was answered that did not live to write it down; gives the calls that are left."""
        arrived = self.ledger.arrived.take(call.key for call in calls)
        if arrived:
            price = self.terms.prices.get
            settled = [settle(one, arrived[one.key], price(one.request.model)) for one in calls if one.key in arrived]
            self.ledger.take_up(settled)
        return [call for call in calls if call.key not in arrived]

    def _send(self, call: Call) -> Answer:
        answer = self.endpoint.send(call.request)
        self.ledger.arrived.keep(call.key, answer)
        if differs(call.request.model, answer.model):
            self.strangers[call.request.model] = answer.model
        return answer

    @contextmanager
    def _ending_chunks(self) -> Iterator[None]:
        try:
            yield
        except (BudgetExceeded, ModelUnavailable) as error:
            kind, reason = "budget" if isinstance(error, BudgetExceeded) else "unavailable", str(error)
            self._leave(lambda mine: chunks.fail_chunks(chunks=mine, kind=kind, reason=reason))
            raise
        except (EngineError, Stopping, LostClaim):
            self._leave(lambda mine: chunks.put_back_chunks(chunks=mine))
            raise

    def _leave(self, end: Callable[[list[chunks.ClaimedChunk]], None]) -> None:
        if self.ledger.mine:
            with organization_scope(self.ledger.organization_id):
                end(list(self.ledger.mine))
            self.ledger.mine.clear()


@dataclass
class RunModel:
    """The run's own worker's language model. Fits the LanguageModel protocol.

    `wake` is told how many others could help just now.
    """

    organization_id: UUID
    run_id: UUID
    attempt: int
    budget: Budget
    at_once: int
    wake: Callable[[int], None]
    work: ChunkWork = field(init=False)
    _told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.work = chunk_work(self.organization_id, self.run_id, self.budget, self.at_once, self.attempt)

    def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
        """See LanguageModel. Raises LostClaim when the run belongs to another attempt."""
        asked = [self._complete(request) for request in requests]
        keys = [cache_key(self.work.endpoint.base_url, request) for request in asked]
        cache = DatabaseCache(self.organization_id)
        known = {key: _remembered(answer) for key, answer in cache.get_many(dict.fromkeys(keys)).items()}
        wanted = {key: request for key, request in zip(keys, asked, strict=True) if key not in known}
        fresh: dict[str, Completion] = {}
        for _ in range(ROUNDS):
            missing = {key: request for key, request in wanted.items() if key not in fresh}
            if not missing:
                return in_order(keys, known, fresh)
            fresh |= self._ask(missing, tick)
        raise ModelUnavailable("Answers were forgotten as quickly as they came.")

    def _complete(self, request: CompletionRequest) -> CompletionRequest:
        """The request with a model, and with an end where tokens or money are limited."""
        limited = self.budget.tokens is not None or self.budget.money is not None
        if limited and longest_answer(request) is None:
            request = replace(request, parameters={**request.parameters, "max_tokens": LONGEST_ANSWER})
        return replace(request, model=request.model or settings.DEFAULT_MODEL)

    def _ask(self, wanted: Mapping[str, CompletionRequest], tick: Tick | None) -> dict[str, Completion]:
        queued = self._queue(wanted)
        try:
            answers = self.work.work(tick)
            refused = self._wait(queued, answers, tick)
            self._tell_strangers()
        except EngineError:
            # Nobody shall go on with what nobody waits for; what was answered stays known.
            with organization_scope(self.organization_id):
                chunks.forget_chunks(chunk_ids=queued)
            raise
        with organization_scope(self.organization_id):
            others = fresh_answers(keys=[key for key in wanted if key not in answers and key not in refused])
            chunks.forget_chunks(chunk_ids=queued)
        return {key: one for key, one in (refused | others | answers).items() if key in wanted}

    def _tell_strangers(self) -> None:
        """Once for each model, in the run's log: what is proved would be true of another one."""
        new = {asked: other for asked, other in self.work.strangers.copy().items() if asked not in self._told}
        self._told |= set(new)
        for asked, other in new.items():
            with organization_scope(self.organization_id):
                text = (
                    f"{asked} was asked, and the endpoint says that {other} answered: the figures are those of {other}."
                )
                append_log(claim=Claim(self.run_id, self.attempt), message=text, level="warning")

    def _queue(self, wanted: Mapping[str, CompletionRequest]) -> list[UUID]:
        """Cut what is wanted, but for what an attempt before this one left in the queue. All chunks to wait for."""
        with organization_scope(self.organization_id):
            self.work.ledger.require_claim()  # before anything is queued that others would ask
            left = chunks.open_chunks(run_id=self.run_id)
            queued = {key for keys in left.values() for key in keys}
            new = {key: request for key, request in wanted.items() if key not in queued}
            threads = self.work.terms.at_once
            most = most_helpers(self.at_once, threads)
            cut = chunks.cut_chunks(run_id=self.run_id, requests=new, at_once=threads, workers=1 + most)
        helpers = min(most, len(cut) + len(left) - 1)
        if helpers > 0 and len(wanted) > threads:
            # Aside: the broker may take its time, and there is work to do here.
            Thread(target=self.wake, args=(helpers,), daemon=True).start()
        return [*left, *cut]

    def _wait(self, queued: Sequence[UUID], answers: dict[str, Completion], tick: Tick | None) -> dict[str, Completion]:
        """Wait for what others took; take over what they leave. Gives the requests that were refused to them."""
        ticked = time.monotonic()
        while True:
            with organization_scope(self.organization_id):
                states = chunks.states(chunk_ids=queued)
            _raise_failure(states)
            if all(one["status"] == ChunkStatus.DONE for one in states):
                return {key: Completion("", error=why) for one in states for key, why in one["refused"].items()}
            if any(one["free"] for one in states):
                answers |= self.work.work(tick)
            if tick and time.monotonic() - ticked >= PATIENCE:
                ticked = time.monotonic()
                tick()
            time.sleep(LOOK)


def chunk_work(
    organization_id: UUID, run_id: UUID, budget: Budget, at_once: int, attempt: int | None = None
) -> ChunkWork:
    """What a process needs to work on the chunks of a run; without an attempt it helps."""
    terms, ledger = shared_terms(at_once), RunLedger(organization_id, run_id, budget, attempt)
    terms = replace(terms, ahead=calls_ahead(budget.calls, at_once, terms.at_once))
    helper = chunks.Helper(ledger.arrived.name, most_helpers(at_once, terms.at_once)) if attempt is None else None
    return ChunkWork(ledger, terms, shared_endpoint(), helper)


def most_helpers(at_once: int, of_worker: int) -> int:
    """How many may work beside the run's own worker, so that no more than `at_once` calls are under way."""
    return at_once // of_worker - 1


def _remembered(answer: JsonObject) -> Completion:
    """A remembered answer with what it cost when it was asked for: it costs nothing now, and one like it will."""
    known = from_answer(answer)
    price = price_of(str(answer.get("model", "")))
    return replace(known, money=None if price is None else price.of(known.input_tokens, known.output_tokens))


def _raise_failure(states: Sequence[Mapping[str, Any]]) -> None:
    for one in states:
        if one["status"] == ChunkStatus.FAILED:
            kind = BudgetExceeded if one["failure"].get("kind") == "budget" else ModelUnavailable
            raise kind(one["failure"].get("reason", ""))
        if one["given_up"]:
            raise ModelUnavailable("Each worker that asked the language model for a part of the answers went silent.")
