"""Sending in the background: nothing twice, nothing lost silently, and never in the way of the application."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from agent_learning import AgentConfig, Background, Client
from agent_learning.transport import pause, retry_after

from tests.clients.scripted_server import Answer, ScriptedServer

QUICK = Background(interval=0.02)
BUSY = Answer(503, {"detail": "Busy."}, {"Retry-After": "0"})


@pytest.fixture
def make(server: ScriptedServer) -> Iterator[Callable[..., Client]]:
    made: list[Client] = []

    def client(background: Background = QUICK, **options: Any) -> Client:
        made.append(Client(server.url, "sk_test", background=background, timeout=2, **options))
        return made[-1]

    yield client
    for one in made:
        one._outbox.close(0.1)
        one.close()


def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)


def test_items_travel_in_batches_the_executions_first(server: ScriptedServer, make: Any) -> None:
    client = make(Background(interval=0.2))
    name = client.log_execution(agent="support", input="Hi")
    key = client.thumbs_up(name, user_id="u-1")
    client.log_execution(agent="support", input="Ho")
    assert client.flush()
    assert [sent.path for sent in server.sent] == ["/api/learning/executions/batch", "/api/learning/feedback/batch"]
    assert [item["input"] for item in server.all_items("executions")] == ["Hi", "Ho"]
    assert server.all_items("executions")[0]["execution_id"] == name
    (feedback,) = server.all_items("feedback")
    assert feedback == {"feedback_type": "thumbs_up", "user_id": "u-1", "execution_id": name, "idempotency_key": key}
    assert (client.counts.put, client.counts.stored, client.counts.waiting) == (3, 3, 0)


def test_a_batch_leaves_as_soon_as_it_is_full(server: ScriptedServer, make: Any) -> None:
    client = make(Background(interval=60, batch_size=5))
    for _ in range(5):
        client.log_execution(agent="support")
    until(lambda: client.counts.stored == 5)


def test_a_batch_leaves_when_the_interval_is_over(server: ScriptedServer, make: Any) -> None:
    client = make(Background(interval=0.05))
    client.log_execution(agent="support")
    until(lambda: client.counts.stored == 1)


@pytest.mark.parametrize("trouble", [BUSY, Answer(0), Answer(500), Answer(401), Answer(200, {"welcome": "here"})])
def test_what_could_not_be_sent_is_sent_again_as_it_was(server: ScriptedServer, make: Any, trouble: Answer) -> None:
    if trouble.status in (401, 200):
        trouble = trouble._replace(headers={"Retry-After": "0"})
    server.answers.extend([trouble, trouble])
    client = make()
    client.log_execution(agent="support", input="Hi")
    assert client.flush(5)
    assert len(server.sent) == 3
    assert [sent.body for sent in server.sent] == [server.sent[0].body] * 3
    assert (client.counts.stored, client.counts.retries) == (1, 2)


def test_a_refused_item_is_counted_and_stops_no_other(server: ScriptedServer, make: Any, caplog: Any) -> None:
    errors = [{"field": "rating", "message": "Too high."}]
    results = [{"index": 0, "status": 201, "id": "x"}, {"index": 1, "status": 400, "errors": errors}]
    server.answers.append(Answer(200, {"results": results}))
    client = make(Background(interval=0.1))
    client.thumbs_up("e-1")
    client.send_feedback("star_rating", execution_id="e-1", rating=9)
    assert client.flush()
    assert (client.counts.stored, client.counts.refused, client.counts.lost) == (1, 1, 0)
    assert "Too high." in caplog.text


def test_an_item_that_spoils_its_batch_is_found_and_left_out(server: ScriptedServer, make: Any) -> None:
    class Picky(type(server)):  # type: ignore[misc]
        def answer(self, sent: Any) -> Answer:
            if any(item.get("input") == "spoilt" for item in sent.body["items"]):
                self.sent.append(sent)
                return Answer(400, {"detail": "The body is not acceptable."})
            return super().answer(sent)

    server.__class__ = Picky
    client = make(Background(interval=60, batch_size=8))
    for number in range(8):
        client.log_execution(agent="support", input="spoilt" if number == 5 else f"good {number}")
    assert client.flush()
    assert [item["input"] for item in server.all_items("executions")] == [f"good {n}" for n in range(8) if n != 5]
    assert (client.counts.stored, client.counts.refused) == (7, 1)
    assert "not acceptable" in client.counts.last_problem


def test_no_request_is_larger_than_the_server_takes(server: ScriptedServer, make: Any) -> None:
    client = make(Background(interval=60, batch_size=60))
    for _ in range(60):
        client.log_execution(agent="support", input="x" * 100_000)
    assert client.flush(20)
    assert client.counts.stored == 60
    assert len(server.sent) == 2
    assert all(int(sent.headers["content-length"]) < 4_100_000 for sent in server.sent)


def test_when_there_is_no_room_the_oldest_goes_and_is_counted(server: ScriptedServer, make: Any) -> None:
    server.stop()
    client = make(Background(capacity=10, interval=60, batch_size=1000))
    for number in range(25):
        client.log_execution(agent="support", input=str(number))
    assert (client.counts.lost, client.counts.waiting) == (15, 10)
    server.back()
    assert client.flush()
    assert [item["input"] for item in server.all_items("executions")] == [str(number) for number in range(15, 25)]
    assert client.counts.last_problem == "There was no room."


def test_the_bytes_that_wait_are_bounded_too(server: ScriptedServer, make: Any) -> None:
    client = make(Background(max_bytes=10_000, interval=60))
    for _ in range(20):
        client.log_execution(agent="support", input="x" * 1000)
    assert client.counts.lost > 10
    assert client.flush()
    assert client.counts.lost + client.counts.stored == 20


def test_blocking_waits_for_room_and_loses_nothing(server: ScriptedServer, make: Any) -> None:
    client = make(Background(capacity=4, batch_size=2, interval=0.01, when_full="block", patience=10))
    for _ in range(40):
        client.log_execution(agent="support")
    assert client.flush()
    assert (client.counts.stored, client.counts.lost) == (40, 0)


def test_blocking_is_patient_for_so_long_only(server: ScriptedServer, make: Any) -> None:
    server.stop()
    client = make(Background(capacity=1, interval=60, when_full="block", patience=0.05))
    client.log_execution(agent="support")
    started = time.perf_counter()
    client.log_execution(agent="support")
    assert 0.04 < time.perf_counter() - started < 2
    assert client.counts.lost == 1


def test_while_the_server_is_away_calls_are_quick_and_raise_nothing(server: ScriptedServer, make: Any) -> None:
    config = {"config_id": "c-1", "config_number": 1, "content": {}, "agent_id": "support"}
    server.answers.append(Answer(200, config))
    client = make(config_ttl=0)
    assert client.config("support", "u-1").id == "c-1"
    server.stop()
    took = []
    for _ in range(200):
        started = time.perf_counter()
        got = client.config("support", "u-1")
        name = client.log_execution(agent="support", input="Hi", output="Ho", config=got)
        client.correct(name, "Hello")
        with client.record("support", input="Hi") as execution:
            execution.output = "Ho"
        took.append(time.perf_counter() - started)
        assert got.id == "c-1"
        time.sleep(0.001)  # as an application would: others get their turn too
    took.sort()
    # Nearly all of them: on a busy machine anybody waits now and then for a processor.
    assert took[190] < 0.020, f"four calls took {took[190] * 1000:.1f} ms"
    assert took[-1] < 0.5, f"four calls took {took[-1] * 1000:.1f} ms"
    server.back()
    assert client.flush(20)
    assert (client.counts.stored, client.counts.lost) == (600, 0)
    assert len({item["execution_id"] for item in server.all_items("executions")}) == 400


def test_a_user_who_is_new_while_the_server_is_away_gets_what_others_got(server: ScriptedServer, make: Any) -> None:
    body = {"config_id": "c-1", "config_number": 1, "content": {}, "agent_id": "support"}
    treated = body | {"config_id": "c-2", "variant": "treatment", "experiment_id": "x-1"}
    server.answers.extend([Answer(200, body | {"variant": "control", "experiment_id": "x-1"}), Answer(200, treated)])
    client = make()
    assert client.config("support", "u-1").variant == "control"
    assert client.config("support", "u-2").variant == "treatment"
    server.stop()
    stranger = client.config("support", "u-3")
    assert (stranger.id, stranger.variant, stranger.experiment_id) == ("c-1", "", None)
    own = AgentConfig(id="", number=0, content={"system_prompt": "Help."})
    assert client.config("another", default=own) is own


def test_many_threads_put_in_and_each_item_arrives_once(server: ScriptedServer, make: Any) -> None:
    client = make(Background(interval=0.01, batch_size=50))
    server.answers.extend([BUSY, Answer(0)])

    def work() -> None:
        for _ in range(250):
            client.log_execution(agent="support", input="Hi")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.flush(20)
    names = [item["execution_id"] for item in server.all_items("executions")]
    assert len(names) == len(set(names)) == 2000


def test_closing_sends_what_waits_and_gives_up_in_time(server: ScriptedServer, make: Any) -> None:
    client = make(Background(interval=60))
    client.log_execution(agent="support")
    client.close()
    assert client.counts.stored == 1
    client.log_execution(agent="support")
    assert (client.counts.lost, client.counts.last_problem) == (1, "The client is closed.")

    away = make(Background(interval=60, exit_timeout=0.3))
    server.stop()
    away.log_execution(agent="support")
    started = time.perf_counter()
    away.close()
    assert time.perf_counter() - started < 3
    until(lambda: away.counts.lost == 1)


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_what_cannot_be_stored_is_made_storable(server: ScriptedServer, make: Any) -> None:
    client = make()
    circle: dict[str, Any] = {}
    circle["self"] = circle
    client.log_execution(agent="support", input="a\x00b\ud800c", metadata={"score": math.nan, "when": timedelta(1)})
    client.log_execution(agent="support", metadata=circle)
    client.log_execution(agent="support", metadata={"it": Unprintable()})
    assert client.flush()
    (item,) = server.all_items("executions")
    assert item["input"] == "a\ufffdb\ufffdc"
    assert item["metadata"] == {"score": None, "when": "1 day, 0:00:00"}
    assert (client.counts.stored, client.counts.lost) == (1, 2)


def test_what_the_application_changes_later_is_sent_as_it_was(server: ScriptedServer, make: Any) -> None:
    client = make(Background(interval=60))
    history = [{"role": "user", "content": "Hi"}]
    client.log_execution(agent="support", context={"conversation": history})
    history.append({"role": "user", "content": "changed"})
    client.flush()
    assert len(server.all_items("executions")[0]["context"]["conversation"]) == 1


def test_a_client_that_nobody_holds_sends_what_it_has(server: ScriptedServer) -> None:
    client = Client(server.url, "sk_test", background=Background(interval=60))
    client.log_execution(agent="support")
    del client
    until(lambda: len(server.all_items("executions")) == 1)


@pytest.mark.parametrize("wrong", [{"capacity": 0}, {"batch_size": 1001}, {"when_full": "explode"}])
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"capacity|batch_size|when_full"):
        Background(**wrong)


def test_the_server_says_how_long_to_wait_in_seconds_or_by_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert retry_after("7") == 7
    assert 28 < (retry_after(soon) or 0) <= 30
    assert [retry_after(header) for header in (None, "", "soon", "-1")] == [None, None, None, None]
    assert pause(0, httpx.Response(429, headers={"Retry-After": "7"})) == 7
    assert pause(0, httpx.Response(429, headers={"Retry-After": "9999"})) == 10


def test_waits_grow_and_differ_from_client_to_client() -> None:
    error = httpx.ConnectError("away")
    waits = [[pause(attempt, error, 30) for attempt in range(12)] for _ in range(50)]
    for attempt in range(12):
        column = [one[attempt] for one in waits]
        longest = min(30, 0.2 * 2**attempt)
        assert longest / 2 <= min(column) < max(column) <= longest
