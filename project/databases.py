"""Which database, and as which role.

Embedded: two login roles. External: DATABASE_URL's login, which becomes the application role for its whole session;
DATABASE_OWNER_URL (default: the same login) is used by the commands that change the schema.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import environ

from project import services

APP_ROLE = "als_app"


def database_settings(env: environ.Env, services_name: str) -> dict[str, Any]:
    """The `default` entry of DATABASES for this process."""
    owner = os.environ.get("ALS_DATABASE_ROLE") == "owner"
    external = env.str("DATABASE_URL", default="")
    if not external:
        settings = parse_url(services.database_url(services_name, "owner" if owner else "app"))
    elif owner:
        settings = parse_url(env.str("DATABASE_OWNER_URL", default="") or external)
    else:
        settings = parse_url(external)
        if settings["USER"] != APP_ROLE:
            settings["OPTIONS"]["options"] = f"-c role={APP_ROLE}"
    settings["ATOMIC_REQUESTS"] = True
    settings["OPTIONS"] |= _time_limits(env, settings["OPTIONS"])
    if env.bool("DB_POOL", default=True) and not owner:
        settings["OPTIONS"]["pool"] = {"min_size": 1, "max_size": env.int("DB_POOL_SIZE", default=10), "timeout": 2}
    return settings


def _time_limits(env: environ.Env, options: dict[str, Any]) -> dict[str, str]:
    """How long a statement may run and wait for a lock, in milliseconds; the web server sets both, tasks have none."""
    names = {"statement_timeout": "DB_STATEMENT_MS", "lock_timeout": "DB_LOCK_MS"}
    given = [f"-c {name}={value}" for name, variable in names.items() if (value := env.int(variable, default=0))]
    return {"options": " ".join(filter(None, [options.get("options"), *given]))} if given else {}


def parse_url(url: str) -> dict[str, Any]:
    """A postgresql:// address as Django's entry; `?host=/directory` names a Unix socket."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise SystemExit("DATABASE_URL must look like postgresql://user:password@host:5432/database")
    options: dict[str, Any] = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    host = options.pop("host", None) or parts.hostname or ""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(host),
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
    }
