"""The audit is written with each change, and a seal shows when somebody altered it."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from organizations import audit
from organizations.models import AuditEvent, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.database import owner_connection

NOW = timedelta(seconds=-1)


def test_an_event_names_who_did_it(scope: Organization) -> None:
    event = audit.record(action="thing.done", target=factories.make_agent(), after={"a": 1})
    assert (event.actor_label, event.target_type, event.after) == ("system", "agent", {"a": 1})


def test_a_seal_chains_the_events_since_the_one_before(scope: Organization) -> None:
    first = audit.seal_events(older_than=NOW)
    assert first is not None
    assert audit.seal_events(older_than=NOW) is None
    audit.record(action="thing.done", target=scope)
    second = audit.seal_events(older_than=NOW)
    assert second is not None
    assert second.previous == first
    assert audit.find_broken_seal() is None


def test_events_that_may_still_be_joined_by_open_transactions_are_not_sealed_yet(scope: Organization) -> None:
    assert audit.seal_events() is None


def test_an_altered_event_breaks_its_seal(scope: Organization) -> None:
    seal = audit.seal_events(older_than=NOW)
    event = AuditEvent.objects.first()
    assert event is not None
    event.action = "something else"
    events = list(AuditEvent.objects.all())
    assert seal is not None
    assert audit._digest("", [event]) != seal.digest == audit._digest("", events)


def test_the_whole_chain_is_checked_in_the_database(transactional_db: None) -> None:
    organization = factories.make_organization()
    with organization_scope(organization.id):
        audit.seal_events(older_than=NOW)
        assert audit.find_broken_seal() is None
    with owner_connection(connection.settings_dict["NAME"]) as owner:
        owner.execute("ALTER TABLE organizations_auditevent NO FORCE ROW LEVEL SECURITY")
        owner.execute("UPDATE organizations_auditevent SET action = 'forged'")
        owner.execute("ALTER TABLE organizations_auditevent FORCE ROW LEVEL SECURITY")
    with organization_scope(organization.id):
        assert audit.find_broken_seal() is not None
