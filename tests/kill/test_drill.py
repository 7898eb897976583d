"""The drill in short: kill -9 of web workers, the web service, database processes and PostgreSQL under load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ITEMS, KILLS = 4000, 4  # each kind once


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes to kill in /proc")
def test_nothing_acknowledged_is_lost_or_doubled_when_everything_is_killed() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ALS_", "DJANGO_"))}
    argv = [sys.executable, "manage.py", "drill_intake", "--items", str(ITEMS), "--kills", str(KILLS), "--json"]
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["acknowledged"], figures["lost"], figures["duplicated"]) == (ITEMS, 0, 0)
    assert figures["holds"]
    killed = [
        figures[f"killed_{name}"] for name in ("web_worker", "web_service", "database_backend", "database_server")
    ]
    assert killed == [1, 1, 1, 1], figures
    assert figures["repeated"] > 0, "the kills hit nobody, so this run shows nothing"
