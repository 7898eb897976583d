"""Everything that the database holds, as text, read by the owner of the tables."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import connection
from psycopg import sql

from tests.database import owner_connection

COLUMNS = """
SELECT c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, 2
"""


def places_of(text: str) -> list[str]:
    """table.column of every value that holds the text (whatever the case), and every file of the artifact folder."""
    found = []
    with owner_connection(connection.settings_dict["NAME"]) as owner, owner.transaction(force_rollback=True):
        rows = owner.execute(COLUMNS).fetchall()
        for table in sorted({table for table, _ in rows}):
            owner.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(sql.Identifier(table)))
        for table, column in rows:
            query = sql.SQL("SELECT count(*) FROM {} WHERE position(%s IN lower({}::text)) > 0")
            number = owner.execute(query.format(*map(sql.Identifier, (table, column))), [text.casefold()]).fetchone()
            found += [f"{table}.{column}"] if number and number[0] else []
    folder = Path(settings.ARTIFACT_DIR)
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return found + [str(path) for path in files if text.encode() in path.read_bytes()]


def fingerprint(organization_id: object) -> dict[str, str]:
    """A digest of every row of an organization, by table."""
    digests = {}
    with owner_connection(connection.settings_dict["NAME"]) as owner, owner.transaction(force_rollback=True):
        rows = owner.execute(COLUMNS).fetchall()
        for table in sorted({table for table, column in rows if column == "organization_id"}):
            owner.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(sql.Identifier(table)))
            query = sql.SQL("SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {} t"
                            " WHERE organization_id = %s").format(sql.Identifier(table))  # fmt: skip
            row = owner.execute(query, [organization_id]).fetchone()
            digests[table] = str(row[0]) if row else ""
    return digests
