"""A key is looked up once in a moment, and what was revoked stops within that moment."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from organizations import known_keys
from organizations.keys import create_api_key, digest_of, revoke_api_key
from organizations.known_keys import actor_of_key
from organizations.models import Organization
from tests.conftest import api_with

URL = "/api/learning/feedback"
THUMB = {"agent_id": "a", "feedback_type": "thumbs_up"}


@pytest.fixture(autouse=True)
def nothing_known(settings: Any) -> None:
    settings.API_KEY_CACHE_SECONDS = 0.5
    known_keys._known.clear()


def test_a_busy_key_is_looked_up_once(scope: Organization) -> None:
    _, key = create_api_key(name="app")
    with CaptureQueriesContext(connection) as queries:
        actors = {actor_of_key(key) for _ in range(10)}
    assert len(queries) == len(actors) == 1


def test_a_revoked_key_stops_within_the_moment_it_is_remembered(scope: Organization) -> None:
    row, key = create_api_key(name="app")
    api = api_with(key)
    assert api.post(URL, THUMB, format="json").status_code == 201
    revoke_api_key(key=row)
    time.sleep(0.51)
    answer = api.post(URL, THUMB, format="json")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


def test_an_unknown_key_is_not_remembered_and_works_as_soon_as_it_exists(scope: Organization) -> None:
    row, key = create_api_key(name="app")
    digest, row.digest = row.digest, digest_of("another")
    row.save()
    assert actor_of_key(key) is None
    row.digest = digest
    row.save()
    assert actor_of_key(key) is not None


def test_a_process_does_not_remember_keys_for_ever(scope: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_keys, "MAX_KEYS", 3)
    for _ in range(10):
        actor_of_key(create_api_key(name="app")[1])
    assert len(known_keys._known) <= 3


def test_the_key_itself_is_not_kept_in_memory(scope: Organization) -> None:
    _, key = create_api_key(name="app")
    actor_of_key(key)
    assert key not in repr(known_keys._known)


def test_without_being_told_otherwise_a_process_remembers_for_two_seconds() -> None:
    from project import settings as product

    assert product.API_KEY_CACHE_SECONDS == 2.0
