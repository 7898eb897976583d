"""What `manage.py doctor` looks at. A look returns a Finding and never raises: a sick part must not hide the others."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from project.services.addresses import APP_ROLE
from project.services.external import OLDEST_VERSION
from project.services.local_model import served_models
from project.services.place import PROJECT_DIR, TYPED
from project.services.programs import manage

OLDEST_PYTHON = (3, 11)
SCARCE_DISK = 2_000_000_000  # bytes
PATIENCE = 5  # seconds for a part to answer
START = "Start the product with `make run`"


@dataclass(frozen=True)
class Finding:
    """One line of the report; `advice` says what to do and is empty when all is well."""

    subject: str
    text: str
    advice: str = ""

    @property
    def ok(self) -> bool:
        return not self.advice


def examine_python() -> Finding:
    text = sys.version.split()[0]
    return Finding("python", text, "" if sys.version_info >= OLDEST_PYTHON else "Install Python 3.11 or newer.")


def examine_disk(folder: Path) -> Finding:
    """Free space where the data lives."""
    free = shutil.disk_usage(next(step for step in (folder, *folder.parents) if step.exists())).free
    text = f"{free / 1e9:.1f} GB free for {folder}"
    return Finding("disk", text, "" if free > SCARCE_DISK else "Make room: PostgreSQL stops when the disk is full.")


def examine_database(parameters: Mapping[str, Any]) -> Finding:
    """`parameters` are psycopg's, as the application connects."""
    import psycopg

    try:
        with psycopg.connect(**parameters, connect_timeout=PATIENCE) as connection:
            row = connection.execute(
                "SELECT current_user, rolsuper OR rolbypassrls, current_setting('server_version_num')::int / 10000,"
                " (SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relowner = pg_roles.oid)"
                " FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        advice = f"{START}, or correct DATABASE_URL and run `{TYPED} doctor --prepare-database`."
        return Finding("database", reason, advice)
    return _judge_database(row or ("?", True, 0, 0))


def _judge_database(row: tuple[str, bool, int, int]) -> Finding:
    role, unbound, version, owned = row
    text = f"PostgreSQL {version}, connected as {role}"
    if version < OLDEST_VERSION:
        return Finding("database", text, f"Move to PostgreSQL {OLDEST_VERSION} or newer.")
    if unbound:
        return Finding("database", f"{text}, which bypasses row-level security", f"Connect as {APP_ROLE}.")
    if owned:
        return Finding("database", f"{text}, which owns {owned} tables", f"Let another login own them, not {APP_ROLE}.")
    return Finding("database", text)


def examine_broker(url: str) -> Finding:
    import redis

    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE)
        version = client.info("server").get("redis_version", "?")
    except (redis.RedisError, ValueError) as error:
        return Finding("broker", str(error), f"{START}, or correct REDIS_URL.")
    return Finding("broker", f"answers (protocol of Redis {version})")


def examine_model(url: str, api_key: str, wanted: str) -> Finding:
    models = served_models(url, api_key=api_key, timeout=PATIENCE)
    if not models:
        return Finding("model", f"{url} lists no models", f"{START}, or correct OPENAI_BASE_URL and OPENAI_API_KEY.")
    if wanted not in models:
        shown = ", ".join(models[:5])
        return Finding("model", f"{url} has {shown}, not {wanted}", "Set DEFAULT_MODEL to one that it has.")
    return Finding("model", f"{wanted} at {url}")


def examine_migrations() -> Finding:
    """Asks `manage.py migrate --check`, which connects as the owner of the tables."""
    done = subprocess.run(manage("migrate", "--check"), cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return Finding("migrations", "all applied")
    last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["some are not applied"]
    return Finding("migrations", last[0].strip(), f"Run `{TYPED} migrate` (`make run` does it by itself).")
