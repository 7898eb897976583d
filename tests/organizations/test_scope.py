"""What a transaction sees, and what it cannot do."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from learning.models import Agent, AgentConfig
from organizations.models import AuditEvent, Organization
from organizations.scope import ScopeError, current_organization_id, organization_scope
from tests import factories
from tests.clients_in_process import outside_scope


def test_a_scope_sees_its_own_rows_and_no_others(organization: Organization, other_organization: Organization) -> None:
    with organization_scope(organization.id):
        agent = factories.make_agent()
        assert current_organization_id() == organization.id
    with organization_scope(other_organization.id):
        assert not Agent.objects.filter(pk=agent.pk).exists()
        factories.make_agent()
        assert Agent.objects.count() == 1


def test_without_a_scope_no_row_is_seen_and_none_is_stored(scope: Organization) -> None:
    agent = factories.make_agent()
    with outside_scope():
        assert Agent.objects.count() == 0
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            Agent.objects.create(organization=scope, external_id="x", name="x")
    assert Agent.objects.get() == agent


def test_a_row_of_another_organization_cannot_be_written(scope: Organization, other_organization: Organization) -> None:
    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        Agent.objects.create(organization=other_organization, external_id="x", name="x")


def test_a_foreign_key_cannot_point_into_another_organization(
    organization: Organization, other_organization: Organization
) -> None:
    with organization_scope(organization.id):
        agent = factories.make_agent()
    foreign = pytest.raises(DatabaseError, match="foreign key")
    with organization_scope(other_organization.id), foreign, transaction.atomic():
        AgentConfig.objects.create(agent_id=agent.pk, number=1, content={}, content_hash="0")


def test_entering_another_organization_inside_a_scope_is_refused(
    scope: Organization, other_organization: Organization
) -> None:
    with pytest.raises(ScopeError), organization_scope(other_organization.id):
        pass


def test_an_inner_scope_leaves_the_outer_one_as_it_was(scope: Organization) -> None:
    with organization_scope(scope.id):
        factories.make_agent()
    assert Agent.objects.count() == 1


def test_nothing_stays_in_the_connection_after_a_scope(organization: Organization) -> None:
    with organization_scope(organization.id):
        pass
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.organization_id', true)")
        assert cursor.fetchone()[0] == ""


def test_the_audit_can_be_added_to_and_never_changed(scope: Organization) -> None:
    assert AuditEvent.objects.count() == 1
    for change in (lambda: AuditEvent.objects.update(action="x"), lambda: AuditEvent.objects.all().delete()):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            change()


def test_the_application_role_cannot_truncate_or_switch_the_security_off(scope: Organization) -> None:
    for statement in (
        "TRUNCATE learning_agent",
        "ALTER TABLE learning_agent DISABLE ROW LEVEL SECURITY",
        "SET ROLE als_owner",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_a_connection_carries_no_organization_out_of_its_transaction() -> None:
    """Nothing puts the setting back but the end of the transaction, be it a commit or a rollback."""
    aster, birch = factories.make_organization("Aster"), factories.make_organization("Birch")
    with organization_scope(aster.id):
        factories.make_agent()
        with organization_scope(aster.id):
            pass
        assert Agent.objects.count() == 1
    assert Agent.objects.count() == 0
    with pytest.raises(ValueError, match="on the way"), organization_scope(aster.id):
        raise ValueError("on the way")
    assert Agent.objects.count() == 0
    with organization_scope(birch.id):
        assert Agent.objects.count() == 0
