"""What the database alone can do with imported rows: COPY into the same table. As a superuser, past row security."""

from __future__ import annotations

import tempfile
import time
from uuid import UUID

import psycopg

from project.benchmarks import own_cluster

MOST = 100_000
TABLE = "learning_learningexample"
AGAIN = f"""
CREATE TEMP TABLE again AS SELECT * FROM {TABLE} WHERE organization_id = %s ORDER BY id DESC LIMIT %s;
UPDATE again SET id = uuidv7(), external_id = 'copy-' || external_id
"""  # noqa: S608  our own name


def copy_rate(organization_id: UUID, rows: int) -> float:
    """Rows a second by one COPY of up to 100,000 of them, all indexes and checks in place; taken back afterwards."""
    count = min(rows, MOST)
    place = own_cluster().place
    opened = psycopg.connect(host=str(place.sockets), user="postgres", dbname="als")
    with opened as connection, tempfile.TemporaryFile() as file:
        create, change = AGAIN.split(";")
        connection.execute(create, [organization_id, count])  # type: ignore[arg-type]  # our own
        connection.execute(change)  # type: ignore[arg-type]  # our own
        with connection.cursor().copy("COPY again TO STDOUT (FORMAT binary)") as copy:
            file.writelines(copy)
        file.seek(0)
        started = time.perf_counter()
        with connection.cursor().copy(f"COPY {TABLE} FROM STDIN (FORMAT binary)") as copy:
            while part := file.read(1 << 20):
                copy.write(part)
        seconds = time.perf_counter() - started
        connection.rollback()
        connection.autocommit = True
        connection.execute(f"VACUUM {TABLE}")
    return count / seconds
