"""A database and a broker that live as long as a `with` block."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from project.services.addresses import database_url
from project.services.folders import data_folder, private_folder, state_folder
from project.services.lock import Lock
from project.services.place import Place
from project.services.postgres import Postgres
from project.services.processes import command_line
from project.services.valkey import Valkey


class Cluster:
    """PostgreSQL and Valkey under a name: `with Cluster("dev"): ...`; `durable=False` for data that is thrown away.

    Start it in the main thread: the servers are tied to the thread that started them. Raises ServiceError when another
    process runs the same cluster or a server does not start; then nothing stays running.
    """

    def __init__(
        self,
        name: str,
        durable: bool = True,
        want_postgres: bool = True,
        want_valkey: bool = True,
        seed: Path | None = None,
    ) -> None:
        self.place = Place(name)
        self.postgres = Postgres(self.place, durable, seed) if want_postgres else None
        self.valkey = Valkey(self.place, durable) if want_valkey else None
        self._lock = Lock(self.place.state / "lock")

    @property
    def servers(self) -> list[Postgres | Valkey]:
        return [server for server in (self.valkey, self.postgres) if server is not None]

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        state_folder(self.place)
        self._lock.take()
        try:
            data_folder(self.place)
            private_folder(self.place.sockets, self.place.account)
            for server in self.servers:
                server.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        for server in self.servers:
            server.stop()
        self._lock.release()

    def dead(self) -> str | None:
        """The name of a server that has ended by itself."""
        for server in self.servers:
            if server.process is not None and server.process.poll() is not None:
                return server.name
        return None

    def database_url(self, role: Literal["app", "owner"] = "app") -> str:
        return database_url(self.place.name, role)

    def environment(self) -> dict[str, str]:
        """Our environment for a subprocess that must use this cluster and no other."""
        others = {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "ALS_DATABASE_ROLE"}
        kept = {key: value for key, value in os.environ.items() if key not in others}
        return kept | {"ALS_SERVICES": self.place.name}


@contextmanager
def throwaway_cluster(
    purpose: str, *, want_valkey: bool = True, seed: Path | None = None, durable: bool = False
) -> Iterator[Cluster]:
    """A cluster with a name of its own, removed afterwards; also removes what killed predecessors left.

    It is fast, and lost when the power goes; `durable`: it waits for the disk as the product's does.
    `seed`: see project.services.seeds.
    """
    remove_leftovers(purpose)
    name = throwaway_name(purpose)
    try:
        with Cluster(name, durable=durable, want_valkey=want_valkey, seed=seed) as cluster:
            yield cluster
    finally:
        remove_files(Place(name))


def throwaway_name(purpose: str) -> str:
    """The name of this process's own cluster for a purpose, such as "bench-4711"."""
    return f"{purpose}-{os.getpid()}"


def remove_leftovers(purpose: str) -> None:
    """Remove the throw-away clusters of a purpose that nobody runs any more."""
    for state in Place(purpose).state.parent.glob(f"{purpose}-*"):
        pid = state.name.removeprefix(f"{purpose}-")
        if not pid.isdigit() or command_line(int(pid)):
            continue
        lock = Lock(state / "lock")
        with suppress(OSError):
            if lock.try_take():
                remove_files(Place(state.name))
                lock.release()


def remove_files(place: Place) -> None:
    """Remove all files of a cluster that has been stopped."""
    for folder in (place.sockets, place.data, place.state):
        shutil.rmtree(folder, ignore_errors=True)
