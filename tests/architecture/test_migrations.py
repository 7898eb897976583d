"""Every migration can be taken back, and applied again to the same schema."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from psycopg import sql

from tests import database

SCHEMA = """
SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
UNION ALL SELECT 'policy ' || tablename || ' ' || policyname || ' ' || roles::text || coalesce(qual, '')
  FROM pg_policies
UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'table ' || relname || ' ' || relrowsecurity || relforcerowsecurity || coalesce(relacl::text, '')
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
UNION ALL SELECT 'function ' || proname || coalesce(proacl::text, '') FROM pg_proc
  WHERE pronamespace = 'public'::regnamespace AND proowner = (SELECT oid FROM pg_roles WHERE rolname = CURRENT_USER)
"""
OURS = ("organizations_", "learning_", "annotation_", "experiments_")


@pytest.fixture
def spare_database() -> Iterator[str]:
    """A migrated database that nothing else uses."""
    name = f"als_spare_{os.getpid()}"
    with database.owner_connection("postgres") as owner:
        owner.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(database.TEMPLATE))
        )
    yield name
    with database.owner_connection("postgres") as owner:
        owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def migrate(name: str, *targets: tuple[str, ...]) -> None:
    """As the owner, in a process of its own: this one is bound to the suite's database."""
    steps = "\n".join(f"call_command('migrate', *{target!r}, verbosity=0)" for target in targets)
    program = f"import django; django.setup()\nfrom django.core.management import call_command\n{steps}"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings", "ALS_DATABASE_ROLE": "owner", "ALS_TEST_DATABASE": name,
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", program], cwd=database.ROOT, env=environment, check=True)


def schema_of(name: str) -> set[str]:
    with database.owner_connection(name) as owner:
        return {row[0] for row in owner.execute(SCHEMA).fetchall()}


@pytest.mark.slow
@pytest.mark.timeout(600)  # a quarter of a minute on a quiet machine
@pytest.mark.usefixtures("django_db_setup")
def test_every_migration_can_be_taken_back_and_applied_again(spare_database: str) -> None:
    before = schema_of(spare_database)
    migrate(spare_database, ("learning", "zero"), ("organizations", "zero"))  # and what stands upon them
    left = {line for line in schema_of(spare_database) if line.split(" ")[1].startswith(OURS)}
    assert not left
    migrate(spare_database, ())
    assert schema_of(spare_database) == before
