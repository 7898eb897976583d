"""The embedded Valkey, a Redis-protocol server: broker of the tasks and cache, reached through a Unix socket alone."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

from project.services.binaries import valkey_program
from project.services.folders import private_folder
from project.services.place import Place
from project.services.processes import Process, end_leftover, spawn, stop, wait_until


@dataclass
class Valkey:
    """One Valkey server. It can lose its last second in a power cut: what matters is a row in the database."""

    place: Place
    durable: bool
    process: Process | None = None
    name: str = "valkey"

    @property
    def log(self) -> Path:
        return self.place.log(self.name)

    @property
    def socket(self) -> Path:
        return self.place.sockets / "valkey.sock"

    def start(self) -> None:
        """Returns when the server answers. Raises ServiceError."""
        data = private_folder(self.place.data / "valkey", self.place.account)
        pid_file = self.place.sockets / "valkey.pid"
        # Waited for: a server that ends late would remove the socket of its successor.
        end_leftover(pid_file, running="valkey-server", with_signal=signal.SIGTERM)
        self.process = spawn(
            [str(valkey_program(self.place.account)), *self._options(data, pid_file)],
            log=self.log,
            environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            folder=Path("/"),
            account=self.place.account,
            death_signal=signal.SIGTERM,
        )
        wait_until(self._answers, self.process, name="Valkey", log=self.log, patience=30)

    def stop(self) -> None:
        stop(self.process, with_signal=signal.SIGTERM, patience=10)

    def _options(self, data: Path, pid_file: Path) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "pidfile": str(pid_file),
            "dir": str(data),
            "daemonize": "no",
            "maxmemory-policy": "noeviction",  # a queue must not lose messages to make room
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "save": "",
        }
        return [part for key, value in options.items() for part in (f"--{key}", value)]

    def _answers(self) -> bool:
        import redis

        client = redis.Redis(unix_socket_path=str(self.socket))
        try:
            return bool(client.ping())
        except redis.RedisError:  # not there yet, or still loading
            return False
        finally:
            client.close()
