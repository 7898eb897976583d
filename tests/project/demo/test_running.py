"""Which product the demo plays against, and how it ends when there is none any more."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from project.demo import running
from project.management.commands import demo
from project.services.lock import Lock
from project.services.options import Options
from project.services.place import ADDRESS_FILE, Place, default_name
from project.services.supervisor import DEMO_TRIES, Supervisor


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALS_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("DEMO", "1")
    folder = Place(default_name()).state
    folder.mkdir(parents=True)
    return folder


def address(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(running, "answers", lambda address: True)
    monkeypatch.setattr(running, "_demand_model", lambda options: None)
    with running.running_product(lambda line: None, may_start=False) as found:
        return found


def test_the_demo_finds_the_product_of_its_folder_on_any_port(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8000")
    (state / ADDRESS_FILE).write_text("http://127.0.0.1:8015/")
    lock = Lock(state / "lock")
    lock.take()
    assert address(monkeypatch) == "http://127.0.0.1:8015/"
    lock.release()
    assert address(monkeypatch) == "http://127.0.0.1:8000/", "what a killed product left behind counts for nothing"


@pytest.mark.parametrize(
    "error", [OperationalError("connection refused"), demo.BrokerError("gone"), KeyboardInterrupt()]
)
def test_a_product_that_goes_away_ends_the_demo_with_one_sentence(
    state: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    @contextmanager
    def gone(*args: Any, **kwargs: Any) -> Any:
        raise error
        yield

    monkeypatch.setattr(demo, "running_product", gone)
    with pytest.raises(CommandError, match="play"):
        call_command("demo")
    assert not (state / "demo-played").exists()


def test_a_demo_that_does_not_end_well_is_played_at_two_starts_alone(
    state: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    played = []
    for _ in range(DEMO_TRIES + 2):
        supervisor = Supervisor(Options.from_environment())
        monkeypatch.setattr(supervisor.product, "start", played.append)
        supervisor._start_demo()
    assert len(played) == 2
    assert "did not end well in 2 tries; `.venv/bin/python manage.py demo` plays it again" in capfd.readouterr().out


def test_a_demo_that_has_ended_well_is_not_played_at_a_start(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (state / "demo-played").touch()
    supervisor = Supervisor(Options.from_environment())
    monkeypatch.setattr(supervisor.product, "start", lambda program: pytest.fail("played again"))
    supervisor._start_demo()
