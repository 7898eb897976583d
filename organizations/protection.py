"""Migration operations that put a table under row-level security.

Each tenant table gets: ENABLE and FORCE row-level security, one policy that compares organization_id with the
transaction's setting, grants for the application role alone, and composite foreign keys (see fields.py).
"""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations.base import Operation

from organizations.fields import TenantForeignKey, TenantOneToOneField

APP_ROLE = "als_app"
# A sub-select, so that the setting is read once per statement and not once per row; NULLIF because the setting is ''
# and not NULL after a transaction that had set it.
CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
PERSON = "(SELECT NULLIF(current_setting('app.user_id', true), '')::uuid)"
# The owner of the tables is bound by row-level security too. It sees the rows of one organization while that forgets
# somebody or is removed itself: by functions that do one thing each, and by `manage.py erase_organization`.
ERASING = "(SELECT current_setting('app.erasing', true) = 'on')"


class ProtectTenantTable(Operation):
    """Row-level security, grants and composite foreign keys for one model of the migration's app."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model: str, append_only: bool = False, visible: str = "") -> None:
        self.model, self.append_only, self.visible = model, append_only, visible

    def deconstruct(self) -> Any:
        kwargs: dict[str, Any] = {"model": self.model}
        if self.append_only:
            kwargs["append_only"] = True
        if self.visible:
            kwargs["visible"] = self.visible
        return "ProtectTenantTable", [], kwargs

    def describe(self) -> str:
        return f"Protect {self.model} by row-level security"

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing that Django's model state knows of changes."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model)
        for statement in [*self._policy(model._meta.db_table), *self._keys(model)]:
            schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = from_state.apps.get_model(app_label, self.model)
        table = model._meta.db_table
        for field in tenant_foreign_keys(model):
            for statement in _without_key(table, field):
                schema_editor.execute(statement)
        schema_editor.execute(
            f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{_name(table, "id", "org_key")}" CASCADE'
        )
        schema_editor.execute(f'DROP POLICY IF EXISTS organization ON "{table}"')
        schema_editor.execute(f'DROP POLICY IF EXISTS eraser ON "{table}"')
        schema_editor.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY')
        schema_editor.execute(f'REVOKE ALL ON "{table}" FROM {APP_ROLE}')

    def _policy(self, table: str) -> list[str]:
        column = "id" if table == "organizations_organization" else "organization_id"
        own = f"{column} = {CURRENT}"
        seen = f"{own} OR {self.visible}" if self.visible else own
        verbs = "SELECT, INSERT" if self.append_only else "SELECT, INSERT, UPDATE, DELETE"
        return [
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
            f'CREATE POLICY organization ON "{table}" TO {APP_ROLE} USING ({seen}) WITH CHECK ({own})',
            f'REVOKE ALL ON "{table}" FROM {APP_ROLE}',
            f'GRANT {verbs} ON "{table}" TO {APP_ROLE}',
            *let_owner_erase(table),
        ]

    def _keys(self, model: Any) -> list[str]:
        table = model._meta.db_table
        if table == "organizations_organization" or model._meta.pk.name != "id":
            return []  # nothing refers to a row that has no identifier of its own
        statements = [_referable(table)]
        for field in tenant_foreign_keys(model):
            statements += _key(table, field)
        return statements


class ProtectTenantKeys(Operation):
    """Composite foreign keys for fields that were added to a table which is protected already."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model: str, fields: list[str]) -> None:
        self.model, self.fields = model, fields

    def deconstruct(self) -> Any:
        return "ProtectTenantKeys", [], {"model": self.model, "fields": self.fields}

    def describe(self) -> str:
        return f"Let {', '.join(self.fields)} of {self.model} point at rows of the same organization alone"

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing that Django's model state knows of changes."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model)
        for name in self.fields:
            for statement in _key(model._meta.db_table, model._meta.get_field(name)):
                schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = from_state.apps.get_model(app_label, self.model)
        for name in self.fields:
            for statement in _without_key(model._meta.db_table, model._meta.get_field(name)):
                schema_editor.execute(statement)


