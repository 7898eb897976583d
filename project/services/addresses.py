"""Addresses of the embedded servers, for the settings. Nothing here looks whether they run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from project.services.errors import ServiceError
from project.services.place import Place, default_name

DATABASE = "als"
OWNER_ROLE = "als_owner"
APP_ROLE = "als_app"
MODEL_ALIAS = "smollm2-135m-instruct"
DEFAULT_MODEL_PORT = 8089


def database_url(name: str, role: Literal["app", "owner"]) -> str:
    """`postgresql://als_app@/als?host=/folder/of/the/socket` for the application or for the owner of the tables."""
    login = {"app": APP_ROLE, "owner": OWNER_ROLE}[role]
    return f"postgresql://{login}@/{DATABASE}?host={Place(name).sockets}"


def redis_url(name: str) -> Path:
    """The path of the broker's Unix socket; libraries spell the scheme in front of it differently."""
    return Place(name).sockets / "valkey.sock"


def artifact_dir(name: str) -> Path:
    """Where uploaded files lie, unless ARTIFACT_DIR says otherwise."""
    return Place(name).state / "artifacts"


def model_port() -> int:
    """ALS_MODEL_PORT, else the port that the last start took, else 8089. Raises ServiceError when it is not a port."""
    return port_number("ALS_MODEL_PORT", _last_model_port() or DEFAULT_MODEL_PORT)


def model_port_file() -> Path:
    """Where a start writes the local model's port, so that every other process finds the model."""
    return Place(default_name()).state / "model-port"


def model_url() -> str:
    """The OpenAI-compatible address of the local model."""
    return f"http://127.0.0.1:{model_port()}/v1"


def _last_model_port() -> int | None:
    try:
        return int(model_port_file().read_text())
    except (OSError, ValueError):
        return None


def port_number(variable: str, default: int) -> int:
    """The port in an environment variable. Raises ServiceError when it holds no number from 1 to 65535."""
    text = os.environ.get(variable) or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise ServiceError(f"{variable} is {text!r}; it must be a port number from 1 to 65535.")
    return int(text)
