"""What an endpoint may get, for one process and for all of them together through the broker's server."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.conf import settings

from learning import llm_shared_limits
from learning.engines.types import CompletionRequest, Message
from learning.llm import OpenAIModel
from learning.llm_limits import Allowance, Limits, LocalLimits
from learning.llm_shared_limits import SharedLimits
from tests.scripted_llm import Fault, ScriptedLLM

Make = Callable[..., Limits]


def shared(endpoint: str, at_once: int, per_minute: int = 0) -> SharedLimits:
    """What one process has of an endpoint."""
    return SharedLimits(settings.CACHES["default"]["LOCATION"], endpoint, Allowance(at_once, per_minute))


@pytest.fixture
def endpoint() -> str:
    """One that nobody else asks."""
    return uuid4().hex


def make_local(at_once: int, per_minute: int = 0) -> Limits:
    return LocalLimits(Allowance(at_once, per_minute))


def make_shared(at_once: int, per_minute: int = 0) -> Limits:
    return shared(uuid4().hex, at_once, per_minute)


KINDS = pytest.mark.parametrize("make", [make_local, make_shared], ids=["one process", "all processes"])


@KINDS
def test_no_more_places_are_given_than_there_are(make: Make) -> None:
    limits = make(3)
    first = limits.ask(2, 0, [])
    second = limits.ask(2, 0, first.places)
    assert (len(first.places), len(second.places)) == (2, 1)
    assert second.wait > 0
    limits.give_back(first.places)
    assert len(limits.ask(5, 0, second.places).places) == 2


@KINDS
def test_calls_of_a_minute_are_spread_and_a_second_may_be_used_ahead(make: Make) -> None:
    limits = make(9, 600)  # one in a tenth of a second
    grant = limits.ask(1, 50, [])
    assert 10 <= grant.turns <= 11
    again = limits.ask(0, 1, grant.places)
    assert again.turns == 0
    assert 0 < again.wait <= 0.11
    time.sleep(again.wait + 0.01)
    assert limits.ask(0, 5, grant.places).turns == 1


@KINDS
def test_an_endpoint_that_may_be_asked_seldom_is_asked_at_all(make: Make) -> None:
    limits = make(1, 2)
    assert limits.ask(1, 1, []).turns == 1
    again = limits.ask(0, 1, [])
    assert again.turns == 0
    assert 29 <= again.wait <= 30


@KINDS
def test_nobody_begins_while_an_endpoint_rests(make: Make) -> None:
    limits = make(4)
    limits.pause(0.3)
    grant = limits.ask(2, 2, [])
    assert (grant.places, grant.turns) == ((), 0)
    assert 0 < grant.paused <= 0.3
    time.sleep(0.32)
    assert len(limits.ask(2, 0, []).places) == 2


@KINDS
def test_a_shorter_rest_does_not_end_a_longer_one(make: Make) -> None:
    limits = make(4)
    limits.pause(5)
    limits.pause(0.1)
    assert limits.ask(1, 0, []).paused > 4


def test_processes_share_the_places_and_the_rest_of_an_endpoint(endpoint: str) -> None:
    one, other = shared(endpoint, 3), shared(endpoint, 3)
    held = one.ask(2, 0, [])
    assert len(other.ask(3, 0, []).places) == 1
    one.pause(0.2)
    assert other.ask(1, 0, []).paused > 0
    assert shared(uuid4().hex, 3).ask(1, 0, []).places, "another endpoint has nothing to do with it"
    one.give_back(held.places)


def test_the_places_of_a_process_that_was_killed_come_back(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_shared_limits, "HELD", 0.3)
    dead, alive = shared(endpoint, 2), shared(endpoint, 2)
    dead.ask(1, 0, [])
    held = alive.ask(1, 0, []).places
    assert not alive.ask(1, 0, held).places
    for _ in range(4):  # it names what it needs, as a living process does
        time.sleep(0.1)
        grant = alive.ask(1, 0, held)
        held += grant.places
    assert len(held) == 2


def test_who_waits_longest_is_next_and_who_holds_more_than_a_fair_share_gives_up_some(endpoint: str) -> None:
    greedy, first, second = (shared(endpoint, 2) for _ in range(3))
    held = greedy.ask(2, 0, []).places
    assert not first.ask(1, 0, []).places
    assert not second.ask(1, 0, []).places
    told = greedy.ask(0, 0, held)
    assert told.shed == 2, "three want two places: whoever has some takes turns"
    greedy.give_back(held[:1])
    assert not second.ask(1, 0, []).places, "the first one's turn"
    assert first.ask(1, 0, []).places


def test_without_the_server_each_process_keeps_to_the_limits_by_itself(
    endpoint: str, caplog: pytest.LogCaptureFixture
) -> None:
    limits = SharedLimits("unix:///nowhere/at/all.sock", endpoint, Allowance(2))
    with caplog.at_level(logging.WARNING):
        held = limits.ask(5, 0, []).places
        assert len(held) == 2
        assert not limits.ask(1, 0, held).places
    assert [record.message for record in caplog.records if "by itself" in record.message]
    assert len(caplog.records) == 1
    limits.give_back(held)
    assert len(limits.ask(2, 0, []).places) == 2


def test_clients_of_one_endpoint_together_keep_to_its_limit(endpoint: str) -> None:
    with ScriptedLLM(lambda messages: "yes", delay=0.03) as server:
        threads = [threading.Thread(target=_ask, args=(server, shared(endpoint, 3), who)) for who in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert server.answered == 3 * 12
    assert server.most_at_once <= 3


def test_a_storm_of_refusals_slows_everybody_and_everything_is_answered(endpoint: str) -> None:
    with ScriptedLLM(lambda messages: "yes", delay=0.01) as server:
        server.fail_next(*[Fault(429, retry_after=0.5)] * 4)
        began = time.monotonic()
        threads = [threading.Thread(target=_ask, args=(server, shared(endpoint, 4), who)) for who in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        took = time.monotonic() - began
    assert server.answered == 2 * 12
    assert took >= 0.5


def _ask(server: ScriptedLLM, limits: Limits, who: int) -> None:
    model = OpenAIModel(base_url=server.base_url, api_key="", model="m", limits=limits, concurrency=3)
    texts = [f"{who}: {number}" for number in range(12)]
    model.complete_many([CompletionRequest((Message(role="user", content=text),)) for text in texts])