class LetOwnerErase(Operation):
    """The policy `eraser` for every tenant table of the app, for databases that were protected without it."""

    reduces_to_sql = True
    reversible = True

    def deconstruct(self) -> Any:
        return "LetOwnerErase", [], {}

    def describe(self) -> str:
        return "Let the owner erase"

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing that Django's model state knows of changes."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for model in to_state.apps.get_app_config(app_label).get_models():
            table = model._meta.db_table
            columns = {field.column for field in model._meta.local_fields}
            if "organization_id" in columns or table == "organizations_organization":
                for statement in let_owner_erase(table):
                    schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """The policy stays: it comes with ProtectTenantTable too."""


class ProtectSystemTable(Operation):
    """Grants for a table that holds no tenant's data."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, table: str, verbs: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
        self.table, self.verbs = table, verbs

    def deconstruct(self) -> Any:
        return "ProtectSystemTable", [], {"table": self.table, "verbs": self.verbs}

    def describe(self) -> str:
        return f"Let the application use {self.table}"

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing that Django's model state knows of changes."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(f'GRANT {self.verbs} ON "{self.table}" TO {APP_ROLE}')
        schema_editor.execute(
            f"DO $$ BEGIN IF pg_get_serial_sequence('{self.table}', 'id') IS NOT NULL THEN "
            f"EXECUTE 'GRANT USAGE ON SEQUENCE ' || pg_get_serial_sequence('{self.table}', 'id') || ' TO {APP_ROLE}'; "
            "END IF; EXCEPTION WHEN undefined_column THEN NULL; END $$"
        )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(f'REVOKE ALL ON "{self.table}" FROM {APP_ROLE}')


def let_owner_erase(table: str) -> list[str]:
    """The statements that give a tenant table its policy `eraser`."""
    column = "id" if table == "organizations_organization" else "organization_id"
    own = f"{column} = {CURRENT} AND {ERASING}"
    return [
        f'DROP POLICY IF EXISTS eraser ON "{table}"',
        f'CREATE POLICY eraser ON "{table}" TO CURRENT_USER USING ({own}) WITH CHECK ({own})',
    ]


def tenant_foreign_keys(model: Any) -> list[Any]:
    """The fields of a model that point at another tenant table."""
    return [field for field in model._meta.local_fields if isinstance(field, TenantForeignKey | TenantOneToOneField)]


def _key(table: str, field: Any) -> list[str]:
    """The composite foreign key of a field, and the index that it is followed by."""
    target = field.remote_field.model._meta.db_table
    return [
        _referable(target),  # tables may point at each other, whichever comes first
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{_name(table, field.column, "org_fk")}" '
        f'FOREIGN KEY (organization_id, {field.column}) REFERENCES "{target}" (organization_id, id)'
        " DEFERRABLE INITIALLY IMMEDIATE",
        f'CREATE INDEX "{_name(table, field.column, "org_ix")}" ON "{table}" (organization_id, {field.column})',
    ]


def _without_key(table: str, field: Any) -> list[str]:
    return [
        f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{_name(table, field.column, "org_fk")}"',
        f'DROP INDEX IF EXISTS "{_name(table, field.column, "org_ix")}"',
    ]


def _referable(table: str) -> str:
    """The unique key that composite foreign keys point at, unless it is there already."""
    name = _name(table, "id", "org_key")
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = '{name}') THEN "  # noqa: S608  our own names
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" UNIQUE (organization_id, id); END IF; END $$'
    )


def _name(table: str, column: str, suffix: str) -> str:
    """A constraint name of at most PostgreSQL's 63 bytes."""
    name = f"{table}_{column}_{suffix}"
    return name if len(name) <= 63 else f"{table[:28]}_{column[:22]}_{suffix}"
