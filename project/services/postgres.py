"""The embedded PostgreSQL: a foreground child of ours, reached through a Unix socket alone."""

from __future__ import annotations

import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from project.services.binaries import postgres_programs
from project.services.errors import ServiceError
from project.services.folders import private_folder
from project.services.memory import database_cache_mb, memory_mb
from project.services.place import Place
from project.services.processes import Process, end_leftover, last_lines, spawn, stop, wait_until
from project.services.roles import prepare_roles

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
# Collation by code point, provided by PostgreSQL itself: the same order on every machine.
INITDB = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "timezone": "UTC",
    "jit": "off",
    "shared_preload_libraries": "pg_stat_statements",
    "log_line_prefix": "%m %u@%d %p ",
}
# After each checkpoint a page is logged whole when it first changes. A million examples have an index of 800 MB that
# each batch of new clusters touches all over: with the usual 1 GB that was a checkpoint every 35 s, and 34 GB of log.
DURABLE = {"max_wal_size": "2GB"}
# For data that is thrown away: nothing survives a power cut, everything is faster.
DISPOSABLE = {"shared_buffers": "128MB", "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass
class Postgres:
    """One PostgreSQL server with the two roles, the extensions and the database `als`."""

    place: Place
    durable: bool
    seed: Path | None = None  # data of a stopped server to begin with, instead of nothing
    process: Process | None = None
    name: str = "postgres"

    @property
    def data(self) -> Path:
        return self.place.data / "postgres"

    @property
    def log(self) -> Path:
        return self.place.log(self.name)

    def start(self) -> None:
        """Returns when the server takes connections and has its roles. Raises ServiceError."""
        programs = postgres_programs(self.place.account)
        end_leftover(self.data / "postmaster.pid", running=str(self.data), with_signal=signal.SIGINT)
        if not (self.data / "PG_VERSION").exists():
            self._create(programs)
        self.process = spawn(
            [str(programs / "postgres"), "-D", str(self.data), *self._options()],
            log=self.log,
            environment=ENVIRONMENT,
            folder=Path("/"),
            account=self.place.account,
            death_signal=signal.SIGINT,  # a fast, clean shutdown
        )
        wait_until(self._answers, self.process, name="PostgreSQL", log=self.log, patience=60)
        prepare_roles(self.place.sockets)

    def stop(self) -> None:
        stop(self.process, with_signal=signal.SIGINT, patience=30)

    def _create(self, programs: Path) -> None:
        draft = self.data.with_name("postgres.new")  # an interrupted initdb leaves no half database
        shutil.rmtree(draft, ignore_errors=True)
        if self.seed and self.seed.exists():
            copy_data(self.seed, draft)
        else:
            self._initialize(programs, draft)
        draft.rename(self.data)

    def _initialize(self, programs: Path, draft: Path) -> None:
        account = self.place.account
        private_folder(draft, account)
        initdb = spawn(
            [str(programs / "initdb"), "-D", str(draft), *INITDB, *([] if self.durable else ["--no-sync"])],
            log=self.log,
            environment=ENVIRONMENT,
            folder=Path("/"),
            account=account,
        )
        if initdb.wait():
            raise ServiceError(f"PostgreSQL could not make its data folder {draft}.\n{last_lines(self.log)}")

    def _options(self) -> list[str]:
        settings = SETTINGS | (DURABLE if self.durable else DISPOSABLE)
        settings.setdefault("shared_buffers", f"{database_cache_mb(memory_mb())}MB")
        settings["unix_socket_directories"] = str(self.place.sockets)
        return [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(host=str(self.place.sockets), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True


def copy_data(source: Path, target: Path) -> None:
    """Copy the data folder of a stopped server with its owners and permissions."""
    subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], check=True)
