"""`manage.py doctor`: a line for each part, and what to do about a sick one."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from project.services import diagnosis
from project.services.local_model import free_port


def test_a_python_of_today_and_a_roomy_disk_are_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert diagnosis.examine_python().ok
    monkeypatch.setattr(diagnosis, "SCARCE_DISK", 1)
    assert diagnosis.examine_disk(tmp_path / "not" / "there" / "yet").ok


def test_an_old_python_and_a_full_disk_are_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "OLDEST_PYTHON", (99, 0))
    monkeypatch.setattr(diagnosis, "SCARCE_DISK", 10**18)
    assert "Install Python" in diagnosis.examine_python().advice
    assert "Make room" in diagnosis.examine_disk(tmp_path).advice


def test_a_broker_and_a_model_that_are_not_there_are_problems(tmp_path: Path) -> None:
    assert "make run" in diagnosis.examine_broker(f"unix://{tmp_path}/valkey.sock").advice
    assert "make run" in diagnosis.examine_model(f"http://127.0.0.1:{free_port()}/v1", "key", "any").advice


def test_a_server_that_is_no_model_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "PATIENCE", 0.3)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(1)
        mute.settimeout(0)
        finding = diagnosis.examine_model(f"http://127.0.0.1:{mute.getsockname()[1]}/v1", "key", "any")
    assert not finding.ok


@pytest.mark.django_db
def test_the_report_has_a_line_each_and_ends_with_1_when_the_model_is_missing(
    settings: object, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{free_port()}/v1"  # type: ignore[attr-defined]
    with pytest.raises(SystemExit) as end:
        call_command("doctor")
    assert end.value.code == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    verdicts = {line.split()[1]: line for line in lines}
    assert list(verdicts) == ["python", "disk", "database", "migrations", "broker", "model"]
    for well in ("database", "migrations", "broker"):
        assert verdicts[well].startswith("OK")
    assert verdicts["model"].startswith("PROBLEM")


def test_preparing_without_an_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(CommandError, match="DATABASE_URL is not set"):
        call_command("doctor", "--prepare-database")
