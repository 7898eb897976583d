"""What beat does for the intake."""

from __future__ import annotations

from django.db import connection

from learning.intake_tasks import keep_partitions
from tests.database import owner_connection


def test_missing_partitions_are_made_ahead_and_existing_ones_are_left(transactional_db: None) -> None:
    def months() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'learning_execution'::regclass"
                " ORDER BY 1"
            )
            return [row[0] for row in cursor.fetchall() if not row[0].endswith("default")]

    before = months()
    assert len(before) >= 4
    with owner_connection(connection.settings_dict["NAME"]) as owner:
        owner.execute(f"ALTER TABLE learning_execution DETACH PARTITION {before[-1]}")
        owner.execute(f"DROP TABLE {before[-1]}")
    assert keep_partitions() == 1
    assert months() == before
    assert keep_partitions() == 0
