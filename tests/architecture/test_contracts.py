"""The arrows of the house, and what must stay out of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]


def test_importing_an_engine_imports_no_django_and_nothing_heavy() -> None:
    code = (
        "import sys, learning.engines.prompt.optimizer, experiments.bucketing;"
        "bad = {'django', 'torch', 'rest_framework', 'openai', 'celery'} & set(sys.modules);"
        "print(bad); sys.exit(bool(bad))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_requirements_carry_hashes_and_no_address() -> None:
    for path in ROOT.glob("requirements*.txt"):
        text = path.read_text()
        assert "://" not in text and "--index" not in text, path.name
        pinned = re.findall(r"^[a-z0-9][^ ]*==", text, re.M)
        assert pinned and text.count("--hash=sha256:") >= len(pinned), path.name


def test_no_migration_is_missing(db: None) -> None:
    from io import StringIO

    from django.core.management import call_command

    call_command("makemigrations", "--check", "--dry-run", stdout=StringIO())
