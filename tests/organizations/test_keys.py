"""API keys: made, shown once, used, revoked."""

from __future__ import annotations

from typing import Any

import pytest

from organizations.errors import Refused
from organizations.keys import create_api_key, resolve_api_key, revoke_api_key
from organizations.models import ApiKey, AuditEvent, Organization
from tests import factories


def test_a_key_stands_for_its_organization_and_scopes(organization: Organization) -> None:
    actor = resolve_api_key(factories.make_key(organization, scopes=["read"]))
    assert actor is not None
    assert actor.organization_id == organization.id
    assert actor.scopes == {"read"}


def test_the_key_itself_is_not_stored(scope: Organization) -> None:
    row, key = create_api_key(name="app")
    stored = " ".join(str(value) for value in ApiKey.objects.values().get(pk=row.pk).values())
    assert key not in stored
    assert AuditEvent.objects.filter(action="apikey.created").exists()


def test_a_revoked_key_stands_for_nobody(scope: Organization) -> None:
    row, key = create_api_key(name="app")
    revoke_api_key(key=row)
    assert resolve_api_key(key) is None


def test_an_unknown_key_stands_for_nobody(db: None) -> None:
    assert resolve_api_key("sk_unknown") is None


def test_a_publishable_key_can_only_send(scope: Organization) -> None:
    with pytest.raises(Refused, match="can send only"):
        create_api_key(name="page", kind="publishable", scopes=["ingest", "read"])


def test_an_unknown_scope_is_named(scope: Organization) -> None:
    with pytest.raises(Refused, match="Unknown scope everything"):
        create_api_key(name="app", scopes=["everything"])


def test_an_administrator_makes_a_key_and_sees_it_once(sign_in: Any) -> None:
    client = sign_in("admin")
    page = client.post("/admin/learning/keys/", {"name": "shop", "kind": "secret"}).content.decode()
    assert 'data-testid="new-key">sk_' in page
    assert "new-key" not in client.get("/admin/learning/keys/").content.decode()


def test_a_key_is_revoked_on_the_page(sign_in: Any, scope: Organization) -> None:
    row, key = create_api_key(name="app")
    assert sign_in("admin").post(f"/admin/learning/keys/{row.pk}/revoke").status_code == 302
    assert resolve_api_key(key) is None


@pytest.mark.parametrize("role", ["member", "expert", "manager"])
@pytest.mark.parametrize("address", ["keys/", "members/", "audit/"])
def test_administration_is_closed_to_lower_roles(sign_in: Any, role: str, address: str) -> None:
    assert sign_in(role).get(f"/admin/learning/{address}").status_code == 403


def test_another_organizations_key_cannot_be_revoked(
    sign_in: Any, scope: Organization, other_organization: Organization
) -> None:
    row, key = create_api_key(name="app")
    stranger = sign_in("admin", inside=other_organization)
    assert stranger.post(f"/admin/learning/keys/{row.pk}/revoke").status_code == 404
    assert resolve_api_key(key) is not None


@pytest.mark.parametrize("origin", ["https://Shop.example/", "shop.example", "*", "https://" + "x" * 300])
def test_what_no_browser_sends_as_its_origin_is_refused(scope: Organization, origin: str) -> None:
    with pytest.raises(Refused, match="no web origin"):
        create_api_key(name="shop", kind="publishable", allowed_origins=[origin])
