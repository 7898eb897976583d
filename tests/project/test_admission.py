"""Over its limit the server says so at once; nobody waits without an answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from django.db import connection

from learning.models import AgentFeedback
from organizations.scope import organization_scope
from project.gate import Gate
from tests import factories
from tests.project.web_server import web_server

THUMB = {"agent_id": "a", "feedback_type": "thumbs_up"}
CALLERS = 40
LOCK_SECONDS = 4


def test_there_are_as_many_places_as_were_given_and_one_that_is_left_is_taken_again() -> None:
    gate = Gate(2, patience=0.05)
    assert [gate.enter() for _ in range(3)] == [True, True, False]
    gate.leave()
    assert gate.enter()


def test_who_waits_gets_the_next_place() -> None:
    gate = Gate(1, patience=2)
    assert gate.enter()
    threading.Timer(0.05, gate.leave).start()
    assert gate.enter()


def test_when_nothing_moves_nobody_waits() -> None:
    gate = Gate(1, patience=0.2)
    assert gate.enter()
    time.sleep(0.25)
    started = time.monotonic()
    assert not any(gate.enter() for _ in range(100))
    assert time.monotonic() - started < 0.1


def test_after_a_quiet_time_a_full_house_is_not_taken_for_a_jam() -> None:
    gate = Gate(1, patience=0.2)
    time.sleep(0.3)
    assert gate.enter()
    threading.Timer(0.05, gate.leave).start()
    assert gate.enter()


def test_a_place_is_left_whatever_happens(settings: Any, client: Any, db: None) -> None:
    from project.admission import Admission, places

    def breaks(request: Any) -> Any:
        raise RuntimeError

    settings.WEB_PLACES = 1
    places.cache_clear()
    door = Admission(breaks)
    places.cache_clear()
    for _ in range(3):
        with pytest.raises(RuntimeError):
            door(type("Request", (), {"path_info": "/x", "path": "/x", "META": {}})())


# ------------------------------------------------------------------------------------------- the real server


@pytest.fixture(scope="module")
def one_server(django_db_setup: None) -> Iterator[httpx.Client]:
    with web_server(DB_LOCK_MS=str(LOCK_SECONDS * 1000)) as client:
        yield client


@pytest.fixture
def server(one_server: httpx.Client, transactional_db: None) -> httpx.Client:
    return one_server


def administrator() -> psycopg.Connection:
    entry = connection.settings_dict
    return psycopg.connect(host=entry["HOST"], user="postgres", dbname="postgres", autocommit=True)


def send(client: httpx.Client, key: str, number: int) -> tuple[float, httpx.Response]:
    started = time.monotonic()
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"k{number}"}
    answer = client.post("/api/learning/feedback", json=THUMB, headers=headers)
    return time.monotonic() - started, answer


def send_many(client: httpx.Client, key: str, first: int) -> list[tuple[float, httpx.Response]]:
    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(lambda number: send(client, key, number), range(first, first + CALLERS)))


def is_told_to_come_back(answer: httpx.Response) -> bool:
    told = answer.headers.get("content-type") == "application/problem+json" and int(answer.headers["retry-after"]) > 0
    return answer.status_code == 503 and answer.json()["status"] == 503 and told


@pytest.mark.slow
def test_a_blocked_database_is_answered_quickly_and_everything_goes_on_afterwards(server: httpx.Client) -> None:
    organization = factories.make_organization()
    key = factories.make_key(organization)
    assert send(server, key, 0)[1].status_code == 201
    entry = connection.settings_dict
    with psycopg.connect(host=entry["HOST"], user="postgres", dbname=entry["NAME"]) as blocker:
        blocker.execute("LOCK TABLE learning_agentfeedback IN ACCESS EXCLUSIVE MODE")
        waited = send_many(server, key, 1)
    assert all(is_told_to_come_back(answer) for _, answer in waited)
    assert max(seconds for seconds, _ in waited) < 15, "those inside were let go when the lock did not come"
    quick = [seconds for seconds, _ in waited if seconds < LOCK_SECONDS]
    assert len(quick) >= CALLERS // 2, "the others were refused while the first still waited"
    assert server.get("/healthz").status_code == 200
    assert {answer.status_code for _, answer in send_many(server, key, 100)} == {201}
    with organization_scope(organization.id):
        assert AgentFeedback.objects.count() == 1 + CALLERS, "what was refused was not stored"


@pytest.mark.slow
def test_while_the_database_restarts_requests_are_told_to_come_back(server: httpx.Client) -> None:
    key = factories.make_key(factories.make_organization())
    assert send(server, key, 0)[1].status_code == 201
    name = connection.settings_dict["NAME"]
    connection.close()
    with administrator() as owner:
        owner.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            waited = send_many(server, key, 1)
        finally:
            owner.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert all(is_told_to_come_back(answer) for _, answer in waited), [answer.text for _, answer in waited][:3]
    assert max(seconds for seconds, _ in waited) < 10
    deadline = time.monotonic() + 30
    while send(server, key, 50)[1].status_code != 201:
        assert time.monotonic() < deadline, "the server did not find the database again"
        time.sleep(0.2)
