"""What every embedded database has: two roles that cannot bypass row-level security, the extensions, the database.

`als_owner` owns the tables and migrates. `als_app` is what web, worker and tests run as; it is no member of the owner,
so nothing that it executes can switch row-level security off.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from project.services.addresses import APP_ROLE, DATABASE, OWNER_ROLE

if TYPE_CHECKING:
    from psycopg import Connection

EXTENSIONS = ("vector", "pg_trgm", "btree_gist", "btree_gin", "pg_stat_statements")
# Said again at every start, so that a right given by hand does not stay.
RIGHTS = {
    OWNER_ROLE: "LOGIN CREATEDB NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION",
    APP_ROLE: "LOGIN NOCREATEDB NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION",
}
# In template1, so that every new database (test databases too) begins like this.
SCHEMA_RIGHTS = (
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    f"REVOKE CREATE ON SCHEMA public FROM {APP_ROLE}",
    f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}",
    # It tells nothing about rows that one may not see, so an index may serve it (docs/decisions/0014).
    "ALTER FUNCTION ts_match_vq(tsvector, tsquery) LEAKPROOF",
)


def prepare_roles(sockets: Path) -> None:
    """Bring a running server to this state; does nothing where it is so already."""
    with _connect(sockets, "postgres") as server:
        for role, rights in RIGHTS.items():
            known = server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
            server.execute(f"{'ALTER' if known else 'CREATE'} ROLE {role} {rights}")
        server.execute(f"REVOKE {OWNER_ROLE} FROM {APP_ROLE}")
    _prepare_database(sockets, "template1")
    with _connect(sockets, "postgres") as server:
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            _prepare_database(sockets, DATABASE)
        else:
            server.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE}")


def _prepare_database(sockets: Path, database: str) -> None:
    with _connect(sockets, database) as connection:
        for extension in EXTENSIONS:
            connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
        for statement in SCHEMA_RIGHTS:
            connection.execute(statement)


def _connect(sockets: Path, database: str) -> Connection[tuple[Any, ...]]:
    import psycopg

    # Notices ("already exists, skipping") would go to nobody.
    options = "-c client_min_messages=error"
    return psycopg.connect(host=str(sockets), user="postgres", dbname=database, autocommit=True, options=options)
