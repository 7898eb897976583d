"""Tokens that the client makes are those that the server believes."""

from __future__ import annotations

import hashlib

import pytest
from agent_learning import AsyncClient, Client, mint_feedback_token
from agent_learning import tokens as client_tokens

from organizations import tokens

KEY = "sk_0123456789abcdefghijklmnopqrstuv"
SIGNING_KEY = tokens.derive_signing_key(hashlib.sha256(KEY.encode()).hexdigest())


def test_the_server_reads_and_believes_the_token() -> None:
    token = mint_feedback_token(KEY, "support-bot", "exec-é", types=["thumbs_up"], user_id="u-1", lifetime=60)
    assert tokens.is_signed_by(token, SIGNING_KEY)
    grant = tokens.read_token(token)
    tokens.check_expiry(grant)
    assert (grant.agent_id, grant.execution_id, grant.types, grant.user_id, grant.key_prefix) == (
        "support-bot", "exec-é", frozenset({"thumbs_up"}), "u-1", KEY[:10],
    )  # fmt: skip


def test_what_is_left_out_is_open_and_no_two_tokens_are_equal() -> None:
    one, other = (Client("http://127.0.0.1:9", KEY).feedback_token("a", "e") for _ in range(2))
    assert one != other
    assert tokens.read_token(one).types is None
    assert tokens.is_signed_by(AsyncClient("http://127.0.0.1:9", KEY).feedback_token("a", "e"), SIGNING_KEY)


def test_the_limits_are_those_of_the_server() -> None:
    assert client_tokens.LIFETIME == tokens.LIFETIME
    assert client_tokens.MAX_LIFETIME == tokens.MAX_LIFETIME
    for wrong in (
        {"lifetime": 0},
        {"lifetime": tokens.MAX_LIFETIME + 1},
        {"types": []},
        {"types": ["x"] * 21},
        {"user_id": "u" * 201},
    ):
        with pytest.raises(ValueError, match=r"seconds|Names"):
            mint_feedback_token(KEY, "a", "e", **wrong)  # type: ignore[arg-type]
    for key, agent in (("pk_x", "a"), (KEY, ""), (KEY, "a" * 201)):
        with pytest.raises(ValueError, match=r"secret key|Names"):
            mint_feedback_token(key, agent, "e")
