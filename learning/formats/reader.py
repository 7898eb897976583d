"""Reads a file in a process of its own: `python -m learning.formats.reader`, told what by an Order on its input. Pure.

Python runs one thread at a time, so a thread that parses takes turns with the one that stores. Each frame that is
written is a Told, after its length in four bytes. Whoever reads takes the next frame when it likes: until then this
process has one batch ready, and waits. It ends with whoever reads, and by no signal that is meant for them: what stops
the product often reaches all of its processes, and the import is then put back by the one that stores.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import msgspec

from learning.formats.batches import Batch, read_batches
from learning.formats.bounds import BadFile

LENGTH = 4  # bytes
ENCODE = msgspec.msgpack.Encoder().encode


class Order(msgspec.Struct):
    """What `read_batches` is asked."""

    path: str
    format: str
    columns: dict[str, str]
    cursor: dict[str, int]

    def batches(self) -> Iterator[Batch]:
        return read_batches(Path(self.path), self.format, self.columns, self.cursor)


class Told(msgspec.Struct):
    """A batch, or why there are no more: a file that cannot be read on, or that is not there; empty: its end."""

    batch: Batch | None = None
    bad: str = ""
    gone: bool = False


def main() -> None:
    for asked_to_stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked_to_stop, signal.SIG_IGN)
    Thread(target=_end_with_the_listener, daemon=True).start()
    order = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Order)
    try:
        for batch in order.batches():
            _write(Told(batch))
        _write(Told())
    except BadFile as error:
        _write(Told(bad=str(error)))
    except BrokenPipeError:
        raise SystemExit(1) from None  # nobody listens any more
    except OSError:
        _write(Told(gone=True))


def _end_with_the_listener() -> None:
    """Whatever is being read then: where there is no row for long, nothing is written that would tell."""
    listener = select.poll()
    listener.register(sys.stdout, 0)  # an error, which is told unasked: the other end of the pipe was closed
    listener.poll()
    os._exit(1)


def _write(told: Told) -> None:
    frame = ENCODE(told)
    sys.stdout.buffer.write(len(frame).to_bytes(LENGTH) + frame)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
