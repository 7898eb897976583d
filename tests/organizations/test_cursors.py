"""Results that are read a part at a time are planned for all their rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection, transaction

from organizations.cursors import whole_cursor

ROOT = Path(__file__).resolve().parents[2]
# Users in no order of time; those of the last moments are asked for, each once.
STOCK = """CREATE TEMPORARY TABLE visit ON COMMIT DROP AS
  SELECT md5(n::text) AS name, n AS moment FROM generate_series(1, 40000) n;
CREATE INDEX ON visit (name); CREATE INDEX ON visit (moment); ANALYZE visit"""
LATEST = "SELECT name, min(moment) FROM visit WHERE moment > 30000 GROUP BY name"
READ = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'visit'"


@pytest.mark.django_db
def test_a_whole_cursor_reads_the_rows_that_are_asked_for_and_not_all_in_their_order() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(STOCK)
        cursor.execute(READ)
        before = cursor.fetchone()[0]
        with whole_cursor() as rows:
            rows.execute(LATEST)
            assert len(rows.fetchall()) == 10_000
        cursor.execute(READ)
        assert cursor.fetchone()[0] - before < 20_000


@pytest.mark.django_db(transaction=True)
def test_other_statements_are_planned_as_before() -> None:
    with transaction.atomic(), whole_cursor():
        pass
    with connection.cursor() as cursor:
        cursor.execute("SHOW cursor_tuple_fraction")
        assert cursor.fetchone() == ("0.1",)


@pytest.mark.parametrize("app", ["annotation", "experiments", "learning", "organizations"])
def test_cursors_of_the_server_are_whole_ones(app: str) -> None:
    by_hand = [str(path) for path in (ROOT / app).rglob("*.py") if ".chunked_cursor(" in path.read_text()]
    assert by_hand == ([str(ROOT / "organizations/cursors.py")] if app == "organizations" else [])
