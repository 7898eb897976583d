"""What strangers send: each is refused with a problem document that says what is wrong, and nothing is stored."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from learning.models import AgentFeedback, Execution
from organizations.keys import create_api_key, revoke_api_key
from organizations.models import ApiKey, Organization
from organizations.tokens import mint_feedback_token
from tests.clients_in_process import StrangerAPIClient

FEEDBACK, EXECUTIONS = "/api/learning/feedback", "/api/learning/executions"
LONGEST_DETAIL = 3000  # characters: an answer is no echo of the attack
THUMB = {"agent_id": "cook", "feedback_type": "thumbs_up"}
ORIGIN = "https://shop.example"


def feedback(**values: Any) -> bytes:
    return json.dumps(THUMB | values).encode()


PLAIN = feedback()


def execution(**values: Any) -> bytes:
    return json.dumps({"agent_id": "cook"} | values).encode()


def raw(name: str, value: str) -> bytes:
    """Feedback with a value that is written as it stands."""
    return feedback()[:-1] + f', "{name}": {value}}}'.encode()


@dataclass(frozen=True)
class Bad:
    """One request: what is sent where, and what the answer must be. `who` names a key of `credentials`."""

    name: str
    status: int
    at_fault: str | None  # the first field that the answer names
    body: bytes | Callable[[], bytes] = PLAIN
    url: str = FEEDBACK
    who: str = "everything"
    method: str = "post"
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


TABLE = [
    # size
    Bad("a body of 20 MB", 413, "body", lambda: b'{"feedback_text": "' + b"x" * 20_000_000 + b'"}'),
    Bad("a batch of 20 MB", 413, "body", lambda: b" " * 20_000_000, url=f"{FEEDBACK}/batch"),
    Bad("a text too long", 400, "feedback_text", lambda: feedback(feedback_text="x" * 100_001)),
    Bad("10,000 categories", 400, "issue_categories", lambda: feedback(issue_categories=["tone"] * 10_000)),
    Bad("a batch of 1,001", 400, "items", lambda: json.dumps({"items": [THUMB] * 1001}).encode(), f"{FEEDBACK}/batch"),
    Bad("an empty batch", 400, "items", b'{"items": []}', f"{FEEDBACK}/batch"),
    Bad("a number of 5,000 digits", 400, "body", lambda: raw("rating", "9" * 5000)),
    Bad("a name of 201 characters", 400, "agent_id", feedback(agent_id="x" * 201)),
    # values
    Bad("a rating of 6", 400, "rating", feedback(feedback_type="star_rating", rating=6)),
    Bad("a rating of 0", 400, "rating", feedback(feedback_type="star_rating", rating=0)),
    Bad("a rating of 4.5", 400, "rating", feedback(feedback_type="star_rating", rating=4.5)),
    Bad("a rating in words", 400, "rating", feedback(feedback_type="star_rating", rating="five")),
    Bad("stars without a rating", 400, "rating", feedback(feedback_type="star_rating")),
    Bad("an unknown type", 400, "feedback_type", feedback(feedback_type="shrug")),
    Bad("a type that is a list", 400, "feedback_type", feedback(feedback_type=["thumbs_up"])),
    Bad("an unknown field", 400, "stars", feedback(stars=5)),
    Bad("an unknown category", 400, "issue_categories", feedback(issue_categories=["<script>"])),
    Bad("a date in year 99999", 400, "started_at", execution(started_at="99999-01-01T00:00:00Z"), EXECUTIONS),
    Bad("a date at the end of time", 400, "started_at", execution(started_at="9999-12-31T23:59:59-14:00"), EXECUTIONS),
    Bad("a date before computers", 400, "started_at", execution(started_at="0001-01-01T00:00:00Z"), EXECUTIONS),
    # text that cannot be stored
    Bad("a NUL", 400, "feedback_text", feedback(feedback_text="a\x00b")),
    Bad("a NUL in a name", 400, "agent_id", feedback(agent_id="a\x00b")),
    Bad("half of a surrogate pair", 400, "feedback_text", feedback(feedback_text="\ud800")),
    Bad("the other half", 400, "user_id", feedback(user_id="\udfff")),
    Bad("half a pair as a field", 400, None, rb'{"agent_id": "cook", "feedback_type": "thumbs_up", "\ud800": 1}'),
    # JSON that is none, or too much
    Bad("lists in lists", 400, "body", b"[" * 200_000),
    Bad("closed lists in lists", 400, None, b"[" * 5_000 + b"]" * 5_000),
    Bad("objects in objects", 400, None, b'{"a":' * 5_000 + b"1" + b"}" * 5_000),
    Bad("a field that is deep", 400, None, raw("feedback_text", "[" * 40 + "]" * 40)),
    Bad("NaN", 400, "body", raw("rating", "NaN")),
    Bad("Infinity", 400, "body", raw("rating", "-Infinity")),
    Bad("a number too large", 400, "body", raw("rating", "1e999")),
    Bad("nothing", 400, None, b""),
    Bad("half a document", 400, "body", b'{"agent_id": "co'),
    Bad("two documents", 400, "body", feedback() * 2),
    Bad("a list", 400, "body", b"[]"),
    Bad("a text", 400, "body", b'"thumbs_up"'),
    Bad("null", 400, "body", b"null"),
    Bad("broken UTF-8", 400, "body", b'{"agent_id": "\xff\xfe"}'),
    Bad("overlong UTF-8", 400, "body", b'{"agent_id": "\xc0\x80"}'),
    Bad("UTF-16", 400, "body", feedback().decode().encode("utf-16")),
    Bad("a gzip bomb", 400, "body", lambda: gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"}),
    Bad("another content type", 415, "Content-Type", content_type="text/plain"),
    Bad("a form", 415, "Content-Type", b"agent_id=cook", content_type="application/x-www-form-urlencoded"),
    Bad("no content type", 415, "Content-Type", content_type=""),
    Bad("another method", 405, None, method="put"),
    # headers
    Bad("an idempotency key of 201", 400, "Idempotency-Key", headers={"Idempotency-Key": "x" * 201}),
    Bad("an idempotency key that is empty", 400, "Idempotency-Key", headers={"Idempotency-Key": ""}),
    Bad("an idempotency key of no ASCII", 400, "Idempotency-Key", headers={"Idempotency-Key": "\xe9"}),
    Bad("two keys that differ", 400, "idempotency_key", feedback(id="a"), headers={"Idempotency-Key": "b"}),
    # who
    Bad("no key", 401, "Authorization", who="nobody"),
    Bad("a made up key", 401, "Authorization", who="made up"),
    Bad("a key of 10,000 characters", 401, "Authorization", who="long"),
    Bad("a revoked key", 401, "Authorization", who="revoked"),
    Bad("an expired key", 401, "Authorization", who="expired"),
    Bad("a key without the scope", 403, None, who="reader"),
    Bad("a publishable key that reads", 403, None, url=f"{FEEDBACK}/stats", who="page", method="get"),
    Bad("a publishable key that logs executions", 403, None, url=EXECUTIONS, who="page"),
    Bad("a wrong origin", 403, None, who="page", headers={"Origin": "https://evil.example"}),
    Bad("no origin", 403, None, who="page", headers={"Origin": ""}),
    Bad("an expired token", 401, "Authorization", who="old token"),
    Bad("an altered token", 401, "Authorization", who="altered token"),
    Bad("half a token", 401, "Authorization", who="half a token"),
    Bad("a token of a revoked key", 401, "Authorization", who="orphaned token"),
    Bad("a token elsewhere", 403, None, url=f"{FEEDBACK}/batch", who="token"),
    Bad("a token that reads", 403, None, url=EXECUTIONS, who="token", method="get"),
    Bad("a token for another type", 403, "feedback_type", feedback(feedback_type="thumbs_down"), who="token"),
    Bad("a token for another agent", 403, "agent_id", feedback(agent_id="baker"), who="token"),
    Bad("a token for another run", 403, "execution_id", feedback(execution_id="run-2"), who="token"),
]


@pytest.fixture
def credentials(scope: Organization) -> dict[str, str]:
    """What stands after `Bearer`, by who sends it."""

    def key(**values: Any) -> tuple[ApiKey, str]:
        return create_api_key(name="key", **values)

    made = {
        "everything": key()[1],
        "reader": key(scopes=["read"])[1],
        "made up": "sk_nobody",
        "long": "sk_" + "x" * 9997,
    }
    made["page"] = key(kind="publishable", allowed_origins=[ORIGIN])[1]
    revoked, made["revoked"] = key()
    revoke_api_key(key=revoked)
    expired, made["expired"] = key()
    ApiKey.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(hours=1))
    named: dict[str, Any] = {"agent_id": "cook", "execution_id": "run-1", "types": ["thumbs_up"]}
    made["token"] = token = mint_feedback_token(made["everything"], **named)
    made["old token"] = mint_feedback_token(made["everything"], **named, now=time.time() - 4 * 3600)
    made["altered token"] = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
    made["half a token"] = token[: len(token) // 2]
    made["orphaned token"] = mint_feedback_token(made["revoked"], **named)
    return made


@pytest.mark.parametrize("way", ["quick lane", "view"])
@pytest.mark.parametrize("bad", TABLE, ids=lambda bad: bad.name)
def test_bad_input_gets_a_clear_problem_document(bad: Bad, way: str, credentials: dict[str, str]) -> None:
    answer = send(bad, credentials, accept="application/json" if way == "quick lane" else "application/json, */*;q=0.1")
    assert answer.status_code == bad.status, answer.content[:500]
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], bool(problem["title"]), problem["type"]) == (bad.status, True, "about:blank")
    assert 10 < len(problem["detail"]) < LONGEST_DETAIL
    assert len(answer.content) < 3 * LONGEST_DETAIL
    if bad.at_fault:
        error = problem["errors"][0]
        assert error["field"] == bad.at_fault, problem
        assert error["message"]
    assert AgentFeedback.objects.count() == Execution.objects.count() == 0


def send(bad: Bad, credentials: dict[str, str], accept: str) -> Any:
    client = StrangerAPIClient(raise_request_exception=False)
    headers = {"Accept": accept, **bad.headers}
    if bad.who == "page" and "Origin" not in headers:
        headers["Origin"] = ORIGIN
    headers = {name: value for name, value in headers.items() if value or name != "Origin"}
    if bad.who != "nobody":
        headers["Authorization"] = f"Bearer {credentials[bad.who]}"
    if bad.method == "get":
        return client.get(bad.url, headers=headers)
    body = bad.body() if callable(bad.body) else bad.body
    return client.generic(bad.method.upper(), bad.url, body, content_type=bad.content_type, headers=headers)


def test_the_same_requests_pass_when_nothing_is_wrong_with_them(credentials: dict[str, str]) -> None:
    """The table refuses for the reasons that it names: the rest of its requests is fine."""
    good = [
        Bad("feedback", 201, None),
        Bad("a page", 201, None, who="page"),
        Bad("a token", 201, None, who="token"),
        Bad("an execution", 201, None, execution(), EXECUTIONS),
        Bad("a batch", 200, None, json.dumps({"items": [THUMB] * 1000}).encode(), f"{FEEDBACK}/batch"),
        Bad("a read", 200, None, url=f"{FEEDBACK}/stats", method="get", who="reader"),
    ]
    for request in good:
        answer = send(request, credentials, "application/json")
        assert answer.status_code == request.status, (request.name, answer.content[:300])
