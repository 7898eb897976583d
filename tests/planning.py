"""What the planner knows, for tests that look at how much a statement reads."""

from __future__ import annotations

from django.db import connection

from tests import database


def learn_statistics(*tables: str) -> None:
    """Clear away the rows that earlier tests left, deleted and still on disk, and learn what is there now.

    Without it a plan depends on the tests that ran before. What a transaction has not committed is not learned.
    """
    with database.owner_connection(connection.settings_dict["NAME"]) as owner:
        owner.execute(f"VACUUM (ANALYZE) {', '.join(tables)}")
