"""The whole product in one command: servers, tables, demo accounts, then web, worker, beat and model until a signal.

`python -m project.services.supervisor` is what `make run` starts; `manage.py up` is the same, two seconds slower.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from project.services import programs, schema
from project.services.addresses import MODEL_ALIAS, model_url
from project.services.children import Child
from project.services.cluster import Cluster
from project.services.console import Console
from project.services.diagnosis import examine_broker
from project.services.errors import ServiceError
from project.services.external import prepare_database
from project.services.local_model import serves
from project.services.options import Options
from project.services.place import PROJECT_DIR
from project.services.ports import answers, demand_free
from project.services.processes import die_with_parent, last_lines, shorten_log, spawn, stop

TICK = 0.25  # seconds between two looks at everything
HOUSEKEEPING = 600.0  # seconds between two looks at the size of the logs
HOPELESS = 4  # deaths before the first answer after which none is to be expected
STOP_ORDER = ("demo", "web", "beat", "worker", "model")  # nothing new comes in while the rest ends


class StopRequest(Exception):
    """Somebody asked us to stop."""


class Supervisor:
    """Keeps the product running."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.console = Console()
        self.cluster = Cluster(options.name, want_postgres=not options.database_url, want_valkey=not options.redis_url)
        self.place = self.cluster.place
        self.children: list[Child] = []
        self._asked_to_stop = False

    def run(self) -> int:
        """Returns the exit status: 0 after being asked to stop, 1 after a failure that has been printed."""
        for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(ending, self._ask_to_stop)
        self.console.say("Starting (logs in " + _short(self.place.log("x").parent) + ")")
        try:
            self._run()
        except StopRequest:
            return 0
        except ServiceError as error:
            self.console.say(f"\nProblem: {error}")
            return 1
        finally:
            self.console.say("Stopped.")

    def _run(self) -> NoReturn:
        self._demand_ports()
        self._demand_external_broker()
        with self.console.step(" and ".join(server.name for server in self.cluster.servers) or "lock"):
            self.cluster.start()
        try:
            self._start_model()  # loads its weights while the tables are made
            self._prepare_tables()
            self._start_children()
            self._prepare_accounts()  # while the children start
            self._wait_for_first_answer()
            self._announce()
            self._watch_for_ever()
        finally:
            self._stop_everything()

    def _demand_ports(self) -> None:
        demand_free(self.options.host, self.options.port, variable="PORT", purpose="pages")
        if not self.options.model_url:
            demand_free("127.0.0.1", self.options.model_port, variable="ALS_MODEL_PORT", purpose="local model")

    def _demand_external_broker(self) -> None:
        if self.options.redis_url:
            finding = examine_broker(self.options.redis_url)
            if not finding.ok:
                raise ServiceError(f"The broker of REDIS_URL does not answer: {finding.text}")
            self.console.line("external broker", "ready")

    def _start_model(self) -> None:
        if not self.options.model_url:
            self._start(programs.model(self.options))

    def _prepare_tables(self) -> None:
        if self.options.database_url:
            with self.console.step("external database"):
                prepare_database(self.options.database_url, self.options.database_owner_url)
            self._run_to_end("migrations", "migrate", "--no-input")
        elif schema.is_current(self.place.name):
            self.console.line("migrations", "nothing new")
        else:
            self._run_to_end("migrations", "migrate", "--no-input")
            schema.mark_current(self.place.name)

    def _prepare_accounts(self) -> None:
        if has_command("seed_demo"):
            self._run_to_end("demo accounts", "seed_demo")

    def _run_to_end(self, step: str, command: str, *arguments: str) -> None:
        log = self.place.log(command)
        with self.console.step(step, "done"):
            process = spawn(
                programs.manage(command, *arguments),
                log=log,
                environment=programs.Program(command, ()).full_environment(),
                folder=PROJECT_DIR,
            )
            try:
                while process.poll() is None:
                    self._pause()
            finally:
                stop(process, with_signal=signal.SIGTERM, patience=5)
            if process.returncode:
                raise ServiceError(f"`manage.py {command}` failed. {log}:\n{last_lines(log, 15)}")

    def _start_children(self) -> None:
        for program in (programs.web(self.options), programs.worker(), programs.beat(self.place)):
            self._start(program)

    def _start(self, program: programs.Program) -> Child:
        child = Child(program, self.place)
        self.children.append(child)
        child.start()
        return child

    def _wait_for_first_answer(self) -> None:
        with self.console.step("web, worker, beat"):
            while not answers(self.options.address):
                self._pause()
                for child in self.children:
                    if child.failures >= HOPELESS and child.name != "model":
                        raise ServiceError(f"{child.name} does not start.")
        if self.options.model_url:
            self.console.line("model", self.options.model_url)
        else:
            self._wait_for_model()

    def _wait_for_model(self) -> None:
        """Without it everything but the answers of the local model works, so that its failure is told and survived."""
        model = self.children[0]
        with self.console.step("model", MODEL_ALIAS):
            while model.failures < HOPELESS and not serves(model_url()):
                self._pause()

    def _announce(self) -> None:
        self.console.say(f"\nOpen {self.options.address}admin/learning/  (ready after {self.console.seconds():.1f} s)")
        sign_ins = self.place.state / "sign-ins.txt"
        if sign_ins.exists():
            self.console.say(sign_ins.read_text().rstrip())
        self.console.say("Ctrl-C stops everything.\n")

    def _watch_for_ever(self) -> NoReturn:
        demo = self._start_demo()
        checked = time.monotonic()
        while True:
            self._pause()
            if demo is not None and demo.exit_code is not None:
                self._finish_demo(demo)
                demo = None
            if time.monotonic() - checked > HOUSEKEEPING:
                checked = time.monotonic()
                for log in self.place.log("x").parent.glob("*.log"):
                    shorten_log(log)

    def _start_demo(self) -> Child | None:
        """Plays the demo once; an interrupted one is played again at the next start."""
        if not self.options.demo or not has_command("demo") or self._demo_mark().exists():
            return None
        self.console.say("The demo plays in the background; watch it on the dashboard. (DEMO=0 leaves it out.)")
        return self._start(programs.demo())

    def _finish_demo(self, demo: Child) -> None:
        self.children.remove(demo)
        if demo.exit_code == 0:
            self._demo_mark().touch()
            self.console.say("The demo has ended; its result:\n" + last_lines(demo.log, 12))
        else:
            self.console.say(f"The demo failed. {demo.log}:\n{last_lines(demo.log, 12)}")

    def _demo_mark(self) -> Path:
        return self.place.state / "demo-played"

    def _pause(self) -> None:
        """Wait one tick with an eye on everything that runs. Raises StopRequest or ServiceError."""
        time.sleep(TICK)
        if self._asked_to_stop:
            raise StopRequest
        if dead := self.cluster.dead():
            log = self.place.log(dead)
            raise ServiceError(f"{dead} has ended by itself. {log}:\n{last_lines(log)}")
        for child in self.children:
            if message := child.watch():
                self.console.say(message)

    def _stop_everything(self) -> None:
        self.console.say("Stopping ...")
        for child in sorted(self.children, key=lambda child: STOP_ORDER.index(child.name)):
            child.stop()
        self.cluster.stop()

    def _ask_to_stop(self, signal_number: int, frame: FrameType | None) -> None:
        self._asked_to_stop = True


def _short(path: Path) -> str:
    return str(path.relative_to(PROJECT_DIR)) if path.is_relative_to(PROJECT_DIR) else str(path)


def has_command(name: str) -> bool:
    """True when an app brings the management command `name`."""
    return any(PROJECT_DIR.glob(f"*/management/commands/{name}.py"))


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
