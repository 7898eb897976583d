"""What `make run` says: one line a step, with the seconds it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 22


class Console:
    """Prints at once, also into a pipe or a file."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def seconds(self) -> float:
        return time.monotonic() - self._began

    @contextmanager
    def step(self, name: str, result: str = "ready") -> Iterator[None]:
        began = time.monotonic()
        yield
        self.line(name, f"{result:<10} {time.monotonic() - began:5.1f} s")

    def line(self, name: str, text: str) -> None:
        self.say(f"  {name:<{WIDTH}} {text}")

    def say(self, text: str) -> None:
        print(text, flush=True)
