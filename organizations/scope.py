"""The one place that says which organization a transaction sees.

PostgreSQL's row-level security compares every tenant row with the setting `app.organization_id`. It is set here alone,
locally to a transaction, so that a pooled connection never carries it to the next request. Without a scope a query
sees no row and an insert is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection, transaction

if TYPE_CHECKING:
    from organizations.actors import Actor


class ScopeError(RuntimeError):
    """No organization is in scope, or another one already is."""


@dataclass(frozen=True)
class Scope:
    """What is in force: the organization and on whose behalf (for the audit)."""

    organization_id: UUID
    actor: Actor | None = None


_scope: ContextVar[Scope | None] = ContextVar("organization_scope", default=None)


def current_scope() -> Scope | None:
    return _scope.get()


def current_organization_id() -> UUID:
    """The organization in scope; raises ScopeError when there is none."""
    scope = _scope.get()
    if scope is None:
        raise ScopeError("No organization is in scope: wrap the call in organization_scope(organization_id).")
    return scope.organization_id


@contextmanager
def organization_scope(organization_id: UUID | str, *, actor: Actor | None = None) -> Iterator[None]:
    """One transaction that sees the rows of one organization.

    Nested with the same organization it joins the outer transaction as a savepoint; with another it raises ScopeError.
    """
    wanted = organization_id if isinstance(organization_id, UUID) else UUID(str(organization_id))
    outer = _scope.get()
    if outer is not None and outer.organization_id != wanted:
        raise ScopeError(f"Organization {outer.organization_id} is in scope; leave it before entering {wanted}.")
    token = _scope.set(Scope(wanted, actor or (outer.actor if outer else None)))
    try:
        with transaction.atomic(), transaction_setting("app.organization_id", str(wanted)):
            yield
    finally:
        _scope.reset(token)


@contextmanager
def person_scope(user_id: UUID) -> Iterator[None]:
    """One transaction that sees a person's own memberships and organizations, before one of them is chosen."""
    with transaction.atomic(), transaction_setting("app.user_id", str(user_id)):
        yield


@contextmanager
def transaction_setting(name: str, value: str) -> Iterator[None]:
    """A setting of the database for a block inside a transaction; what it was before comes back after it."""
    # The value before is put back on the way out of a savepoint: SET LOCAL would stay for the outer transaction. The
    # end of a transaction does so by itself, and so does a rollback (to the savepoint or whole).
    inside = bool(connection.savepoint_ids)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true), set_config(%s, %s, true)", [name, name, value])
        before = cursor.fetchone()[0] or ""
    yield
    if inside and not connection.needs_rollback:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, %s, true)", [name, before])
