"""`manage.py up`, the real one: a web page, restarts, a clean end and an unclean one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from project.services import schema
from project.services.cluster import throwaway_cluster
from project.services.console import Console
from project.services.errors import ServiceError
from project.services.local_model import free_port, serves
from project.services.options import Options
from project.services.place import PROJECT_DIR
from project.services.ports import answers
from project.services.processes import command_line
from project.services.product import Product
from project.services.supervisor import Supervisor, main

FOREIGN = {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "OPENAI_BASE_URL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY"}


class RunningProduct:
    """One running `manage.py up` with files, ports and data of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.port, self.model_port = free_port(), free_port()
        self.address = f"http://127.0.0.1:{self.port}/"
        self.output = state / f"output-{self.port}.txt"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        kept = {key: value for key, value in os.environ.items() if key not in FOREIGN and not key.startswith("ALS_")}
        own = {
            "ALS_STATE_DIR": str(self.state),
            "PORT": str(self.port),
            "ALS_MODEL_PORT": str(self.model_port),
            "DEMO": "0",
        }
        with self.output.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "project.services.supervisor"],
                cwd=PROJECT_DIR,
                env=kept | own,
                stdout=output,
                stderr=output,
            )

    def said(self) -> str:
        return self.output.read_text()

    def wait_until_ready(self) -> None:
        self.until(lambda: "ready after" in self.said(), seconds=240)

    def until(self, condition: Callable[[], object], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None and time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def processes(self, marker: str = "") -> list[int]:
        """Every process that carries this product's state folder in its environment or arguments."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                text = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            except OSError:
                continue
            pid = int(folder.name)
            if str(self.state).encode() in text and marker in command_line(pid) and pid != self.process.pid:
                found.append(pid)
        return found


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """A folder that the servers' account can reach. Both starts share it: the second finds the first one's tables."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def product(state: Path) -> Iterator[RunningProduct]:
    running = RunningProduct(state)
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def gone(pids: list[int]) -> bool:
    return not any(command_line(pid) for pid in pids)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.model
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes through /proc")
def test_it_answers_restarts_what_dies_and_stops_cleanly(product: RunningProduct) -> None:
    assert answers(product.address)
    assert serves(f"http://127.0.0.1:{product.model_port}/v1")
    assert "/admin/learning/" in product.said()

    for name in ("celery -A project worker", "granian", "model_server"):
        victim = min(product.processes(name))
        os.kill(victim, signal.SIGKILL)
        product.until(lambda name=name, victim=victim: gone([victim]) and product.processes(name))
    product.until(lambda: answers(product.address), seconds=60)
    product.until(lambda: serves(f"http://127.0.0.1:{product.model_port}/v1"))
    assert product.said().count("SIGKILL; it starts again") == 3

    everything = product.processes()
    assert len(everything) > 6
    product.process.send_signal(signal.SIGTERM)
    assert product.process.wait(60) == 0
    assert gone(everything)
    assert product.said().endswith("Stopped.\n")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.model
@pytest.mark.skipif(sys.platform != "linux", reason="programs are tied to the supervisor on Linux alone")
def test_kill_9_of_it_leaves_no_process_behind(product: RunningProduct) -> None:
    everything = product.processes()
    assert len(everything) > 6
    product.process.kill()
    product.process.wait()
    deadline = time.monotonic() + 30
    while not gone(everything):
        assert time.monotonic() < deadline, [command_line(pid) for pid in everything]
        time.sleep(0.1)


def test_it_leaves_with_an_error_when_a_database_dies(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALS_STATE_DIR", str(state))
    monkeypatch.setenv("ALS_SERVICES", "dying")
    product = Product(Options.from_environment(), Console())
    monkeypatch.setattr(product.cluster, "postgres", None)
    with product.cluster:
        product.pause()  # all is well
        assert product.cluster.valkey is not None and product.cluster.valkey.process is not None
        product.cluster.valkey.process.kill()
        product.cluster.valkey.process.wait()
        with pytest.raises(ServiceError, match="valkey has ended by itself"):
            product.pause()


def test_a_taken_port_ends_it_at_once_with_advice(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        port = other.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        assert Supervisor(Options.from_environment()).run() == 1
    assert ".venv/bin/python manage.py up" in capfd.readouterr().out


def test_a_port_that_is_no_number_is_named(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "http")
    assert main() == 1
    assert "PORT is 'http'" in capfd.readouterr().err


def test_a_broker_of_yours_that_does_not_answer_ends_it_at_once(
    state: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", f"unix://{state}/nobody.sock")
    monkeypatch.setenv("PORT", str(free_port()))
    monkeypatch.setenv("ALS_MODEL_PORT", str(free_port()))
    assert Supervisor(Options.from_environment()).run() == 1
    assert "REDIS_URL does not answer" in capfd.readouterr().out


def test_the_tables_are_current_only_after_this_very_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    with throwaway_cluster("schema", want_valkey=False) as cluster:
        name = cluster.place.name
        assert not schema.is_current(name)
        schema.mark_current(name)
        assert schema.is_current(name)
        monkeypatch.setattr(schema, "schema_digest", lambda: "tables of another release")
        assert not schema.is_current(name)


def test_every_migration_counts_for_the_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app/migrations").mkdir(parents=True)
    (tmp_path / "requirements.txt").touch()
    monkeypatch.setattr(schema, "PROJECT_DIR", tmp_path)
    digests = [schema.schema_digest()]
    for name, text in (("0001_initial.py", "a"), ("0001_initial.py", "b"), ("0002_more.py", "")):
        (tmp_path / "app/migrations" / name).write_text(text)
        digests.append(schema.schema_digest())
    assert len(set(digests)) == 4
