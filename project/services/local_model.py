"""Starting the local model's server and finding out whether it answers."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from project.services.addresses import DEFAULT_MODEL_PORT, model_port_file
from project.services.place import PROJECT_DIR
from project.services.ports import obstacle_at
from project.services.processes import Process, spawn, stop, wait_until

# Threads that wait for work must sleep, not spin: spinning next to a busy neighbour costs nine tenths of the speed.
ENVIRONMENT = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"}


class ModelServer:
    """The model's server for as long as a `with` block, on a free port unless one is given."""

    def __init__(self, log: Path, port: int | None = None) -> None:
        self.log = log
        self.port = port or free_port()
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self._process = spawn(
            model_command(self.port), log=self.log, environment=model_environment(), folder=PROJECT_DIR
        )
        try:
            wait_until(lambda: serves(self.url), self._process, name="The model", log=self.log, patience=120)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        stop(self._process, with_signal=signal.SIGTERM, patience=5)


def model_command(port: int) -> list[str]:
    return [sys.executable, "-m", "project.services.model_server", "--port", str(port)]


def model_environment() -> dict[str, str]:
    return {**os.environ, **ENVIRONMENT}


def serves(url: str, *, api_key: str = "local", timeout: float = 2) -> bool:
    """True when an OpenAI-compatible server lists its models at `url`; the local one does so once it can answer."""
    return bool(served_models(url, api_key=api_key, timeout=timeout))


def served_models(url: str, *, api_key: str = "local", timeout: float = 2) -> list[str]:
    """The ids of the models at `url`; none when nothing understandable answers there."""
    request = urllib.request.Request(f"{url.rstrip('/')}/models", headers={"Authorization": f"Bearer {api_key}"})  # noqa: S310 - the operator's own address
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310
            return [str(model["id"]) for model in json.load(response)["data"]]
    except (urllib.error.URLError, OSError, ValueError, KeyError, TypeError):
        return []


def take_model_port(named: int | None) -> int:
    """The local model's port for this start: the named one, else 8089 or, when that is taken, a free one.

    It is written down for all other processes, so only the holder of the lock may call this.
    """
    port = named or (free_port() if obstacle_at("127.0.0.1", DEFAULT_MODEL_PORT) else DEFAULT_MODEL_PORT)
    model_port_file().write_text(f"{port}\n")
    return port


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
