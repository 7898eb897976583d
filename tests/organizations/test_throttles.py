"""How many requests a key may send."""

from __future__ import annotations

import threading
import time
from typing import Any

import kombu.exceptions
import pytest
from django.conf import settings

from organizations import rates
from organizations.models import Organization
from organizations.rates import Leases, Limit, LocalRate, SharedRate
from tests import factories
from tests.conftest import api_with

URL = "/api/learning/feedback"
THUMB = {"agent_id": "a", "feedback_type": "thumbs_up"}
NOWHERE = "unix:///nonexistent/redis.sock?db=0"


def redis_rate() -> SharedRate:
    return SharedRate(settings.CACHES["default"]["LOCATION"])


@pytest.fixture(params=["redis", "local", "leases"])
def rate(request: pytest.FixtureRequest) -> Any:
    return {"redis": redis_rate, "local": LocalRate, "leases": lambda: Leases(redis_rate())}[request.param]()


def wait(rate: Any, name: str, interval: float, tolerance: float) -> float:
    """Microseconds to wait; 0 when the request is on time."""
    limits = (Limit(name, interval, tolerance),)
    return rate.wait(limits) if isinstance(rate, Leases) else max(0, -rate.take(limits))


def test_requests_on_time_pass_and_a_burst_is_bounded(rate: Any) -> None:
    """Two a second, five at once: slow enough that six questions take no such interval."""
    interval, tolerance = 500_000, 2_000_000
    key = f"burst-{time.monotonic()}"
    waits = [wait(rate, key, interval, tolerance) for _ in range(6)]
    assert waits[:5] == [0] * 5
    assert 0 < waits[5] <= interval
    time.sleep(waits[5] / 1_000_000 + 0.001)
    assert wait(rate, key, interval, tolerance) == 0


def test_keys_are_counted_each_on_its_own(rate: Any) -> None:
    key = f"own-{time.monotonic()}"
    assert wait(rate, f"{key}-a", 60_000_000, 0) == 0
    assert wait(rate, f"{key}-a", 60_000_000, 0) > 0
    assert wait(rate, f"{key}-b", 60_000_000, 0) == 0


def test_the_limit_is_exact_under_concurrency(rate: Any) -> None:
    """Sixteen threads; no refill while they ask, because the next request is due in ten minutes."""
    key, passed, lock = f"many-{time.monotonic()}", [], threading.Lock()

    def ask() -> None:
        for _ in range(20):
            if wait(rate, key, 600_000_000, 600_000_000 * 49) == 0:
                with lock:
                    passed.append(1)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 50


def test_two_processes_share_one_count() -> None:
    key, url = f"shared-{time.monotonic()}", settings.CACHES["default"]["LOCATION"]
    assert wait(SharedRate(url), key, 60_000_000, 0) == 0
    assert wait(SharedRate(url), key, 60_000_000, 0) > 0


def test_without_redis_a_process_counts_by_itself_and_quickly() -> None:
    rate = SharedRate(NOWHERE)
    started = time.monotonic()
    waits = [wait(rate, "key", 60_000_000, 60_000_000 * 9) for _ in range(100)]
    assert waits.count(0) == 10
    assert time.monotonic() - started < 1


def test_a_process_does_not_remember_keys_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MAX_NAMES", 10)
    rate = LocalRate()
    for number in range(1000):
        wait(rate, f"key-{number}", 1, 0)
    assert len(rate._due) <= 10


def test_of_several_limits_the_strictest_holds_and_a_refused_request_counts_for_none(rate: Any) -> None:
    if isinstance(rate, Leases):
        rate = redis_rate()
    key = f"several-{time.monotonic()}"
    narrow, wide = Limit(f"{key}-narrow", 60_000_000, 60_000_000), Limit(f"{key}-wide", 60_000_000, 240_000_000)
    assert [rate.take((narrow, wide)) > 0 for _ in range(4)] == [True, True, False, False]
    assert [rate.take((wide,)) > 0 for _ in range(4)] == [True, True, True, False]


def test_several_turns_are_granted_at_once_but_never_more_than_there_are(rate: Any) -> None:
    if isinstance(rate, Leases):
        rate = redis_rate()
    limit = (Limit(f"turns-{time.monotonic()}", 60_000_000, 60_000_000 * 9),)
    assert [rate.take(limit, 4), rate.take(limit, 4), rate.take(limit, 4)] == [4, 4, 2]
    assert rate.take(limit, 4) < 0


