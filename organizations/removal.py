"""Removing a whole organization. Works as the owner of the tables alone; the application cannot do it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection

from organizations.erasers import erasing
from organizations.models import Organization
from organizations.scope import organization_scope

ROUNDS = 3  # triggers may write rows about rows that are deleted


def remove_organization(*, organization_id: UUID) -> dict[str, int]:
    """Delete every row of an organization, in one transaction; how many there were, by table.

    Accounts of people belong to no organization and stay.
    """
    removed: dict[str, int] = {}
    with organization_scope(organization_id), erasing(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for _ in range(ROUNDS):
            for table in _tables():
                cursor.execute(f'DELETE FROM "{table}" WHERE organization_id = %s', [organization_id])  # noqa: S608  our own tables
                if cursor.rowcount:
                    removed[table] = removed.get(table, 0) + cursor.rowcount
        cursor.execute("DELETE FROM organizations_organization WHERE id = %s", [organization_id])
    return removed


def _tables() -> list[str]:
    """Every table of tenants, what refers to others first."""
    found: list[Any] = []
    for model in apps.get_models():
        columns = {field.column for field in model._meta.local_fields}
        if model is not Organization and "organization_id" in columns:
            found.append(model)
    return [model._meta.db_table for model in reversed(found)]
