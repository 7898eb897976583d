"""The whole product for the length of a `with` block: servers, tables, accounts, then model, web, worker and beat."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from project.services import programs, schema
from project.services.addresses import DEFAULT_MODEL_PORT, MODEL_ALIAS, model_url
from project.services.children import Child
from project.services.cluster import Cluster
from project.services.console import Console
from project.services.diagnosis import examine_broker
from project.services.errors import ServiceError
from project.services.external import prepare_database
from project.services.local_model import serves, take_model_port
from project.services.options import Options
from project.services.place import ADDRESS_FILE, PROJECT_DIR
from project.services.ports import answers, demand_free
from project.services.processes import last_lines, spawn, stop

TICK = 0.25  # seconds between two looks at everything
HOPELESS = 4  # deaths before the first answer after which none is to be expected
# All but the model end at once: what they share ends last.
STOP_ORDER = ("demo", "web", "beat", "worker", "quick", "model")
TOLD_AFTER = 1.0  # seconds of waiting for a program after which it is named


class Product:
    """Starts everything on entering and stops it in order on leaving.

    `interrupted` is asked at every tick, also during a long start, and may raise. Raises ServiceError when a part does
    not start. Call `pause` in a loop to have dead parts started again.
    """

    def __init__(self, options: Options, console: Console, interrupted: Callable[[], None] = lambda: None) -> None:
        self.options = options
        self.console = console
        self.interrupted = interrupted
        self.cluster = Cluster(options.name, want_postgres=not options.database_url, want_valkey=not options.redis_url)
        self.place = self.cluster.place
        self.children: list[Child] = []

    def __enter__(self) -> Self:
        self._demand_ports()
        self._demand_external_broker()
        with self.console.step(" and ".join(server.name for server in self.cluster.servers) or "lock"):
            self.cluster.start()
        (self.place.state / ADDRESS_FILE).unlink(missing_ok=True)  # of a start that was killed
        try:
            self._start_model()  # loads its weights while the tables are made
            self._prepare_tables()
            for program in (programs.web(self.options), *programs.workers(self.options), programs.beat(self.place)):
                self.start(program)
            self._run_to_end("demo accounts", "seed_demo")  # while the programs start
            self._wait_for_first_answer()
            (self.place.state / ADDRESS_FILE).write_text(self.options.address)
        except BaseException:
            self._stop_everything()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_everything()

    def start(self, program: programs.Program) -> Child:
        """Run one more program together with the others."""
        child = Child(program, self.place)
        self.children.append(child)
        child.start()
        return child

    def pause(self) -> None:
        """Wait one tick with an eye on everything that runs. Raises ServiceError when a database has died."""
        time.sleep(TICK)
        self.interrupted()
        if dead := self.cluster.dead():
            log = self.place.log(dead)
            raise ServiceError(f"{dead} has ended by itself. {log}:\n{last_lines(log)}")
        for child in self.children:
            if message := child.watch():
                self.console.say(message)

    def _demand_ports(self) -> None:
        demand_free(self.options.host, self.options.port, variable="PORT", purpose="pages")
        if self.options.model_port and not self.options.model_url:
            demand_free("127.0.0.1", self.options.model_port, variable="ALS_MODEL_PORT", purpose="local model")

    def _demand_external_broker(self) -> None:
        if self.options.redis_url:
            finding = examine_broker(self.options.redis_url)
            if not finding.ok:
                raise ServiceError(f"The broker of REDIS_URL does not answer: {finding.text}")
            self.console.line("external broker", "ready")

    def _start_model(self) -> None:
        if not self.options.model_url:
            port = take_model_port(self.options.model_port)
            if port != (self.options.model_port or DEFAULT_MODEL_PORT):
                self.console.line("port of the model", f"{port}; {DEFAULT_MODEL_PORT} is taken")
            self.start(programs.model(port))

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
                    self.pause()
            finally:
                stop(process, with_signal=signal.SIGTERM, patience=5)
            if process.returncode:
                raise ServiceError(f"`manage.py {command}` failed. {log}:\n{last_lines(log, 15)}")

    def _wait_for_first_answer(self) -> None:
        with self.console.step("web, worker, beat"):
            while not answers(self.options.address):
                self.pause()
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
                self.pause()

    def _stop_everything(self) -> None:
        self.console.say("Stopping ...")
        children = sorted(self.children, key=lambda child: STOP_ORDER.index(child.name))
        for child in children:
            if child.name != "model":
                child.ask_to_stop()
        for child in children:
            self._stop_one(child)
        self.cluster.stop()

    def _stop_one(self, child: Child) -> None:
        """Wait for its end; a wait that a person notices is told."""
        deadline = time.monotonic() + TOLD_AFTER
        while child.pid is not None and child.name != "model":
            if time.monotonic() > deadline:
                self.console.line(child.name, f"ends what it does; {child.program.patience:.0f} s at most")
                break
            time.sleep(0.05)
        child.stop()
