"""An application whose answers break off, for the web server: `/PIECES/PAUSE` gives so many, then an error.

`/PIECES/PAUSE/whole` ends as it should. A pause (in seconds) comes before the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from project.broken_streams import CutWhenBroken

PIECE = b"x" * 1_000_000


class Answer:
    """As Django's streaming response."""

    streaming = True

    def __init__(self, count: int, pause: float, whole: bool) -> None:
        self.count, self.pause, self.whole = count, pause, whole

    def has_header(self, name: str) -> bool:
        return False

    def close(self) -> None:
        pass

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self.count):
            yield PIECE
        time.sleep(self.pause)
        if not self.whole:
            raise RuntimeError("the rest is gone")


def answers(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
    count, pause, *whole = environ["PATH_INFO"].strip("/").split("/")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Answer(int(count), float(pause), bool(whole))


application = CutWhenBroken(answers)
