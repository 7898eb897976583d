"""How many requests a key may send."""

from __future__ import annotations

import threading
import time
from typing import Any

import kombu.exceptions
import pytest
from django.conf import settings

from organizations import throttles
from organizations.models import Organization
from organizations.throttles import LocalRate, SharedRate
from tests import factories
from tests.conftest import api_with

URL = "/api/learning/feedback"
THUMB = {"agent_id": "a", "feedback_type": "thumbs_up"}
NOWHERE = "unix:///nonexistent/redis.sock?db=0"


@pytest.fixture(params=["redis", "local"])
def rate(request: pytest.FixtureRequest) -> Any:
    return SharedRate(settings.CACHES["default"]["LOCATION"]) if request.param == "redis" else LocalRate()


def test_requests_on_time_pass_and_a_burst_is_bounded(rate: Any) -> None:
    """100 a second, five at once."""
    interval, tolerance = 10_000, 40_000
    key = f"burst-{time.monotonic()}"
    waits = [rate.wait(key, interval, tolerance) for _ in range(6)]
    assert waits[:5] == [0] * 5
    assert 0 < waits[5] <= interval
    time.sleep(waits[5] / 1_000_000 + 0.001)
    assert rate.wait(key, interval, tolerance) == 0


def test_keys_are_counted_each_on_its_own(rate: Any) -> None:
    key = f"own-{time.monotonic()}"
    assert rate.wait(f"{key}-a", 60_000_000, 0) == 0
    assert rate.wait(f"{key}-a", 60_000_000, 0) > 0
    assert rate.wait(f"{key}-b", 60_000_000, 0) == 0


def test_the_limit_is_exact_under_concurrency(rate: Any) -> None:
    """Sixteen threads; no refill while they ask, because the next request is due in ten minutes."""
    key, passed, lock = f"many-{time.monotonic()}", [], threading.Lock()

    def ask() -> None:
        for _ in range(20):
            if rate.wait(key, 600_000_000, 600_000_000 * 49) == 0:
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
    assert SharedRate(url).wait(key, 60_000_000, 0) == 0
    assert SharedRate(url).wait(key, 60_000_000, 0) > 0


def test_without_redis_a_process_counts_by_itself_and_quickly() -> None:
    rate = SharedRate(NOWHERE)
    started = time.monotonic()
    waits = [rate.wait("key", 60_000_000, 60_000_000 * 9) for _ in range(100)]
    assert waits.count(0) == 10
    assert time.monotonic() - started < 1


def test_a_process_does_not_remember_keys_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttles, "MAX_KEYS", 10)
    rate = LocalRate()
    for number in range(1000):
        rate.wait(f"key-{number}", 1, 0)
    assert len(rate._due) <= 10


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
    settings.INTAKE_RATE_PER_MINUTE = 0
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
