"""Programs under watch: started again when they die, ended with all of their own children."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from project.services import children, ports
from project.services.children import Child
from project.services.errors import ServiceError
from project.services.place import Place
from project.services.ports import answers, demand_free
from project.services.processes import command_line, end_leftover, last_lines, shorten_log, spawn, stop
from project.services.programs import Program

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("ALS_STATE_DIR", str(tmp_path))
    return Place("dev")


@pytest.fixture
def watched(place: Place) -> Iterator[Callable[[list[str]], Child]]:
    """watched(argv) -> a started child, ended after the test."""
    started: list[Child] = []

    def start(argv: list[str]) -> Child:
        child = Child(Program("sample", argv), place)
        started.append(child)
        child.start()
        return child

    yield start
    for child in started:
        child.stop()


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def pid_of(child: Child) -> int:
    assert child._process is not None
    return child._process.pid


def test_a_living_child_is_left_alone(watched: Callable[[list[str]], Child]) -> None:
    child = watched(SLEEP)
    assert child.watch() is None
    assert child.exit_code is None


def test_a_killed_child_is_started_again(watched: Callable[[list[str]], Child]) -> None:
    child = watched(SLEEP)
    first = pid_of(child)
    os.kill(first, signal.SIGKILL)
    until(lambda: child.exit_code is not None)
    message = child.watch()
    assert message is not None and "SIGKILL" in message
    until(lambda: child.watch() is None and child._process is not None)
    assert pid_of(child) != first


def test_a_child_that_keeps_dying_waits_longer_each_time(
    watched: Callable[[list[str]], Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "FIRST_DELAY", 0.01)
    child = watched([sys.executable, "-c", "raise SystemExit('cannot open the shop')"])
    messages: list[str] = []

    def three_deaths() -> bool:
        messages.extend(filter(None, [child.watch()]))
        return len(messages) == 3

    until(three_deaths)
    assert [children.FIRST_DELAY * 2**n for n in range(3)] == [0.01, 0.02, 0.04]
    assert "starts again in 0.0 s" in messages[0]
    assert all("cannot open the shop" in message for message in messages)  # the error is seen, not only logged
    assert child.failures == 3


def test_the_waiting_is_bounded_and_forgotten_after_a_steady_minute(
    watched: Callable[[list[str]], Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    child = watched([sys.executable, "-c", ""])
    child.failures = 20
    until(lambda: child.exit_code is not None)
    assert "30.0 s" in (child.watch() or "")
    child.stop()
    child.start()
    until(lambda: child.exit_code is not None)
    monkeypatch.setattr(children, "STEADY_AFTER", 0.0)
    assert "0.5 s" in (child.watch() or "")


def test_stopping_ends_the_childs_own_children(place: Place, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open({str(pids)!r}, "w").write(str(grandchild.pid))
time.sleep(600)
"""
    child = Child(Program("stubborn", [sys.executable, "-c", code], patience=0.2), place)
    child.start()
    until(lambda: pids.exists() and pids.read_text())
    grandchild = int(pids.read_text())
    assert command_line(grandchild)
    child.stop()
    until(lambda: not command_line(grandchild))


def test_a_leftover_is_ended_and_a_stranger_with_its_number_is_not(tmp_path: Path) -> None:
    process = spawn(SLEEP, log=None, environment=os.environ, folder=tmp_path)
    try:
        pid_file = tmp_path / "server.pid"
        pid_file.write_text(f"{process.pid}\nmore lines")
        end_leftover(pid_file, running="another program", with_signal=signal.SIGTERM)
        assert process.poll() is None
        pid_file.write_text("not a number")
        end_leftover(pid_file, running="sleep", with_signal=signal.SIGTERM)
        assert process.poll() is None
    finally:
        stop(process, with_signal=signal.SIGTERM, patience=5)


def test_a_large_log_is_put_aside_while_its_program_goes_on_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("project.services.processes.LOG_LIMIT", 100)
    log = tmp_path / "program.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 200)
        shorten_log(log)
        writer.write(b"after\n")
    assert log.read_text() == "after\n"
    assert (tmp_path / "program.log.1").stat().st_size == 200


def test_the_end_of_a_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "program.log"
    assert last_lines(log) == ""
    log.write_text("\n".join(f"line {n}" for n in range(10_000)))
    assert last_lines(log, 2) == "    line 9998\n    line 9999"


@pytest.mark.parametrize(("mark", "command"), [("1", "make run"), ("", ".venv/bin/python manage.py up")])
def test_a_taken_port_is_named_with_the_way_to_choose_another(
    mark: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALS_DIE_WITH_PARENT", mark)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        port = other.getsockname()[1]
        with pytest.raises(ServiceError, match=rf"Port {port} .* PORT=\d+ {command}$"):
            demand_free("127.0.0.1", port, variable="PORT", purpose="pages")
    demand_free("127.0.0.1", port, variable="PORT", purpose="pages")
    assert not answers(f"http://127.0.0.1:{port}/")


def test_the_port_that_is_proposed_instead_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {8000, 8001, 8002}
    monkeypatch.setattr(ports, "obstacle_at", lambda host, port: "Address already in use" if port in taken else "")
    with pytest.raises(ServiceError, match="PORT=8003 "):
        demand_free("127.0.0.1", 8000, variable="PORT", purpose="pages")
