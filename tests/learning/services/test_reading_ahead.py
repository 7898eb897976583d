"""An export outside of a transaction reads its next batch while this one is written."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from learning.models import DatasetExample, DatasetVersion
from learning.services import dataset_exports
from learning.services.dataset_exports import open_export, stream_export
from learning.services.erased_versions import erase_from_version
from organizations.erasers import Person, erasing
from organizations.errors import Conflict
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import database, factories
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
SESSIONS = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"


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
    wait_until(lambda: sessions() <= before)  # the server takes a moment to notice that a connection was closed


def sessions() -> set[int]:
    """Those of the test's database, seen from another one."""
    with database.owner_connection("postgres", user="postgres") as onlooker:
        return {pid for (pid,) in onlooker.execute(SESSIONS, [connection.settings_dict["NAME"]]).fetchall()}


def test_between_two_batches_no_connection_is_held(export: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.ensure_connection()
    others = sessions() - {connection.connection.info.backend_pid}
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)  # as the product has it, of its pool or not
    connection.ensure_connection()
    pieces = stream_export(export)
    for _ in range(3):
        assert next(pieces)
        wait_until(lambda: sessions() <= others)
    pieces.close()  # type: ignore[attr-defined]


@pytest.fixture
def second_was_read(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when the second batch is here."""
    read, done = dataset_exports._read, threading.Event()
    begun: list[Any] = []

    def noted(*values: Any) -> Any:
        begun.append(values)
        rows = read(*values)
        if len(begun) == 2:
            done.set()
        return rows

    monkeypatch.setattr(dataset_exports, "_read", noted)
    return done


def test_once_somebody_is_forgotten_nothing_more_goes_out_not_even_what_was_read_before(
    export: Any, second_was_read: threading.Event
) -> None:
    pieces = stream_export(export)
    next(pieces)
    assert second_was_read.wait(5)
    with organization_scope(export.organization_id):
        version = DatasetVersion.objects.select_related("dataset").get(pk=export.version_id)
        last = version.items.order_by("-example_id").values_list("example_id", flat=True)[:1]
        erase_from_version(version=version, person=Person("ann", example_ids=list(last)))
    with pytest.raises(Conflict, match="was forgotten"):
        next(pieces)


def test_the_end_of_a_version_that_was_erased_whole_is_not_taken_for_the_end_of_the_file(export: Any) -> None:
    pieces = stream_export(export)
    next(pieces)
    with organization_scope(export.organization_id), erasing():
        DatasetExample.objects.filter(version=export.version_id).delete()
        DatasetVersion.objects.filter(pk=export.version_id).delete()
    with pytest.raises(Conflict, match="was forgotten"):
        b"".join(pieces)
