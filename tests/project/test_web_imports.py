"""What the web service loads before its first request."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from project.services.place import PROJECT_DIR

LOADED = "import sys, project.wsgi, project.urls; print(*sys.modules)"
HEAVY = (
    "numpy",
    "scipy",
    "celery",
    "google",
    "opentelemetry",
    "redis",
    "openai",
    "tokenizers",
    "phonenumbers",
    "pygments",
    "requests",
    "pyarrow",
    "rensa",
    "sqlite3",
    "jsonschema",
)


def loaded(code: str) -> set[str]:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


@pytest.fixture(scope="module")
def web() -> set[str]:
    found = loaded(LOADED)
    assert {"django", "psycopg", "project", "learning", "annotation", "experiments"} <= found
    return found


@pytest.mark.parametrize("library", HEAVY)
def test_the_web_service_does_not_load(web: set[str], library: str) -> None:
    assert library not in {name.partition(".")[0] for name in web}, "see docs/decisions/0011"


def test_tasks_and_engines_load_only_when_a_worker_is_woken(web: set[str]) -> None:
    assert "learning.waking" in web
    assert not {"learning.training_tasks", "learning.gate_tasks", "learning.engines.prompt.confirm"} & web


def test_a_task_that_is_loaded_by_itself_knows_the_broker() -> None:
    code = "import django; django.setup(); from learning.gate_tasks import run_gate; print(run_gate.app.main)"
    assert loaded(code) == {"project"}
