"""Start-up check: the role that serves requests must be bound by row-level security."""

from __future__ import annotations

import os
from typing import Any

from django.core.checks import Error, Tags, register
from django.db import OperationalError, connection

QUERY = """
SELECT rolsuper OR rolbypassrls,
       EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'public' AND c.relrowsecurity AND pg_has_role(current_user, c.relowner, 'MEMBER'))
FROM pg_roles WHERE rolname = current_user
"""


@register(Tags.database)
def role_is_bound(**kwargs: Any) -> list[Error]:
    """Refuse a superuser, a role with BYPASSRLS, and a member of the tables' owner."""
    if os.environ.get("ALS_DATABASE_ROLE") == "owner":
        return []
    try:
        return bound_role_errors()
    except OperationalError:
        return []  # readiness reports a missing database; this check is about the role


def bound_role_errors() -> list[Error]:
    with connection.cursor() as cursor:
        cursor.execute(QUERY)
        unbound, owns = cursor.fetchone()
    hint = "Connect as a role made by `.venv/bin/python manage.py doctor --prepare-database`."
    errors = []
    if unbound:
        errors.append(Error("The database role can bypass row-level security.", hint=hint, id="organizations.E001"))
    if owns:
        errors.append(Error("The database role is a member of the tables' owner.", hint=hint, id="organizations.E002"))
    return errors
