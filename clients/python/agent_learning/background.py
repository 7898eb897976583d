"""How things are sent in the background, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Background:
    """How things are sent in the background.

    capacity and max_bytes bound what waits. When it is full, `when_full` says what happens: "drop_oldest" loses the
    oldest item, "block" waits up to `patience` seconds for room before it does the same. Every loss is counted.
    A batch is sent when `batch_size` items are there or `interval` seconds after the first; at the end of the process
    what is left is sent for `exit_timeout` seconds.
    """

    capacity: int = 10_000
    max_bytes: int = 64_000_000
    batch_size: int = 200
    interval: float = 1.0
    when_full: Literal["drop_oldest", "block"] = "drop_oldest"
    patience: float = 1.0
    exit_timeout: float = 5.0

    def __post_init__(self) -> None:
        if self.capacity < 1 or not 1 <= self.batch_size <= 1000 or self.max_bytes < 1:
            raise ValueError("capacity and max_bytes are at least 1, batch_size from 1 to 1000")
        if self.when_full not in ("drop_oldest", "block"):
            raise ValueError('when_full is "drop_oldest" or "block"')


@dataclass
class Counts:
    """What became of everything that was put in by this process. waiting + stored + refused + lost = put."""

    put: int = 0
    stored: int = 0  # by the server, for good
    refused: int = 0  # by the server, with a reason that is logged
    lost: int = 0  # dropped since there was no room or no time, or because it was no JSON
    retries: int = 0
    last_problem: str = ""

    @property
    def waiting(self) -> int:
        return self.put - self.settled

    @property
    def settled(self) -> int:
        return self.stored + self.refused + self.lost
