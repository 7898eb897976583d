"""What `make run` can be told through the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Self

from project.services.addresses import DEFAULT_MODEL_PORT, port_number
from project.services.errors import ServiceError
from project.services.place import default_name


@dataclass(frozen=True)
class Options:
    """Where to listen and which parts are somebody else's. Empty texts mean: our own embedded part."""

    name: str
    host: str
    port: int
    model_port: int | None  # None: the usual one, or a free one when that is taken
    database_url: str
    database_owner_url: str
    redis_url: str
    model_url: str
    worker_processes: int
    demo: bool

    @classmethod
    def from_environment(cls) -> Self:
        """Raises ServiceError when a value cannot be used."""
        return cls(
            name=default_name(),
            host=os.environ.get("HOST") or "127.0.0.1",
            port=port_number("PORT", 8000),
            model_port=port_number("ALS_MODEL_PORT", DEFAULT_MODEL_PORT) if os.environ.get("ALS_MODEL_PORT") else None,
            database_url=os.environ.get("DATABASE_URL", ""),
            database_owner_url=os.environ.get("DATABASE_OWNER_URL", ""),
            redis_url=os.environ.get("REDIS_URL", ""),
            model_url=os.environ.get("OPENAI_BASE_URL", ""),
            worker_processes=count_of("WORKER_PROCESSES", 3),
            demo=os.environ.get("DEMO") != "0",
        )

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the pages."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"


def count_of(variable: str, default: int) -> int:
    """The number in an environment variable. Raises ServiceError when it is no whole number above 0."""
    text = os.environ.get(variable) or str(default)
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ServiceError(f"{variable} is {text!r}; it must be a whole number, 1 or more.")
    return int(text)
