"""An export outside of a transaction reads its next batch while this one is written."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from learning.services import dataset_exports
from learning.services.dataset_exports import open_export, stream_export
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def export(organization: Organization, monkeypatch: pytest.MonkeyPatch) -> dataset_exports.Export:
    monkeypatch.setattr(dataset_exports, "BATCH", 7)
    with organization_scope(organization.pk):
        return open_export(version=factories.make_published_version(factories.make_agent()), split="all")


def test_it_gives_what_an_export_inside_of_a_transaction_gives(export: Any) -> None:
    alone = b"".join(stream_export(export))
    with organization_scope(export.organization_id):
        assert b"".join(stream_export(export)) == alone
    assert alone.count(b"\n") > 3 * dataset_exports.BATCH


def test_the_next_batch_is_read_before_this_one_is_taken(export: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read, begun = dataset_exports._read, []
    second_began = threading.Event()

    def counted(*values: Any) -> Any:
        begun.append(threading.current_thread().name)
        if len(begun) == 2:
            second_began.set()
        return read(*values)

    monkeypatch.setattr(dataset_exports, "_read", counted)
    pieces = stream_export(export)
    next(pieces)
    assert second_began.wait(5), "the second batch is read though nobody has asked for it"
    pieces.close()  # type: ignore[attr-defined]  # it is a generator
    assert len(begun) == 2 and all(name.startswith("reading-ahead") for name in begun)


def test_what_goes_wrong_while_reading_reaches_whoever_takes_it_and_no_connection_stays(
    export: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sessions()

    def broken(*_values: Any) -> Any:
        with organization_scope(export.organization_id):
            raise RuntimeError("the disk is gone")

    monkeypatch.setattr(dataset_exports, "_read", broken)
    with pytest.raises(RuntimeError, match="disk is gone"):
        b"".join(stream_export(export))
    monkeypatch.undo()
    b"".join(stream_export(export))
    wait_until(lambda: sessions() <= before)


def wait_until(is_so: Callable[[], bool]) -> None:
    """The server takes a moment to notice that a connection was closed."""
    until = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


def sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute("""SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND backend_type = 'client backend'""")
        return int(cursor.fetchone()[0])
