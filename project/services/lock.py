"""One starter at a time for each set of servers."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

from project.services.errors import ServiceError


class Lock:
    """A lock file that the system frees when its holder dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO | None = None

    def take(self) -> None:
        """Raises ServiceError, naming the holder, when another process has it."""
        if not self.try_take():
            raise ServiceError(
                f"{self.path.parent} is in use by process {self.path.read_text().strip() or '?'}:"
                " the product is already running from this folder. Stop it first (Ctrl-C where it runs)."
            )

    def is_held(self) -> bool:
        """Whether some process has it now."""
        if not self.path.exists():
            return False
        with self.path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def try_take(self) -> bool:
        file = self.path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
