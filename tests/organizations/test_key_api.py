"""API keys by the API."""

from __future__ import annotations

from typing import Any

import pytest

from organizations.keys import resolve_api_key
from organizations.models import ApiKey, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.conftest import api_with

URL = "/api/learning/keys"


def test_a_key_is_made_and_shown_once(api: Any, organization: Organization) -> None:
    made = api.post(URL, {"name": "shop", "scopes": ["ingest"]}, format="json")
    assert made.status_code == 201
    actor = resolve_api_key(made.json()["key"])
    assert actor and actor.scopes == {"ingest"}
    again = api.get(f"{URL}/{made.json()['id']}").json()
    assert again == {name: value for name, value in made.json().items() if name != "key"}
    assert made.json()["key"] not in str(api.get(URL).json())
    assert again["state"] == "active"


def test_a_key_is_rotated_and_revoked(api: Any, organization: Organization) -> None:
    made = api.post(URL, {"name": "shop", "kind": "publishable"}, format="json").json()
    rotated = api.post(f"{URL}/{made['id']}/rotate", {"overlap_hours": 1.5}, format="json")
    assert rotated.status_code == 201
    successor = rotated.json()
    assert successor["key"].startswith("pk_") and successor["scopes"] == ["feedback"]
    assert resolve_api_key(made["key"]) and resolve_api_key(successor["key"])
    assert api.post(f"{URL}/{made['id']}/rotate", {}, format="json").status_code == 409
    revoked = api.post(f"{URL}/{made['id']}/revoke")
    assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")
    assert resolve_api_key(made["key"]) is None
    assert api.post(f"{URL}/{made['id']}/revoke").status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "x", "kind": "golden"}, "kind"),
        ({"name": "x", "scopes": ["everything"]}, "scopes.0"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "kind": "publishable", "scopes": ["read"]}, "scopes"),
        ({"name": "x", "allowed_origins": ["*"]}, "allowed_origins"),
        ({"name": "x", "allowed_origins": ["https://a.example"] * 51}, "allowed_origins"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "expires_at": "99999-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at"),
        ({"name": "x", "digest": "y"}, "digest"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(api: Any, body: dict[str, Any], field: str) -> None:
    answer = api.post(URL, body, format="json")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_only_manage_makes_keys(organization: Organization, sign_in: Any) -> None:
    key = ApiKey.objects
    limited = api_with(factories.make_key(organization, scopes=["ingest", "read"]))
    assert limited.get(URL).status_code == limited.post(URL, {"name": "x"}, format="json").status_code == 403
    with organization_scope(organization.id):
        before = key.count()
    assert sign_in("manager").post(URL, {"name": "x"}, content_type="application/json").status_code == 403
    with organization_scope(organization.id):
        assert key.count() == before
    assert sign_in("admin").get(URL).status_code == 200


def test_a_key_gives_no_more_than_it_may_itself(api: Any, organization: Organization) -> None:
    everything = api.post(URL, {"name": "all"}, format="json").json()
    limited = api_with(factories.make_key(organization, scopes=["manage"]))
    made = limited.post(URL, {"name": "more", "scopes": ["read"]}, format="json")
    assert (made.status_code, made.json()["errors"][0]["field"]) == (403, "scopes")
    assert limited.post(URL, {"name": "more"}, format="json").status_code == 403
    assert limited.post(f"{URL}/{everything['id']}/rotate", {}, format="json").status_code == 403
    assert limited.post(URL, {"name": "same", "scopes": ["manage"]}, format="json").status_code == 201
    sender = api_with(factories.make_key(organization, scopes=["manage", "ingest"]))
    assert sender.post(URL, {"name": "page", "kind": "publishable"}, format="json").status_code == 201


def test_another_organizations_keys_do_not_exist(api: Any, other_api: Any) -> None:
    made = api.post(URL, {"name": "shop"}, format="json").json()
    for path in ("", "/rotate", "/revoke"):
        answer = (other_api.post if path else other_api.get)(f"{URL}/{made['id']}{path}")
        assert answer.status_code == 404
    assert made["id"] not in str(other_api.get(URL).json())
    assert resolve_api_key(made["key"])
