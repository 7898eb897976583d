"""The batches of a file that is imported: a large one is read in a process beside this one.

That process has nothing of this one's: no connection, no environment, and so no secret for whatever a file does to
the one that parses it. It ends with whoever listens to it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL
from subprocess import PIPE, Popen
from typing import IO, cast

import msgspec

from learning.formats.batches import Batch
from learning.formats.bounds import BadFile
from learning.formats.reader import LENGTH, Order, Told

log = logging.getLogger(__name__)
SMALL = 1_000_000  # bytes: to read them takes less than to start a process
COMMAND = [sys.executable, "-m", "learning.formats.reader"]
PROJECT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"PYTHONUTF8": "1", "LANG": "C.UTF-8"}


class ReaderLost(Exception):
    """The system did not let the reader go on, whatever is in the file; the text says so to a person."""


def batches_of(order: Order) -> Generator[Batch, None, None]:
    """What `read_batches` gives. Raises BadFile, ReaderLost, and OSError where the file cannot be opened."""
    path = Path(order.path)
    if path.is_file() and path.stat().st_size <= SMALL:
        yield from order.batches()
    else:
        yield from read_beside(order)


def read_beside(order: Order) -> Generator[Batch, None, None]:
    """The same, by a reader that has the next batch ready while this one is stored."""
    with _started() as reader:
        try:
            yield from _listen(reader, order)
        finally:
            reader.kill()


def _started() -> Popen[bytes]:
    try:
        return Popen(COMMAND, stdin=PIPE, stdout=PIPE, cwd=PROJECT, env=ENVIRONMENT)
    except OSError as error:  # it is not the file that is at fault
        log.exception("No process could be started to read a file")
        raise ReaderLost("this machine could not start the process that reads it; resume the import later") from error


def _listen(reader: Popen[bytes], order: Order) -> Iterator[Batch]:
    asked, answers = cast(IO[bytes], reader.stdin), cast(IO[bytes], reader.stdout)
    with suppress(BrokenPipeError), asked:
        asked.write(msgspec.msgpack.encode(order))
    decoder = msgspec.msgpack.Decoder(Told)
    while frame := _next_frame(answers):
        said = decoder.decode(frame)
        if said.bad:
            raise BadFile(said.bad)
        if said.gone:
            raise FileNotFoundError(order.path)
        if said.batch is None:
            reader.wait()
            return
        yield said.batch
    raise _loss(reader.wait())


def _next_frame(answers: IO[bytes]) -> bytes:
    """Empty where the reader has ended, be it in the middle of one."""
    length = int.from_bytes(answers.read(LENGTH))
    frame = answers.read(length)
    return frame if len(frame) == length else b""


def _loss(code: int) -> Exception:
    """Why there was no word of the end: without it the code alone says nothing, where the system forgets codes."""
    if code == -SIGKILL:
        log.error("The process that read a file was killed")
        return ReaderLost("the process that read it was killed, mostly for want of memory; resume the import later")
    return RuntimeError(f"The process that read the file ended with {code}.")
