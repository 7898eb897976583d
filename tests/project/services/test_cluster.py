"""The embedded servers: started, promised roles, refused twice, survived by their data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from project.services import postgres
from project.services.cluster import Cluster, remove_files, remove_leftovers, throwaway_cluster, throwaway_name
from project.services.errors import ServiceError
from project.services.place import PROJECT_DIR, Place
from project.services.processes import command_line

HOLDER = """
import sys, time
from project.services.cluster import Cluster
with Cluster(sys.argv[1]) as cluster:
    print(*[server.process.pid for server in cluster.servers], flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with throwaway_cluster("roles") as running:
        yield running


@pytest.fixture
def place() -> Iterator[Place]:
    """A durable cluster's place, removed afterwards."""
    where = Place(throwaway_name("holder"))
    yield where
    remove_files(where)


def test_both_servers_answer_on_unix_sockets_alone(cluster: Cluster) -> None:
    with psycopg.connect(cluster.database_url()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    client = redis.Redis(unix_socket_path=str(cluster.place.sockets / "valkey.sock"))
    assert client.ping()
    assert client.config_get("port") == {"port": "0"}


def test_neither_role_can_bypass_row_level_security(cluster: Cluster) -> None:
    with psycopg.connect(cluster.database_url()) as connection:
        rows = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles"
            " WHERE rolname LIKE 'als_%' ORDER BY 1"
        ).fetchall()
    assert rows == [("als_app", False, False, False, False), ("als_owner", False, False, True, False)]


def test_the_application_cannot_become_the_owner(cluster: Cluster) -> None:
    with (
        psycopg.connect(cluster.database_url("app")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SET ROLE als_owner")


def test_the_application_cannot_create_tables_and_the_owner_can(cluster: Cluster) -> None:
    with psycopg.connect(cluster.database_url("app")) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("CREATE TABLE forbidden (id int)")
    with psycopg.connect(cluster.database_url("owner")) as owner:
        owner.execute("CREATE TABLE allowed (id int)")
        owner.execute("DROP TABLE allowed")


def test_new_databases_of_the_owner_have_the_extensions(cluster: Cluster) -> None:
    with psycopg.connect(cluster.database_url("owner"), autocommit=True) as owner:
        owner.execute("CREATE DATABASE fresh")
    with psycopg.connect(cluster.database_url("owner"), dbname="fresh") as fresh:
        names = {name for (name,) in fresh.execute("SELECT extname FROM pg_extension")}
    assert names >= {"vector", "pg_trgm", "btree_gist", "pg_stat_statements"}


def test_a_right_given_by_hand_does_not_survive_the_next_start(place: Place) -> None:
    with Cluster(place.name, durable=False, want_valkey=False):
        _as_administrator(place, "ALTER ROLE als_app SUPERUSER")
    with Cluster(place.name, durable=False, want_valkey=False) as again, psycopg.connect(again.database_url()) as app:
        assert app.execute("SELECT rolsuper FROM pg_roles WHERE rolname = 'als_app'").fetchone() == (False,)


def test_a_second_start_is_refused_and_names_the_holder(cluster: Cluster) -> None:
    with pytest.raises(ServiceError, match=f"in use by process {os.getpid()}"):
        Cluster(cluster.place.name).start()
    with psycopg.connect(cluster.database_url()) as connection:  # and the first one goes on
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_data_survives_a_stop(place: Place) -> None:
    with Cluster(place.name) as first:
        _remember(first, "kept")
    with Cluster(place.name) as second:
        assert _remembered(second) == "kept"


def test_kill_9_of_the_holder_leaves_no_server_and_the_data(place: Place) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, place.name], cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    pids = [int(text) for text in holder.stdout.readline().split()]
    assert len(pids) == 2
    with psycopg.connect(f"host={place.sockets} user=als_owner dbname=als") as owner:
        owner.execute("CREATE TABLE memory AS SELECT 'kept' AS text")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with Cluster(place.name) as again:  # at once: it waits for what is still ending
        assert _remembered(again) == "kept"
        assert not any(command_line(pid) for pid in pids)


def test_kill_9_of_the_database_is_noticed_and_the_next_start_recovers(place: Place) -> None:
    with Cluster(place.name) as first:
        _remember(first, "kept")
        assert first.dead() is None
        assert first.postgres is not None and first.postgres.process is not None
        first.postgres.process.kill()
        first.postgres.process.wait()
        assert first.dead() == "postgres"
    with Cluster(place.name) as second:
        assert _remembered(second) == "kept"


def test_the_folder_of_data_is_closed_to_others(cluster: Cluster) -> None:
    for folder in (cluster.place.data, cluster.place.sockets):
        assert Path(folder).stat().st_mode & 0o077 == 0


def test_a_throwaway_cluster_leaves_no_file() -> None:
    with throwaway_cluster("gone", want_valkey=False) as running:
        folders = [running.place.state, running.place.data, running.place.sockets]
        assert all(folder.exists() for folder in folders)
    assert not any(folder.exists() for folder in folders)


def test_what_a_killed_throwaway_left_is_removed_by_the_next() -> None:
    left = Place("swept-999999999")  # no process has this number
    left.data.mkdir(parents=True)
    mine = Place(throwaway_name("swept"))
    mine.state.mkdir(parents=True)
    try:
        remove_leftovers("swept")
        assert not left.state.exists()
        assert mine.state.exists()
    finally:
        remove_files(mine)


def test_a_server_that_cannot_start_says_what_its_log_says(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(postgres.SETTINGS, "max_connections", "none")
    began = time.monotonic()
    with pytest.raises(ServiceError, match="max_connections"):
        Cluster(place.name, durable=False).start()
    assert time.monotonic() - began < 20
    with Cluster(place.name, want_postgres=False, want_valkey=False):
        pass  # the lock is free again


def _remember(cluster: Cluster, text: str) -> None:
    with psycopg.connect(cluster.database_url("owner")) as owner:
        owner.execute("CREATE TABLE memory (text text)")
        owner.execute("INSERT INTO memory VALUES (%s)", [text])


def _remembered(cluster: Cluster) -> str:
    with psycopg.connect(cluster.database_url("owner")) as owner:
        row = owner.execute("SELECT text FROM memory").fetchone()
    assert row is not None
    return str(row[0])


def _as_administrator(place: Place, statement: str) -> None:
    with psycopg.connect(host=str(place.sockets), user="postgres", dbname="postgres", autocommit=True) as server:
        server.execute(statement)
