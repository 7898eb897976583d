"""Feedback tokens: what is signed, what is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from organizations import tokens
from organizations.tokens import TokenRefused, mint_feedback_token, read_token

SECRET = "sk_" + "A1b2C3d4" * 5
SIGNING_KEY = tokens.derive_signing_key(hashlib.sha256(SECRET.encode()).hexdigest())
NOW = 1_800_000_000


def mint(**values: Any) -> str:
    return mint_feedback_token(SECRET, **{"agent_id": "cook", "execution_id": "run-1", "now": NOW} | values)


def signed(claims: Any) -> str:
    """A token made by hand after the written format alone."""
    part = "ft_" + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    key = hashlib.sha256(b"feedback-token:" + hashlib.sha256(SECRET.encode()).hexdigest().encode()).digest()
    return f"{part}.{base64.urlsafe_b64encode(hmac.digest(key, part.encode(), 'sha256')).decode().rstrip('=')}"


CLAIMS = {"key": SECRET[:10], "agent_id": "cook", "execution_id": "run-1", "expires": NOW + 60, "nonce": "n"}


def test_a_token_says_what_it_was_made_for() -> None:
    grant = read_token(mint(types=["thumbs_up"], user_id="user-7"))
    assert (grant.agent_id, grant.execution_id, grant.user_id) == ("cook", "run-1", "user-7")
    assert grant.types == {"thumbs_up"}
    assert grant.key_prefix == "sk_A1b2C3d"
    assert grant.expires == NOW + 3 * 3600


def test_the_written_format_is_what_is_signed() -> None:
    assert tokens.is_signed_by(signed(CLAIMS), SIGNING_KEY)
    assert tokens.is_signed_by(mint(), SIGNING_KEY)


def test_two_tokens_are_never_equal() -> None:
    first, second = (read_token(mint()) for _ in range(2))
    assert first.token_id != second.token_id


def test_the_secret_and_its_digest_are_not_in_the_token() -> None:
    token = mint()
    claims = base64.urlsafe_b64decode(token[3:].partition(".")[0] + "==")
    assert SECRET.encode() not in claims
    assert hashlib.sha256(SECRET.encode()).hexdigest().encode() not in claims


def test_no_character_can_be_changed() -> None:
    token = mint()
    for place, letter in enumerate(token):
        for other in "AZaz09-_":
            altered = token[:place] + other + token[place + 1 :]
            if other == letter:
                continue
            try:
                read_token(altered)
            except TokenRefused:
                continue
            assert not tokens.is_signed_by(altered, SIGNING_KEY), f"character {place} can be {other}"


def test_another_key_signs_nothing() -> None:
    other = tokens.derive_signing_key(hashlib.sha256(b"sk_other").hexdigest())
    assert not tokens.is_signed_by(mint(), other)


@pytest.mark.parametrize(
    "changed",
    [
        {"expires": "tomorrow"}, {"expires": True}, {"expires": 1e9}, {"types": []}, {"types": "thumbs_up"},
        {"types": ["x"] * 21}, {"types": [1]}, {"agent_id": ""}, {"agent_id": "x" * 201}, {"agent_id": None},
        {"execution_id": "a\x00b"}, {"execution_id": "\ud800"}, {"nonce": "x" * 65}, {"user_id": ""}, {"key": 7},
    ],
    ids=str,
)  # fmt: skip
def test_claims_of_another_form_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused, match="malformed"):
        read_token(signed(CLAIMS | changed))


@pytest.mark.parametrize("missing", ["key", "agent_id", "execution_id", "expires", "nonce"])
def test_a_token_without_a_claim_is_refused(missing: str) -> None:
    with pytest.raises(TokenRefused, match="malformed"):
        read_token(signed({name: value for name, value in CLAIMS.items() if name != missing}))


@pytest.mark.parametrize(
    "text", ["", "ft_", "ft_.", "sk_abc", "ft_e30." + "A" * 42, "ft_" + "A" * 9000 + "." + "A" * 43, "ft_é." + "A" * 43]
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenRefused, match="malformed"):
        read_token(text)


@pytest.mark.parametrize("claims", [[], 7, None, "text"])
def test_claims_that_are_no_object_are_refused(claims: Any) -> None:
    with pytest.raises(TokenRefused):
        read_token(signed(claims))


def test_deeply_nested_claims_are_refused() -> None:
    part = "ft_" + base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=")
    with pytest.raises(TokenRefused):
        read_token(f"{part}.{'A' * 43}")


def test_a_token_ends_at_its_second() -> None:
    grant = read_token(mint(lifetime=60))
    tokens.check_expiry(grant, now=NOW + 59)
    with pytest.raises(TokenRefused, match="expired at 2027-01-15T08:01:00Z"):
        tokens.check_expiry(grant, now=NOW + 60)


def test_a_token_that_would_live_too_long_is_refused() -> None:
    tokens.check_expiry(read_token(signed(CLAIMS | {"expires": NOW + 24 * 3600})), now=NOW)
    for expires in (NOW + 25 * 3600, 10**30):
        with pytest.raises(TokenRefused, match="longer than 24 hours"):
            tokens.check_expiry(read_token(signed(CLAIMS | {"expires": expires})), now=NOW)


def test_a_time_long_gone_is_just_expired() -> None:
    with pytest.raises(TokenRefused, match="expired"):
        tokens.check_expiry(read_token(signed(CLAIMS | {"expires": -(10**30)})), now=NOW)


@pytest.mark.parametrize(
    "values",
    [{"lifetime": 0}, {"lifetime": 24 * 3600 + 1}, {"agent_id": ""}, {"types": []}, {"execution_id": "x" * 201}],
)
def test_nobody_mints_what_would_be_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"live|Names"):
        mint(**values)


def test_a_publishable_key_mints_nothing() -> None:
    with pytest.raises(ValueError, match="Only a secret key"):
        mint_feedback_token("pk_" + "a" * 40, agent_id="cook", execution_id="run-1")
