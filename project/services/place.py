"""Where one set of servers keeps its files. The name is its whole identity: every process derives the same folders."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from project.services.account import Account, server_account
from project.services.errors import ServiceError

PROJECT_DIR = Path(__file__).resolve().parents[2]
TYPED = ".venv/bin/python manage.py"  # how people run a command, for messages
# For root with a tree below a closed folder such as /root, which the servers' account cannot enter.
SYSTEM_DIR = Path("/var/lib/agent-learning")
DEMO_MARK = "demo-played"  # the file in the state folder that says that a demo has ended well
ADDRESS_FILE = "address"  # in the state folder: where the product that runs, or the last one, answers
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
LONGEST_SOCKET_FOLDER = 80  # characters: a Unix socket's whole path holds 107 bytes


def default_name() -> str:
    """The set of servers this process belongs to: ALS_SERVICES, else "dev"."""
    return os.environ.get("ALS_SERVICES") or "dev"


@dataclass(frozen=True)
class Place:
    """The folders of one set of servers, "dev" for the product.

    `state` belongs to us (keys, logs, marks); `data` and `sockets` belong to the account the servers run as.
    """

    name: str

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ServiceError(f"{self.name!r} is no name for a set of servers: small letters, digits and - only.")

    @cached_property
    def account(self) -> Account | None:
        return server_account()

    @cached_property
    def state(self) -> Path:
        return Path(os.environ.get("ALS_STATE_DIR") or PROJECT_DIR / "var").resolve() / self.name

    @cached_property
    def data(self) -> Path:
        """Beside the state, unless the servers' account cannot get there."""
        if self.account is None or (self.state / "data").exists():
            return self.state / "data"
        if self.elsewhere.exists() or not self.account.can_reach(_nearest_existing(self.state)):
            return self.elsewhere
        return self.state / "data"

    @property
    def elsewhere(self) -> Path:
        """The folder outside the tree, of this tree alone."""
        return SYSTEM_DIR / f"{self.name}-{_digest(self.state)}"

    @cached_property
    def sockets(self) -> Path:
        folder = self.data / "sockets"
        if len(str(folder)) <= LONGEST_SOCKET_FOLDER:
            return folder
        return Path(tempfile.gettempdir()) / f"agent-learning-{os.geteuid()}-{_digest(folder)}"

    def log(self, program: str) -> Path:
        return self.state / "log" / f"{program}.log"


def _nearest_existing(path: Path) -> Path:
    return next(step for step in (path, *path.parents) if step.exists())


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]
