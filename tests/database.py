"""The suite's database: one migrated template, one copy for each parallel worker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
KEEP = {"django_migrations", "django_content_type", "auth_permission"}
TEMPLATE = settings.DATABASES["default"]["NAME"]  # before a worker is pointed at its copy
MANY = 2000  # rows
TABLES = """
SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname
"""


def owner_connection(database: str, user: str = os.environ.get("TEST_OWNER", "als_owner")) -> psycopg.Connection:
    entry = settings.DATABASES["default"]
    return psycopg.connect(
        host=entry["HOST"],
        port=entry["PORT"] or None,
        user=user,
        dbname=database,
        autocommit=True,
    )


def migrate_template() -> None:
    """Bring the cluster's own database up to date; the workers copy it."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings", "ALS_DATABASE_ROLE": "owner"}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=environment, check=True)


def copy_template(name: str) -> None:
    """A fresh database for this worker, and Django pointed at it."""
    with owner_connection("postgres") as owner:
        owner.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        owner.execute("SELECT pg_advisory_lock(4711)")  # a template allows one copy at a time
        owner.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
    # Processes that a test starts (a worker, a web server) find the same database.
    os.environ["ALS_TEST_DATABASE"] = name


@contextmanager
def undone() -> Iterator[None]:
    """A transaction around many tests, undone after them: what it begins with is made once for all of them.

    Each test is a savepoint in it. Not for tests with real commits, nor for those that lock tables from elsewhere.
    """
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def empty_tables() -> None:
    """What `flush` does after a test with real commits; the application role may not.

    DELETE by the administrator, without triggers: TRUNCATE makes hundreds of files anew, and every connection forgets
    what it knew of the tables. As with TRUNCATE the locks wait for whatever still reads or writes.
    """
    with owner_connection(connection.settings_dict["NAME"], user="postgres") as owner, owner.cursor() as cursor:
        tables = [sql.Identifier(name) for (name,) in cursor.execute(TABLES).fetchall() if name not in KEEP]
        with owner.transaction():
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.SQL(", ").join(tables)))
            cursor.execute(sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(table) for table in tables))
            emptied = [result.rowcount for result in cursor.results()]
        large = [table for table, rows in zip(tables, emptied, strict=True) if rows > MANY]
        if large:  # what is left of many rows would slow down the tests that come
            cursor.execute(sql.SQL("VACUUM {}").format(sql.SQL(", ").join(large)))
