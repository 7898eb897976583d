"""Folders for keys, data and sockets: closed to everybody else, and never somebody else's trap."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

from project.services.account import Account
from project.services.errors import ServiceError
from project.services.place import Place


def state_folder(place: Place) -> Path:
    """Make var/<name>. Other accounts may pass through, not list it: the data of a lent account can lie below."""
    if not place.state.parent.exists():
        place.state.parent.mkdir(parents=True)
        place.state.parent.chmod(0o755)  # whatever the umask says
    return private_folder(place.state, mode=0o711)


def data_folder(place: Place) -> Path:
    """Make the folder for the servers' data.

    Outside the tree, data that this tree's state does not know was left by a deleted tree of the same path: it is put
    aside.
    """
    if place.data == place.elsewhere:
        mark = place.state / "data-is-elsewhere"
        if place.data.exists() and not mark.exists():
            place.data.rename(f"{place.data}-left-{datetime.now(UTC):%Y%m%dT%H%M%S}")
        mark.write_text(f"{place.data}\n")
        place.data.parent.mkdir(parents=True, exist_ok=True)
        place.data.parent.chmod(0o755)
    return private_folder(place.data, place.account)


def private_folder(path: Path, account: Account | None = None, *, mode: int = 0o700) -> Path:
    """Make `path` for ourselves, or for `account` when we are root.

    Raises ServiceError when it is a link or belongs to somebody else: in /tmp anybody could have laid it there.
    """
    path.mkdir(parents=True, exist_ok=True)
    status = path.lstat()
    owner = os.geteuid() if account is None else account.uid
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {owner, os.geteuid()}:
        raise ServiceError(
            f"{path} belongs to another account: start the product as that account or remove the folder."
        )
    if account is not None:
        _hand_over(path, account)
    path.chmod(mode)
    return path


def _hand_over(path: Path, account: Account) -> None:
    try:
        os.chown(path, account.uid, account.gid)
    except OSError as error:
        raise ServiceError(
            f"Cannot give {path} to the account {account.name} ({error.strerror}): this root may not become other"
            " accounts. Start the product as a plain user, or set DATABASE_URL and REDIS_URL."
        ) from error
