"""Files that people upload, kept by their content in a folder for each organization until the work on them is done."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection

from organizations.errors import Missing, Refused
from organizations.scope import current_organization_id

KEY = re.compile(r"[0-9a-f]{64}")
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('learning.artifacts:' || %s::text, 0))"
ABANDONED = 7 * 24 * 3600  # seconds after which nobody comes back for a file
FULL = "Your organization's room for uploaded files is used up. Finish other imports first."


def keep_upload(*, chunks: Iterable[bytes], most: int | None = None) -> str:
    """Keep a file; the key by which it is found, the SHA-256 of its content.

    most: bytes, IMPORT_MAX_MB unless told. Raises Refused when it is empty, too large, or the organization's quota
    is used up. Holds `lock_artifacts` afterwards: nobody deletes the file before the caller's job for it is known.
    """
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    forget_abandoned()
    most = settings.IMPORT_MAX_MB * 1_000_000 if most is None else most
    quota = settings.ARTIFACT_QUOTA_MB * 1_000_000
    handle, name = tempfile.mkstemp(prefix="upload-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            key = _write(file, chunks, most, quota - _used(folder))
        lock_artifacts()
        if _used(folder, but=key) + Path(name).stat().st_size > quota:  # somebody else was quicker
            raise Refused(FULL, "file")
        os.replace(name, folder / key)  # noqa: PTH105  the same content again replaces itself
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return key


def lock_artifacts() -> None:
    """Until the end of the transaction nobody else keeps or deletes a file of this organization."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [str(current_organization_id())])


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
    oldest = time.time() - seconds
    old = [file for file, stat in _files(_folder()) if stat.st_mtime < oldest]
    for file in old:
        file.unlink(missing_ok=True)
    return len(old)


def count_files() -> int:
    """How many files of this organization are kept."""
    return sum(1 for _ in _files(_folder()))


def _used(folder: Path, but: str = "") -> int:
    """Bytes of what is kept; uploads under way are counted when they are whole."""
    return sum(stat.st_size for file, stat in _files(folder) if KEY.fullmatch(file.name) and file.name != but)


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """What is there, and not taken away in this moment."""
    for file in list(folder.iterdir()) if folder.is_dir() else []:
        try:
            yield file, file.stat()
        except FileNotFoundError:
            continue


def _write(file: object, chunks: Iterable[bytes], most: int, room: int) -> str:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise Refused(f"The file is larger than {most // 1_000_000:,} MB.", "file")
        if size > room:
            raise Refused(FULL, "file")
        digest.update(chunk)
        file.write(chunk)  # type: ignore[attr-defined]
    if not size:
        raise Refused("The file is empty.", "file")
    return digest.hexdigest()


def _folder() -> Path:
    return Path(settings.ARTIFACT_DIR) / str(current_organization_id())