def test_a_busy_key_asks_seldom_and_all_processes_together_pass_no_more_than_the_limit() -> None:
    """Two processes' leases on one limit of 2,000 at once, which nothing refills meanwhile."""
    limits = (Limit(f"lease-{time.monotonic()}", 600_000_000, 600_000_000 * 1999),)
    asked = []

    class Counted(SharedRate):
        def take(self, limits: Any, turns: int = 1) -> float:
            asked.append(turns)
            return super().take(limits, turns)

    processes = [Leases(Counted(settings.CACHES["default"]["LOCATION"])) for _ in range(2)]
    passed, lock = [], threading.Lock()

    def ask(leases: Leases) -> None:
        for _ in range(300):
            if leases.wait(limits) == 0:
                with lock:
                    passed.append(1)

    threads = [threading.Thread(target=ask, args=(processes[number % 2],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1900 <= len(passed) <= 2000, "at most one lease of each process is lost"
    assert sum(1 for turns in asked if turns > 1) > 0
    assert max(asked) <= 20, "a lease is a small part of what may come at once"


def test_turns_that_are_not_used_in_time_are_not_used_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "LEASE", 0.01)
    leases, limits = Leases(LocalRate()), (Limit("late", 1000, 1_000_000),)
    for _ in range(5):
        leases.wait(limits)
    assert leases._leases[limits].turns > 0
    time.sleep(0.02)
    leases.wait(limits)
    assert (leases._leases[limits].size, leases._leases[limits].turns) == (1, 0)


def test_an_organization_has_a_limit_over_all_of_its_keys(organization: Organization, settings: Any) -> None:
    settings.INTAKE_ORGANIZATION_RATE_PER_MINUTE = 12
    keys = [api_with(factories.make_key(organization)) for _ in range(3)]
    assert [key.post(URL, THUMB, format="json").status_code for key in keys] == [201, 201, 429]
    stranger = api_with(factories.make_key(factories.make_organization()))
    assert stranger.post(URL, THUMB, format="json").status_code == 201


def test_too_many_requests_are_told_when_to_come_back(organization: Organization, settings: Any) -> None:
    settings.INTAKE_RATE_PER_MINUTE = 12
    api = api_with(factories.make_key(organization))
    answers = [api.post(URL, THUMB, format="json") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[2]["Content-Type"] == "application/problem+json"
    assert 1 <= int(answers[2]["Retry-After"]) <= 5
    assert api.get("/api/learning/executions").status_code == 200, "reading is not counted"
    other = api_with(factories.make_key(organization))
    assert other.post(URL, THUMB, format="json").status_code == 201, "another key has a count of its own"


def test_a_spoofed_address_gains_nothing(organization: Organization, settings: Any) -> None:
    settings.INTAKE_RATE_PER_MINUTE = 6
    api = api_with(factories.make_key(organization))
    statuses = [
        api.post(URL, THUMB, format="json", headers={"X-Forwarded-For": f"10.0.0.{number}"}).status_code
        for number in range(5)
    ]
    assert statuses == [201, 429, 429, 429, 429]


def test_zero_is_no_limit(organization: Organization, settings: Any) -> None:
    settings.INTAKE_RATE_PER_MINUTE = settings.INTAKE_ORGANIZATION_RATE_PER_MINUTE = 0
    api = api_with(factories.make_key(organization))
    assert {api.post(URL, THUMB, format="json").status_code for _ in range(5)} == {201}


@pytest.mark.django_db(transaction=True)
def test_with_redis_and_the_broker_away_feedback_is_still_taken(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise kombu.exceptions.OperationalError("the broker is away")

    monkeypatch.setattr("celery.app.task.Task.apply_async", away)
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": NOWHERE}}
    api = api_with(factories.make_key(factories.make_organization()))
    correction = THUMB | {"feedback_type": "correction", "correction_text": "x"}
    started = time.monotonic()
    assert {api.post(URL, correction, format="json").status_code for _ in range(10)} == {201}
    assert time.monotonic() - started < 2
