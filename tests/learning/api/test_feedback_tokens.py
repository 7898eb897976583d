"""POST feedback with a signed token and no key."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from learning.models import Agent, AgentFeedback
from organizations import tokens
from organizations.keys import digest_of, revoke_api_key
from organizations.models import ApiKey, KeyKind, Organization
from organizations.scope import organization_scope
from organizations.tokens import mint_feedback_token
from tests import factories
from tests.conftest import api_with

URL = "/api/learning/feedback"
THUMB = {"feedback_type": "thumbs_up"}


@pytest.fixture
def secret(organization: Organization) -> str:
    return factories.make_key(organization, scopes=["ingest"])


def mint(secret: str, **values: Any) -> str:
    return mint_feedback_token(secret, **{"agent_id": "cook", "execution_id": "run-1"} | values)


def send(token: str, item: dict[str, Any] = THUMB, url: str = URL, **more: Any) -> Any:
    return api_with(token).post(url, item, format="json", **more)


def stored(organization: Organization) -> list[dict[str, Any]]:
    with organization_scope(organization.id):
        return list(AgentFeedback.objects.order_by("id").values())


def test_a_page_with_a_token_needs_no_key_and_names_nothing(organization: Organization, secret: str) -> None:
    answer = send(mint(secret, user_id="user-7"))
    assert (answer.status_code, answer.json()["success"]) == (201, True)
    (row,) = stored(organization)
    assert (row["execution_external_id"], row["user"]) == ("run-1", "user-7")
    with organization_scope(organization.id):
        assert Agent.objects.get(pk=row["agent_id"]).external_id == "cook"


def test_what_the_token_names_may_be_said_again(organization: Organization, secret: str) -> None:
    item = THUMB | {"agent_id": "cook", "execution_id": "run-1", "user_id": "somebody"}
    assert send(mint(secret), item).status_code == 201
    assert stored(organization)[0]["user"] == "somebody"


def test_a_token_sent_again_is_answered_alike_and_stored_once(organization: Organization, secret: str) -> None:
    token = mint(secret)
    first = send(token, headers={"Idempotency-Key": "one"})
    second = send(token, headers={"Idempotency-Key": "two"})
    assert first.json() == second.json()
    assert len(stored(organization)) == 1


def test_a_token_stores_one_piece_of_each_type(organization: Organization, secret: str) -> None:
    token = mint(secret)
    stars = {"feedback_type": "star_rating", "rating": 4}
    assert [send(token, item).status_code for item in (THUMB, stars)] == [201, 201]
    other = send(token, stars | {"rating": 1})
    assert other.status_code == 409
    assert other.json()["errors"][0]["field"] == "feedback_type"
    assert [row["rating"] for row in stored(organization)] == [None, 4]


def test_two_tokens_of_one_output_are_two_voices(organization: Organization, secret: str) -> None:
    assert send(mint(secret)).json() != send(mint(secret)).json()
    assert len(stored(organization)) == 2


@pytest.mark.parametrize("field", ["agent_id", "execution_id", "user_id"])
def test_a_token_is_good_for_what_it_names_alone(organization: Organization, secret: str, field: str) -> None:
    answer = send(mint(secret, user_id="user-7"), THUMB | {field: "another"})
    assert answer.status_code == 403
    assert answer.json()["errors"] == [{"field": field, "message": "This token was made for another one."}]
    assert stored(organization) == []


def test_a_type_that_is_not_allowed_is_refused(organization: Organization, secret: str) -> None:
    answer = send(mint(secret, types=["thumbs_up"]), {"feedback_type": "correction", "correction_text": "No."})
    assert answer.status_code == 403
    assert answer.json()["errors"] == [{"field": "feedback_type", "message": "This token allows thumbs_up."}]
    assert stored(organization) == []


def test_an_expired_token_says_so(organization: Organization, secret: str) -> None:
    answer = send(mint(secret, now=time.time() - 4 * 3600))
    assert answer.status_code == 401
    assert "expired at" in answer.json()["detail"]
    assert stored(organization) == []


def test_an_altered_token_is_refused(organization: Organization, secret: str) -> None:
    token = mint(secret)
    answer = send(token[:-1] + ("A" if token[-1] != "A" else "E"))
    assert (answer.status_code, answer.json()["detail"]) == (401, "This feedback token is malformed or was altered.")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert stored(organization) == []


def test_a_token_whose_key_was_revoked_is_refused(organization: Organization, secret: str) -> None:
    token = mint(secret)
    with organization_scope(organization.id):
        revoke_api_key(key=ApiKey.objects.get())
    answer = send(token)
    assert answer.status_code == 401
    assert "was revoked" in answer.json()["detail"]


def test_a_revoked_key_signs_no_longer_than_it_is_remembered(
    organization: Organization, secret: str, settings: Any
) -> None:
    settings.API_KEY_CACHE_SECONDS = 0.3
    assert send(mint(secret)).status_code == 201
    with organization_scope(organization.id):
        revoke_api_key(key=ApiKey.objects.get())
    time.sleep(0.35)
    assert send(mint(secret)).status_code == 401


def test_a_key_that_may_not_send_signs_nothing(organization: Organization) -> None:
    assert send(mint(factories.make_key(organization, scopes=["read", "manage"]))).status_code == 401


def test_a_publishable_key_signs_nothing(organization: Organization) -> None:
    """Whoever reads a page has its publishable key, and could mint as he likes."""
    public = factories.make_key(organization, kind=KeyKind.PUBLISHABLE, scopes=["ingest"])
    claims = {"key": public[:10], "agent_id": "cook", "execution_id": "run-1", "expires": int(time.time()) + 60}
    signed = "ft_" + tokens._encode(json.dumps(claims | {"nonce": "n"}).encode())
    forged = f"{signed}.{tokens._signature(tokens.derive_signing_key(digest_of(public)), signed)}"
    assert send(forged).status_code == 401
    assert stored(organization) == []


def test_a_token_belongs_to_the_organization_of_its_key(
    organization: Organization, other_organization: Organization
) -> None:
    assert send(mint(factories.make_key(other_organization))).status_code == 201
    assert stored(organization) == []
    assert len(stored(other_organization)) == 1


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("post", "/api/learning/feedback/batch"), ("post", "/api/learning/executions"),
        ("get", "/api/learning/stats"), ("get", "/api/learning/executions"), ("get", "/api/learning/feedback/stats"),
        ("post", "/api/learning/examples"), ("get", "/api/learning/annotations/queue"),
        ("post", "/api/learning/training-runs"),
    ],
)  # fmt: skip
def test_a_token_opens_nothing_else(secret: str, method: str, url: str) -> None:
    answer = getattr(api_with(mint(secret)), method)(url, {}, format="json")
    assert answer.status_code == 403
    assert answer.json()["detail"] == "A feedback token opens POST /api/learning/feedback and nothing else."


def test_a_token_opens_no_page(secret: str) -> None:
    answer = api_with(mint(secret)).get("/admin/learning/")
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/login/")


def test_who_floods_with_a_token_does_not_use_up_its_key(settings: Any, secret: str) -> None:
    settings.INTAKE_RATE_PER_MINUTE = 6
    token = mint(secret)
    assert [send(token).status_code for _ in range(2)] == [201, 429]
    answer = api_with(secret).post(URL, THUMB | {"agent_id": "cook"}, format="json")
    assert answer.status_code == 201
