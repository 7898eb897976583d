"""A program of ours that is started again when it dies, sooner at first and later when it keeps dying."""

from __future__ import annotations

import signal
import time

from project.services.place import PROJECT_DIR, Place
from project.services.processes import Process, end_group, last_lines, spawn, stop
from project.services.programs import Program

FIRST_DELAY = 0.5  # seconds
LONGEST_DELAY = 30.0
STEADY_AFTER = 60.0  # seconds alive after which earlier failures are forgotten


class Child:
    """One running program under watch."""

    def __init__(self, program: Program, place: Place) -> None:
        self.program = program
        self.log = place.log(program.name)
        self.failures = 0
        self._process: Process | None = None
        self._started = 0.0
        self._due: float | None = None
        self._asked = False  # to stop

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def exit_code(self) -> int | None:
        """How the program ended; None while it runs or waits for its next start."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int | None:
        """Of the running program; None while it waits for its next start."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def start(self) -> None:
        self._due = None
        self._started = time.monotonic()
        self._process = spawn(
            self.program.argv,
            log=self.log,
            environment=self.program.full_environment(),
            folder=PROJECT_DIR,
            death_signal=self.program.death_signal,
        )

    def watch(self) -> str | None:
        """Look once; start it again when it is time. Returns a message when it has just died."""
        if self._due is not None and time.monotonic() >= self._due:
            self.start()
        if self._due is not None or self.exit_code is None or not self.program.restart:
            return None
        return self._plan_restart()

    def ask_to_stop(self) -> None:
        """Ask without waiting, so that several end at the same time; `stop` then waits."""
        self._due = None
        if self.pid is not None and self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._asked = True

    def stop(self) -> None:
        self._due = None
        # A second SIGTERM would cut short what the first has asked for; 0 asks for nothing.
        ask = 0 if self._asked else signal.SIGTERM
        stop(self._process, with_signal=ask, patience=self.program.patience)
        self._process, self._asked = None, False

    def _plan_restart(self) -> str:
        assert self._process is not None  # noqa: S101 - exit_code is set
        code = self._process.returncode
        end_group(self._process)  # children of a killed leader would keep its port
        self._process = None
        if time.monotonic() - self._started > STEADY_AFTER:
            self.failures = 0
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2**self.failures)
        self.failures += 1
        self._due = time.monotonic() + delay
        return f"{self.name} {_ending(code)}; it starts again in {delay:.1f} s. {self.log}:\n{last_lines(self.log)}"


def _ending(code: int) -> str:
    return f"ended with {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
