"""Migration operation: a table partitioned by month through its time-ordered UUIDv7 key.

The first 48 bits of a UUIDv7 are milliseconds since 1970, so a month is a range of keys, and the key alone stays the
primary key (foreign keys need nothing else).
"""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations.base import Operation


class PartitionByMonth(Operation):
    """Rebuild the model's table as a partitioned one, rows included; one default partition catches what no month holds.

    Comes before ProtectTenantTable in a migration. Months are made by `ensure_partitions(table, months)`.
    """

    reduces_to_sql = False
    reversible = True

    def __init__(self, model: str) -> None:
        self.model = model

    def deconstruct(self) -> Any:
        return "PartitionByMonth", [], {"model": self.model}

    def describe(self) -> str:
        return f"Partition {self.model} by month"

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing that Django's model state knows of changes."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model)
        table = model._meta.db_table
        self._rebuild(schema_editor, model, " PARTITION BY RANGE (id)", [
            f'CREATE TABLE "{table}_default" PARTITION OF "{table}" DEFAULT',
            f"SELECT ensure_partitions('{table}', 3)",
        ])  # fmt: skip

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._rebuild(schema_editor, from_state.apps.get_model(app_label, self.model), "", [])

    def _rebuild(self, schema_editor: Any, model: Any, suffix: str, then: list[str]) -> None:
        table = model._meta.db_table
        schema_editor.execute(f'CREATE TEMPORARY TABLE rebuilt ON COMMIT DROP AS TABLE "{table}"')
        schema_editor.execute(f'DROP TABLE "{table}"')
        sql, params = schema_editor.table_sql(model)
        schema_editor.execute(sql + suffix, params or None)
        for statement in then:
            schema_editor.execute(statement)
        for index in schema_editor._model_indexes_sql(model):
            schema_editor.execute(index)
        columns = ", ".join(f'"{field.column}"' for field in model._meta.local_fields)
        schema_editor.execute(f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM rebuilt')  # noqa: S608  our own column names
        schema_editor.execute("DROP TABLE rebuilt")
