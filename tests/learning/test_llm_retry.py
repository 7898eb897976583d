"""What a server says about coming back, and when it is given up."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from learning.llm_retry import RetryPolicy, retry_after

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "Sat, 21 Nov 2026 13:00:30 +0100"}, 30),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_a_server_names_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


def test_who_is_only_asked_too_often_is_tried_for_longer() -> None:
    policy = RetryPolicy(attempts=3, throttled_attempts=8)
    assert policy.gives_up(3, 500, None)
    assert not policy.gives_up(3, 429, None)
    assert policy.gives_up(8, 429, None)


def test_a_server_is_obeyed_for_as_long_as_the_patience_goes() -> None:
    policy = RetryPolicy(longest_wait=30, longest_pause=300)
    assert policy.wait(1, 120, jitter=0) == 120
    assert not policy.gives_up(1, 503, 300)
    assert policy.gives_up(1, 503, 301)


def test_thousands_of_failures_do_not_overflow() -> None:
    assert RetryPolicy(longest_wait=30).wait(10_000, None, jitter=1) == 30


@pytest.mark.parametrize("values", [{"attempts": 0}, {"first_wait": -1}, {"first_wait": 5, "longest_wait": 1}])
def test_a_policy_that_makes_no_sense_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least one attempt"):
        RetryPolicy(**values)  # type: ignore[arg-type]
