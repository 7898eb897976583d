"""The batches of a file that is imported: a large one is read in a process beside this one.

That process has nothing of this one's: no connection, no environment, and so no secret for whatever a file does to
the one that parses it. It ends with whoever listens to it.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO, cast

import msgspec

from learning.formats.batches import Batch
from learning.formats.bounds import BadFile
from learning.formats.reader import LENGTH, Order, Told

SMALL = 1_000_000  # bytes: to read them takes less than to start a process
COMMAND = [sys.executable, "-m", "learning.formats.reader"]
PROJECT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"PYTHONUTF8": "1", "LANG": "C.UTF-8"}


def batches_of(order: Order) -> Generator[Batch, None, None]:
    """What `read_batches` gives. Raises BadFile, and OSError where the file is not there or may not be read."""
    path = Path(order.path)
    if path.is_file() and path.stat().st_size <= SMALL:
        yield from order.batches()
    else:
        yield from read_beside(order)


def read_beside(order: Order) -> Generator[Batch, None, None]:
    """The same, by a reader that has the next batch ready while this one is stored."""
    with Popen(COMMAND, stdin=PIPE, stdout=PIPE, cwd=PROJECT, env=ENVIRONMENT) as reader:
        try:
            yield from _listen(reader, order)
        finally:
            reader.kill()


def _listen(reader: Popen[bytes], order: Order) -> Iterator[Batch]:
    asked, answers = cast(IO[bytes], reader.stdin), cast(IO[bytes], reader.stdout)
    with suppress(BrokenPipeError), asked:
        asked.write(msgspec.msgpack.encode(order))
    decoder = msgspec.msgpack.Decoder(Told)
    while head := answers.read(LENGTH):
        said = decoder.decode(answers.read(int.from_bytes(head)))
        if said.bad:
            raise BadFile(said.bad)
        if said.gone:
            raise FileNotFoundError(order.path)
        if said.batch:
            yield said.batch
    if code := reader.wait():
        raise RuntimeError(f"The process that read the file ended with {code}.")
