"""Keeps the whole product running until a signal: `python -m project.services.supervisor` is what `make run` starts.

`manage.py up` is the same, two seconds slower.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from project.services import programs
from project.services.children import Child
from project.services.console import Console
from project.services.errors import ServiceError
from project.services.options import Options
from project.services.place import DEMO_MARK, PROJECT_DIR, TYPED
from project.services.processes import die_with_parent, last_lines, shorten_log
from project.services.product import Product

DEMO_TRIES = 2  # starts that play the demo until it has ended well
HOUSEKEEPING = 600.0  # seconds between two looks at the size of the logs


class StopRequest(Exception):
    """Somebody asked us to stop."""


class Supervisor:
    """Starts the product, says where it is, plays the demo once, and watches."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.console = Console()
        self.product = Product(options, self.console, self._raise_when_asked_to_stop)
        self.state = self.product.place.state
        self._asked_to_stop = False

    def run(self) -> int:
        """Returns the exit status: 0 after being asked to stop, 1 after a failure that has been printed."""
        for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(ending, self._ask_to_stop)
        self.console.say(f"Starting (logs in {_short(self.state / 'log')})")
        try:
            with self.product:
                self._announce()
                self._watch_for_ever()
        except StopRequest:
            return 0
        except ServiceError as error:
            self.console.say(f"\nProblem: {error}")
            return 1
        finally:
            self.console.say("Stopped.")

    def _announce(self) -> None:
        self.console.say(f"\nOpen {self.options.address}admin/learning/  (ready after {self.console.seconds():.1f} s)")
        sign_ins = self.state / "sign-ins.txt"
        if sign_ins.exists():
            self.console.say(sign_ins.read_text().rstrip())
        self.console.say("Ctrl-C stops everything.\n")

    def _watch_for_ever(self) -> NoReturn:
        demo = self._start_demo()
        checked = time.monotonic()
        while True:
            self.product.pause()
            if demo is not None and demo.exit_code is not None:
                self._finish_demo(demo)
                demo = None
            if time.monotonic() - checked > HOUSEKEEPING:
                checked = time.monotonic()
                for log in (self.state / "log").glob("*.log"):
                    shorten_log(log)

    def _start_demo(self) -> Child | None:
        """Plays the demo until it has ended well once, at DEMO_TRIES starts at most."""
        if not self.options.demo or not self._may_try_demo():
            return None
        self.console.say("The demo plays in the background; watch it on the dashboard. (DEMO=0 leaves it out.)")
        return self.product.start(programs.demo())

    def _finish_demo(self, demo: Child) -> None:
        self.product.children.remove(demo)
        if demo.exit_code == 0:
            self._demo_mark.touch()
            self.console.say("The demo has ended; its result:\n" + last_lines(demo.log, 12))
        else:
            self.console.say(f"The demo failed; `{TYPED} demo` plays it again. {demo.log}:\n{last_lines(demo.log, 12)}")

    def _may_try_demo(self) -> bool:
        """Counts the try, so that one that is cut short counts too."""
        tries = self.state / "demo-tries"
        made = len(tries.read_text().split()) if tries.exists() else 0
        if self._demo_mark.exists():
            return False
        if made >= DEMO_TRIES:
            self.console.say(f"The demo did not end well in {made} tries; `{TYPED} demo` plays it again.")
            return False
        with tries.open("a") as file:
            file.write("try\n")
        return True

    @property
    def _demo_mark(self) -> Path:
        return self.state / DEMO_MARK

    def _raise_when_asked_to_stop(self) -> None:
        if self._asked_to_stop:
            raise StopRequest

    def _ask_to_stop(self, signal_number: int, frame: FrameType | None) -> None:
        self._asked_to_stop = True


def _short(path: Path) -> str:
    return str(path.relative_to(PROJECT_DIR)) if path.is_relative_to(PROJECT_DIR) else str(path)


def main() -> int:
    """Run the product as the environment says. Returns the exit status."""
    if os.environ.get("ALS_DIE_WITH_PARENT"):  # `make run`: when make is killed, nothing stays behind
        die_with_parent(signal.SIGTERM)
    try:
        return Supervisor(Options.from_environment()).run()
    except ServiceError as error:
        print(f"Problem: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
