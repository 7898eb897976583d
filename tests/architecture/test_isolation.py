"""Every table is protected by the database itself. One that is new and unprotected makes the sweep fail."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

from organizations.fields import TenantForeignKey, TenantOneToOneField
from organizations.models import Organization, OrganizationModel
from organizations.protection import tenant_foreign_keys
from tests.architecture.register import SYSTEM_TABLES
from tests.database import owner_connection

TENANT_MODELS = [model for model in apps.get_models() if issubclass(model, OrganizationModel) or model is Organization]

UNPROTECTED = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relname = ANY(%s)
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')  -- an extension's own views
  AND has_any_column_privilege('als_app', c.oid, 'SELECT, INSERT, UPDATE')
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
    SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid
      AND pg_get_expr(p.polqual, c.oid) LIKE '%%app.organization_id%%'
      AND pg_get_expr(p.polwithcheck, c.oid) LIKE '%%app.organization_id%%'))
ORDER BY 1
"""


def unprotected_tables(cursor: Any) -> list[str]:
    """Tables that the application can reach and that no policy guards, apart from the registered ones."""
    cursor.execute(UNPROTECTED, [list(SYSTEM_TABLES)])
    return [row[0] for row in cursor.fetchall()]


def test_every_table_is_protected_or_registered_with_a_reason(db: None) -> None:
    with connection.cursor() as cursor:
        assert unprotected_tables(cursor) == []
        cursor.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public'"
        )
        existing = {row[0] for row in cursor.fetchall()}
    assert set(SYSTEM_TABLES) <= existing, "the register names tables that are gone"
    assert all(reason.strip() for reason in SYSTEM_TABLES.values())


def test_no_role_of_the_application_may_truncate_or_owns_a_table(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'"
            " AND c.relkind IN ('r', 'p') AND (has_table_privilege('als_app', c.oid, 'TRUNCATE, REFERENCES, TRIGGER')"
            " OR pg_has_role('als_app', c.relowner, 'MEMBER'))"
        )
        assert cursor.fetchall() == []


@pytest.mark.parametrize("model", TENANT_MODELS, ids=lambda model: model._meta.label)
def test_dropping_the_policy_of_a_table_is_noticed(model: type[models.Model], db: None) -> None:
    table = model._meta.db_table
    with owner_connection(connection.settings_dict["NAME"]) as owner, owner.transaction(force_rollback=True):
        owner.execute(f'DROP POLICY organization ON "{table}"')
        owner.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
        cursor = owner.cursor()
        assert unprotected_tables(cursor) == [table]


def test_a_new_table_without_a_policy_is_noticed(db: None) -> None:
    with owner_connection(connection.settings_dict["NAME"]) as owner, owner.transaction(force_rollback=True):
        owner.execute("CREATE TABLE forgotten (id int)")
        owner.execute("GRANT SELECT ON forgotten TO als_app")
        assert unprotected_tables(owner.cursor()) == ["forgotten"]


def test_foreign_keys_between_tenants_carry_the_organization() -> None:
    for model in TENANT_MODELS:
        for field in model._meta.local_fields:
            target = field.remote_field.model if field.is_relation else None
            if target in TENANT_MODELS and target is not Organization:
                assert isinstance(field, TenantForeignKey | TenantOneToOneField), f"{model._meta.label}.{field.name}"


def test_foreign_keys_between_tenants_are_composite_in_the_database(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, (SELECT string_agg(attname, ',' ORDER BY k.n)"
            " FROM unnest(conkey) WITH ORDINALITY k(num, n)"
            " JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.num)"
            " FROM pg_constraint WHERE contype = 'f'"
        )
        present = set(cursor.fetchall())
    for model in TENANT_MODELS:
        for field in tenant_foreign_keys(model):
            assert (model._meta.db_table, f"organization_id,{field.column}") in present, (
                f"{model._meta.label}.{field.name}"
            )


def test_every_index_of_a_tenant_table_begins_with_the_organization(db: None) -> None:
    tables = [model._meta.db_table for model in TENANT_MODELS if model is not Organization]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, i.relname FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid"
            " JOIN pg_class i ON i.oid = x.indexrelid"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]"
            " WHERE c.relname = ANY(%s) AND NOT x.indisprimary AND a.attname <> 'organization_id'"
            " AND i.relname NOT LIKE 'organizations_apikey_digest%%' AND i.relname <> 'api_key_prefix'"
            " AND i.relname NOT LIKE 'organizations_membership_user_id%%'",
            [tables],
        )  # before the organization is known: a key by its digest (a token's: prefix), memberships by the person
        assert cursor.fetchall() == []
