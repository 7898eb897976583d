"""Starting and ending other programs so that none of them outlives us, not even after kill -9."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from project.services.account import Account
from project.services.errors import ServiceError

Process = subprocess.Popen[bytes]
LOG_LIMIT = 10_000_000  # bytes: a larger log is put aside, one old one is kept
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)  # loaded now: nothing may be loaded between fork and exec


def spawn(
    argv: Sequence[str],
    *,
    log: Path | None,
    environment: Mapping[str, str],
    folder: Path,
    account: Account | None = None,
    death_signal: int = signal.SIGTERM,
) -> Process:
    """Start a program in a session of its own, its output appended to `log` (None: our own output).

    On Linux it gets `death_signal` when the thread that called this ends, so call it from the main thread.
    """
    output = None if log is None else open_log(log)
    runner = account.name if account else "this account"
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
            preexec_fn=_tether(death_signal),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except PermissionError as error:
        raise ServiceError(f"Cannot start {argv[0]} as {runner}: {error}") from error
    finally:
        if output is not None:
            os.close(output)


def _tether(death_signal: int) -> Callable[[], None]:
    """Runs in the child after it became the other account: a change of account clears the setting."""
    parent = os.getpid()

    def tie() -> None:
        die_with_parent(death_signal)
        if os.getppid() != parent:  # it died before we were tied to it
            os._exit(1)

    return tie


def die_with_parent(death_signal: int) -> None:
    """Ask the system to send us `death_signal` when our parent ends (Linux; nothing elsewhere)."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, death_signal)


def open_log(path: Path) -> int:
    """A file descriptor for appending to a log that only we can read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def shorten_log(path: Path) -> None:
    """Put a large log aside while its program keeps writing to it: programs append, so an emptied file goes on."""
    if path.stat().st_size > LOG_LIMIT:
        shutil.copyfile(path, path.with_suffix(".log.1"))
        os.truncate(path, 0)


def last_lines(log: Path, count: int = 5) -> str:
    """The end of a log, for a message; empty when there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4000))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-count:])


def stop(process: Process | None, *, with_signal: int, patience: float) -> None:
    """Ask a program to end; after `patience` seconds end it and all of its own children."""
    if process is None:
        return
    if process.poll() is None:
        process.send_signal(with_signal)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    end_group(process)


def end_group(process: Process) -> None:
    """Kill what is left of a program's own process group, children of a dead leader included."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(ready: Callable[[], bool], process: Process, *, name: str, log: Path, patience: float) -> None:
    """Poll `ready` until it says True. Raises ServiceError when the program ends before, or is not ready in time."""
    deadline = time.monotonic() + patience
    while not ready():
        if process.poll() is not None:
            raise ServiceError(f"{name} ended with {process.returncode} while starting. {log}:\n{last_lines(log)}")
        if time.monotonic() > deadline:
            raise ServiceError(f"{name} was not ready within {patience:.0f} s. {log}:\n{last_lines(log)}")
        time.sleep(0.03)


def end_leftover(pid_file: Path, *, running: str, with_signal: int, patience: float = 30) -> None:
    """End the server that a killed holder of our lock left behind, or wait until it has ended by itself.

    `running` must occur in its command line: process numbers are used again.
    """
    deadline = time.monotonic() + patience
    while (pid := _first_number(pid_file)) and running in command_line(pid):
        if time.monotonic() > deadline:
            raise ServiceError(f"Process {pid} of an earlier start does not end. End it, then start again.")
        with suppress(ProcessLookupError):
            os.kill(pid, with_signal)
        time.sleep(0.2)


def _first_number(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def command_line(pid: int) -> str:
    """The arguments of a running process; empty when there is none."""
    proc = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    return subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
