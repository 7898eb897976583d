"""Whoever sends slowly keeps nobody else out, and is cut off after a while."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest

from project.slow_callers import SlowCallers
from tests import factories
from tests.project.web_server import web_server

PATIENCE = 6  # seconds
THUMB = {"agent_id": "a", "feedback_type": "thumbs_up"}
HEAD = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{length}\r\n\r\n"


@pytest.fixture(scope="module")
def one_server(django_db_setup: None) -> Iterator[httpx.Client]:
    with web_server(WEB_BODY_SECONDS=str(PATIENCE)) as client:
        yield client


@pytest.fixture
def server(one_server: httpx.Client, transactional_db: None) -> httpx.Client:
    """One process, so that all slow callers come to the same."""
    return one_server


@contextmanager
def slow_callers(server: httpx.Client, count: int, path: str = "/login/") -> Iterator[list[socket.socket]]:
    """Each has sent three bytes of a thousand; one in twenty in chunks."""
    opened = []
    try:
        for number in range(count):
            one = socket.create_connection((server.base_url.host, server.base_url.port or 80))
            opened.append(one)
            if number % 20:
                one.sendall(HEAD.format(path=path, length="Content-Length: 1000").encode() + b"abc")
            else:
                one.sendall(HEAD.format(path=path, length="Transfer-Encoding: chunked").encode() + b"3\r\nabc\r\n")
        yield opened
    finally:
        for one in opened:
            one.close()


def everybody_else_is_served(server: httpx.Client, key: str) -> float:
    """The seconds that the slowest of some requests took."""
    slowest = 0.0
    for _ in range(5):
        started = time.monotonic()
        given = server.post("/api/learning/feedback", json=THUMB, headers={"Authorization": f"Bearer {key}"})
        assert given.status_code == 201, given.text
        for page in ("/login/", "/readyz", "/healthz"):
            assert server.get(page).status_code == 200, page
        slowest = max(slowest, time.monotonic() - started)
    return slowest


def last_words(caller: socket.socket) -> bytes:
    """What a caller hears until the server closes the connection."""
    caller.settimeout(PATIENCE * 3)
    heard = b""
    while received := caller.recv(4096):
        heard += received
    return heard


@pytest.mark.slow
@pytest.mark.parametrize("count", [60, 200])
def test_slow_callers_keep_nobody_out_and_are_cut_off(server: httpx.Client, count: int) -> None:
    key = factories.make_key(factories.make_organization())
    everybody_else_is_served(server, key)  # the first of all wait longer, for what is made when it is needed
    with slow_callers(server, count) as callers:
        time.sleep(0.5)
        assert everybody_else_is_served(server, key) < PATIENCE / 2
        heard = [last_words(caller) for caller in callers]
        assert {words.partition(b"\r\n")[0] for words in heard} == {b"HTTP/1.1 408 Request Timeout"}
    with slow_callers(server, count) as callers:
        assert everybody_else_is_served(server, key) < PATIENCE / 2, "the threads are free again"


@pytest.mark.slow
def test_a_caller_who_sends_a_byte_now_and_then_is_cut_off_too(server: httpx.Client) -> None:
    with slow_callers(server, 1, "/api/learning/feedback") as (caller,):
        for _ in range(PATIENCE - 1):
            time.sleep(1)
            caller.sendall(b"1\r\na\r\n")
        heard = last_words(caller)
    assert b"application/problem+json" in heard
    assert b"did not arrive in time" in heard


def healthy(kept: HTTPConnection) -> bool:
    kept.request("GET", "/healthz")
    answer = kept.getresponse()
    return answer.read() == b'{"status": "ok"}' and answer.status == 200


@pytest.mark.slow
def test_who_was_served_meanwhile_keeps_his_connection(server: httpx.Client) -> None:
    """Idle and busy connections of the same address are left alone."""
    key = factories.make_key(factories.make_organization())
    everybody_else_is_served(server, key)
    kept = HTTPConnection(server.base_url.host, server.base_url.port or 80)
    assert healthy(kept)
    own = kept.sock
    with slow_callers(server, 4) as callers:
        everybody_else_is_served(server, key)
        assert all(last_words(caller) for caller in callers)
    assert healthy(kept)
    assert kept.sock is own, "it was not opened anew"
    kept.close()


class Stuck:
    """A body that comes when it is let."""

    def __init__(self) -> None:
        self.may_come = threading.Event()

    def read(self, size: int) -> bytes:
        self.may_come.wait(10)
        return b"x" * size


class Protocol:
    """The server's handle."""

    def __init__(self) -> None:
        self.answers: list[Any] = []

    def response_bytes(self, status: int, headers: Any, body: bytes) -> None:
        self.answers.append((status, body))


def request(callers: SlowCallers, body: Stuck, path: str) -> tuple[threading.Thread, Protocol, list[bytes | None]]:
    protocol, got = Protocol(), []
    environ = {"wsgi.input": body, "SERVER_PORT": "1", "REMOTE_ADDR": "127.0.0.1", "PATH_INFO": path}

    def serve(protocol: Protocol) -> None:
        got.append(callers.read(environ, 3))

    thread = threading.Thread(target=serve, args=[protocol])
    thread.start()
    return thread, protocol, got


def test_a_body_in_time_is_given_and_nothing_is_answered_for_it() -> None:
    body = Stuck()
    thread, protocol, got = request(callers := SlowCallers(5, crowd=10), body, "/")
    assert callers.cut_off_late() == 0
    body.may_come.set()
    thread.join()
    assert (got, protocol.answers) == ([b"xxx"], [])


def test_a_late_body_is_answered_once_and_never_worked_on() -> None:
    body = Stuck()
    thread, protocol, got = request(callers := SlowCallers(0.05, crowd=10), body, "/api/x")
    time.sleep(0.1)
    assert [callers.cut_off_late(), callers.cut_off_late()] == [1, 0]
    body.may_come.set()
    thread.join()
    assert got == [None]
    assert [status for status, _ in protocol.answers] == [408]


def test_in_a_crowd_patience_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("project.slow_callers.CROWDED_PATIENCE", 0.05)
    for crowd, late in ((2, 0), (1, 2)):
        bodies, callers = [Stuck(), Stuck()], SlowCallers(60, crowd=crowd)
        threads = [request(callers, body, "/")[0] for body in bodies]
        time.sleep(0.1)
        assert callers.cut_off_late() == late
        for body, thread in zip(bodies, threads, strict=True):
            body.may_come.set()
            thread.join()
