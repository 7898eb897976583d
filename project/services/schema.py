"""Does the database have today's tables already? Running `migrate` for nothing takes seconds at each start.

The answer stands in a comment on the database itself, so it goes where the data goes.
"""

from __future__ import annotations

import hashlib

from project.services.addresses import DATABASE, database_url
from project.services.place import PROJECT_DIR


def schema_digest() -> str:
    """Changes with every migration of ours and with every package that may bring one."""
    digest = hashlib.sha256()
    for path in [*sorted(PROJECT_DIR.glob("*/migrations/*.py")), PROJECT_DIR / "requirements.txt"]:
        digest.update(f"{path.relative_to(PROJECT_DIR)}\0".encode() + path.read_bytes())
    return f"tables {digest.hexdigest()[:32]}"


def is_current(name: str) -> bool:
    """True when the embedded database of a running cluster was migrated with these very files."""
    import psycopg

    with psycopg.connect(database_url(name, "owner")) as owner:
        row = owner.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    return row == (schema_digest(),)


def mark_current(name: str) -> None:
    """To be called after `migrate` has succeeded."""
    import psycopg
    from psycopg import sql

    statement = sql.SQL("COMMENT ON DATABASE {} IS {}")
    with psycopg.connect(database_url(name, "owner")) as owner:
        owner.execute(statement.format(sql.Identifier(DATABASE), sql.Literal(schema_digest())))
