"""What an event tells can be forgotten, and the seals still hold; nothing else of an event can be changed that way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from organizations import audit
from organizations.erasers import erase_written_once, erasing
from organizations.models import AuditEvent, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.clients_in_process import outside_scope
from tests.database import owner_connection

NOW = timedelta(seconds=-1)


def test_a_seal_holds_after_what_an_event_told_was_erased(scope: Organization) -> None:
    event = audit.record(action="thing.done", target=scope, after={"note": "she wrote CANARY"})
    audit.seal_events(older_than=NOW)
    with erasing():
        assert audit.erase_told(event_ids=[event.pk]) == 1
    event.refresh_from_db()
    assert (event.action, event.after, event.salt) == ("thing.done", {"erased": True}, "")
    assert audit.find_broken_seal() is None


def test_erasing_again_changes_nothing(scope: Organization) -> None:
    event = audit.record(action="thing.done", target=scope, after={"note": "CANARY"})
    with erasing():
        assert [audit.erase_told(event_ids=[event.pk]) for _ in range(2)] == [1, 0]


def test_without_the_setting_nothing_is_erased(scope: Organization) -> None:
    event = audit.record(action="thing.done", target=scope, after={"note": "kept"})
    assert audit.erase_told(event_ids=[event.pk]) == 0
    assert AuditEvent.objects.get(pk=event.pk).after == {"note": "kept"}


def test_another_organizations_events_are_out_of_reach(scope: Organization, other_organization: Organization) -> None:
    event = audit.record(action="thing.done", target=scope, after={"note": "kept"})
    with outside_scope(), organization_scope(other_organization.pk), erasing():
        assert audit.erase_told(event_ids=[event.pk]) == 0


def test_the_application_cannot_change_events_even_while_it_erases(scope: Organization) -> None:
    audit.record(action="thing.done", target=scope)
    with pytest.raises(DatabaseError), transaction.atomic(), erasing():
        AuditEvent.objects.update(action="forged")


def test_only_the_named_texts_of_rows_written_once_can_be_blanked(scope: Organization) -> None:
    event = audit.record(action="thing.done", target=scope)
    with pytest.raises(DatabaseError), transaction.atomic(), erasing():
        erase_written_once(table="organizations_auditevent", column="action", ids=[event.pk])


def test_an_erased_events_digest_is_sealed_too(transactional_db: None) -> None:
    organization = factories.make_organization()
    with organization_scope(organization.id), erasing():
        event = audit.record(action="thing.done", target=organization, after={"note": "CANARY"})
        audit.seal_events(older_than=NOW)
        audit.erase_told(event_ids=[event.pk])
    with owner_connection(connection.settings_dict["NAME"]) as owner:
        owner.execute("ALTER TABLE organizations_auditevent NO FORCE ROW LEVEL SECURITY")
        owner.execute("UPDATE organizations_auditevent SET told_digest = repeat('0', 64) WHERE salt = ''")
        owner.execute("ALTER TABLE organizations_auditevent FORCE ROW LEVEL SECURITY")
    with organization_scope(organization.id):
        assert audit.find_broken_seal() is not None
