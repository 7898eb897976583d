"""The signing key of an installation that was given none: made once, kept beside the data."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from project.services.errors import ServiceError
from project.services.folders import state_folder
from project.services.place import Place


def secret_key(name: str) -> str:
    """The key in var/<name>/secret-key (readable by its owner alone), made on first use.

    Raises ServiceError when the file belongs to somebody else.
    """
    place = Place(name)
    path = place.state / "secret-key"
    try:
        if not path.exists():
            state_folder(place)
            _write_once(path, secrets.token_urlsafe(50))
        return path.read_text().strip()
    except PermissionError as error:
        raise ServiceError(
            f"{path} belongs to another account: start the product as that account, or set SECRET_KEY."
        ) from error


def _write_once(path: Path, text: str) -> None:
    """Several processes may start at once: the first link wins and everybody reads that one."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    try:
        draft.write_text(text)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
