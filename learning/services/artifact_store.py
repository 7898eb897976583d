"""Files that people upload, kept by their content in a folder for each organization until the work on them is done."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from organizations.errors import Missing, Refused
from organizations.scope import current_organization_id

KEY = re.compile(r"[0-9a-f]{64}")
ABANDONED = 7 * 24 * 3600  # seconds after which nobody comes back for a file


def keep_upload(*, chunks: Iterable[bytes], most: int | None = None) -> str:
    """Keep a file; the key by which it is found, the SHA-256 of its content.

    most: bytes, IMPORT_MAX_MB unless told. Raises Refused when it is empty, too large, or the organization's quota
    is used up.
    """
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    forget_abandoned()
    most = settings.IMPORT_MAX_MB * 1_000_000 if most is None else most
    room = settings.ARTIFACT_QUOTA_MB * 1_000_000 - sum(file.stat().st_size for file in folder.iterdir())
    handle, name = tempfile.mkstemp(prefix="upload-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            key = _write(file, chunks, most, room)
        os.replace(name, folder / key)  # noqa: PTH105  the same content again replaces itself
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return key


def find_artifact(key: str) -> Path:
    """Where a file lies. Raises Missing."""
    path = _folder() / key
    if not KEY.fullmatch(key) or not path.is_file():
        raise Missing("The uploaded file is not there any more. Upload it again.", "file")
    return path


def delete_artifact(key: str) -> None:
    if KEY.fullmatch(key):
        (_folder() / key).unlink(missing_ok=True)


def forget_abandoned(*, seconds: int = ABANDONED) -> int:
    """Delete this organization's files that nobody touched for so long; how many there were."""
    folder, oldest = _folder(), time.time() - seconds
    old = [file for file in folder.iterdir() if file.stat().st_mtime < oldest] if folder.is_dir() else []
    for file in old:
        file.unlink(missing_ok=True)
    return len(old)


def _write(file: object, chunks: Iterable[bytes], most: int, room: int) -> str:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise Refused(f"The file is larger than {most // 1_000_000:,} MB.", "file")
        if size > room:
            raise Refused("Your organization's room for uploaded files is used up. Finish other imports first.", "file")
        digest.update(chunk)
        file.write(chunk)  # type: ignore[attr-defined]
    if not size:
        raise Refused("The file is empty.", "file")
    return digest.hexdigest()


def _folder() -> Path:
    return Path(settings.ARTIFACT_DIR) / str(current_organization_id())
