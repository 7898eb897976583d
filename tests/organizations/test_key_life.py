"""Keys end, are rotated and revoked, and know when they were used."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from organizations import key_use
from organizations.actors import Actor
from organizations.errors import Conflict, Refused
from organizations.keys import create_api_key, resolve_api_key, revoke_api_key, rotate_api_key
from organizations.models import ApiKey, AuditEvent, KeyKind, Organization
from tests.conftest import api_with

HOUR = timedelta(hours=1)


def end(key: ApiKey, at: datetime) -> None:
    ApiKey.objects.filter(pk=key.pk).update(expires_at=at)


def test_a_key_works_until_its_end(scope: Organization) -> None:
    row, key = create_api_key(name="app", expires_at=timezone.now() + HOUR)
    assert resolve_api_key(key) is not None
    end(row, timezone.now() - timedelta(seconds=1))
    assert resolve_api_key(key) is None
    row.refresh_from_db()
    assert row.state == "expired"


@pytest.mark.parametrize("ahead", [timedelta(0), -HOUR, timedelta(days=4000)])
def test_an_end_that_is_over_or_too_far_away_is_refused(scope: Organization, ahead: timedelta) -> None:
    with pytest.raises(Refused) as refused:
        create_api_key(name="app", expires_at=timezone.now() + ahead)
    assert refused.value.field == "expires_at"


def test_the_old_key_works_on_beside_its_successor(scope: Organization) -> None:
    row, old = create_api_key(name="app", scopes=["ingest"], allowed_origins=["https://shop.example"])
    successor, new = rotate_api_key(key=row)
    for key in (old, new):
        actor = resolve_api_key(key)
        assert actor and (actor.scopes, actor.allowed_origins) == ({"ingest"}, ("https://shop.example",))
    assert (successor.name, successor.state, successor.expires_at) == ("app", "active", None)
    row.refresh_from_db()
    assert row.state == "rotated"
    assert row.expires_at and abs(row.expires_at - timezone.now() - 24 * HOUR) < timedelta(minutes=1)


def test_without_overlap_the_old_key_ends_at_once(scope: Organization) -> None:
    row, _ = create_api_key(name="app")
    rotate_api_key(key=row, overlap=timedelta(0))
    row.refresh_from_db()
    assert row.state == "expired"


def test_a_rotation_makes_no_key_live_longer(scope: Organization) -> None:
    row, _ = create_api_key(name="app", expires_at=timezone.now() + HOUR)
    successor, _ = rotate_api_key(key=row, overlap=24 * HOUR)
    before = row.expires_at
    row.refresh_from_db()
    assert row.expires_at == before
    assert successor.expires_at and abs(successor.expires_at - timezone.now() - HOUR) < timedelta(minutes=1)


@pytest.mark.parametrize("overlap", [-HOUR, 721 * HOUR])
def test_an_overlap_is_bounded(scope: Organization, overlap: timedelta) -> None:
    row, _ = create_api_key(name="app")
    with pytest.raises(Refused, match="0 to 720 hours"):
        rotate_api_key(key=row, overlap=overlap)


def test_what_no_longer_works_or_has_a_successor_is_not_rotated(scope: Organization) -> None:
    rotated, revoked, expired = (create_api_key(name="app")[0] for _ in range(3))
    rotate_api_key(key=rotated)
    revoke_api_key(key=revoked)
    end(expired, timezone.now() - HOUR)
    count = ApiKey.objects.count()
    for row in (rotated, revoked, expired):
        with pytest.raises(Conflict):
            rotate_api_key(key=row)
    assert ApiKey.objects.count() == count


def test_a_revoked_key_is_not_revoked_again(scope: Organization) -> None:
    row, _ = create_api_key(name="app")
    revoke_api_key(key=row)
    with pytest.raises(Conflict):
        revoke_api_key(key=row)
    assert AuditEvent.objects.filter(action="apikey.revoked").count() == 1


def test_all_of_it_is_in_the_audit_without_the_keys(scope: Organization) -> None:
    row, old = create_api_key(name="app")
    successor, new = rotate_api_key(key=row)
    revoke_api_key(key=row)
    actions = AuditEvent.objects.filter(target_type="apikey").order_by("id").values_list("action", "target_id")
    assert list(actions) == [
        ("apikey.created", str(row.pk)), ("apikey.created", str(successor.pk)), ("apikey.rotated", str(row.pk)),
        ("apikey.revoked", str(row.pk)),
    ]  # fmt: skip
    told = str(list(AuditEvent.objects.values()))
    assert all(secret not in told for secret in (old, new, row.digest, successor.digest))


def test_a_publishable_key_sends_feedback_alone_unless_an_administrator_says_more(scope: Organization) -> None:
    assert create_api_key(name="page", kind=KeyKind.PUBLISHABLE)[0].scopes == ["feedback"]
    assert create_api_key(name="page", kind=KeyKind.PUBLISHABLE, scopes=["ingest"])[0].scopes == ["ingest"]


@pytest.fixture
def fresh_notes() -> None:
    key_use._noted.clear()


def last_used(row: ApiKey) -> datetime | None:
    row.refresh_from_db()
    return row.last_used_at


def test_a_request_notes_the_use_of_its_key(scope: Organization, fresh_notes: None) -> None:
    row, key = create_api_key(name="app")
    unused, _ = create_api_key(name="other")
    api_with(key).get("/api/learning/agents")
    noted = last_used(row)
    assert noted and timezone.now() - noted < timedelta(minutes=1)
    assert last_used(unused) is None


def test_the_use_is_noted_once_a_minute(scope: Organization, fresh_notes: None, django_assert_num_queries: Any) -> None:
    row, _ = create_api_key(name="app")
    actor = Actor(organization_id=scope.pk, api_key_id=row.pk)
    key_use.note_use(actor)
    with django_assert_num_queries(0):
        key_use.note_use(actor)
    key_use._noted[row.pk] -= key_use.EVERY
    ApiKey.objects.filter(pk=row.pk).update(last_used_at=timezone.now() - HOUR)
    key_use.note_use(actor)
    noted = last_used(row)
    assert noted and timezone.now() - noted < timedelta(minutes=1)


def test_a_note_that_fails_spoils_no_answer(
    scope: Organization, fresh_notes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("injected")

    _, key = create_api_key(name="app")
    monkeypatch.setattr(key_use, "organization_scope", fail)
    body = {"agent_id": "cook", "feedback_type": "thumbs_up"}
    assert api_with(key).post("/api/learning/feedback", body, format="json").status_code == 201
    assert not key_use._noted, "the next request tries again"


class TestPages:
    def test_a_key_is_rotated_on_its_page_and_the_successor_shown_once(self, sign_in: Any, scope: Organization) -> None:
        row, old = create_api_key(name="shop")
        client = sign_in("admin")
        address = f"/admin/learning/keys/{row.pk}/rotate"
        assert "Rotate shop" in client.get(address).content.decode()
        shown = client.post(address, {"overlap_hours": "2"})
        assert shown["Cache-Control"] == "no-store"
        assert 'data-testid="new-key">sk_' in shown.content.decode()
        assert 'data-copy="new-key"' in shown.content.decode()
        assert resolve_api_key(old) is not None
        assert client.post(address, {"overlap_hours": "2"}).status_code == 302
        assert ApiKey.objects.count() == 2

    def test_the_form_names_what_is_wrong(self, sign_in: Any, scope: Organization) -> None:
        row, _ = create_api_key(name="shop")
        client = sign_in("admin")
        assert (
            "less than or equal to 720"
            in client.post(f"/admin/learning/keys/{row.pk}/rotate", {"overlap_hours": "1000"}).content.decode()
        )
        form = {"name": "x", "kind": "secret", "expires_at": "2020-01-01"}
        assert "This time is over" in client.post("/admin/learning/keys/", form).content.decode()
        assert ApiKey.objects.count() == 1

    def test_a_publishable_key_logs_executions_only_when_it_is_ticked(self, sign_in: Any, scope: Organization) -> None:
        client = sign_in("admin")
        client.post("/admin/learning/keys/", {"name": "a", "kind": "publishable"})
        client.post("/admin/learning/keys/", {"name": "b", "kind": "publishable", "scopes": ["ingest"]})
        assert dict(ApiKey.objects.values_list("name", "scopes")) == {"a": ["feedback"], "b": ["ingest"]}

    @pytest.mark.parametrize("role", ["member", "expert", "manager"])
    def test_rotation_is_closed_to_lower_roles(self, sign_in: Any, scope: Organization, role: str) -> None:
        row, _ = create_api_key(name="shop")
        assert sign_in(role).post(f"/admin/learning/keys/{row.pk}/rotate", {"overlap_hours": 1}).status_code == 403

    def test_another_organizations_key_cannot_be_rotated(
        self, sign_in: Any, scope: Organization, other_organization: Organization
    ) -> None:
        row, _ = create_api_key(name="shop")
        stranger = sign_in("admin", inside=other_organization)
        assert stranger.post(f"/admin/learning/keys/{row.pk}/rotate", {"overlap_hours": 1}).status_code == 404
