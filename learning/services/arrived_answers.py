"""Answers that arrived and are not in the database yet, as small files: kill -9 of a worker loses none of them.

The ledger writes several answers at a time (docs/decisions/0015). Until then each is in a file, which outlives its
process; whoever takes up the work of a dead process on the same machine, or with the same folder, finds it there.
"""

from __future__ import annotations

import fcntl
import json
import logging
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import IO
from uuid import UUID, uuid4

from django.conf import settings

from learning.llm_answers import Answer

log = logging.getLogger(__name__)


class ArrivedAnswers:
    """What arrives for one run while one process works on it. Where no file can be written, nothing is kept aside.

    The system takes the lock away when the process ends, however it ends: so others see whose files are left.
    """

    def __init__(self, organization_id: UUID, run_id: UUID) -> None:
        self._folder = _folder(organization_id) / str(run_id)
        self.name = uuid4().hex
        self._lock: IO[bytes] | None = None
        try:
            _root().mkdir(parents=True, exist_ok=True, mode=0o700)
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = self._lock_of(self.name).open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as error:
            log.warning("Answers cannot be kept aside until they are in the database: %s", error)

    def keep(self, key: str, answer: Answer) -> None:
        """From any thread. Never raises: an answer without a file is as good as any while nobody is killed."""
        if self._lock is not None:
            try:
                self._file(key).write_text(json.dumps(asdict(answer)))
            except OSError as error:  # the run is over and its folder gone, or the disk is full
                log.info("An answer could not be kept aside: %s", error)

    def take(self, keys: Iterable[str]) -> dict[str, Answer]:
        """What others who are gone have left of these. It is ours now, until it is forgotten."""
        wanted, taken = set(keys), {}
        for file in self._folder.glob("*.json"):
            key, owner, _ = file.name.split(".")
            if key in wanted and self._is_gone(owner):
                try:
                    taken[key] = Answer(**json.loads(file.rename(self._file(key)).read_text()))
                except (FileNotFoundError, ValueError):  # another one was quicker; half written when its process died
                    continue
        return taken

    def forget(self, keys: Iterable[str]) -> None:
        """These are in the database now."""
        for key in keys if self._lock is not None else ():
            self._file(key).unlink(missing_ok=True)

    def _is_gone(self, owner: str) -> bool:
        try:
            with self._lock_of(owner).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return True
        except BlockingIOError:
            return False
        return True

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.{self.name}.json"

    def _lock_of(self, owner: str) -> Path:
        return self._folder / f"{owner}.lock"


def runs_of(organization_id: UUID) -> set[UUID]:
    """The runs that answers may be kept aside for."""
    return {UUID(one.parent.name) for one in _folder(organization_id).glob("*/*.lock")}


def forget_run(organization_id: UUID, run_id: UUID) -> None:
    """The run is over."""
    shutil.rmtree(_folder(organization_id) / str(run_id), ignore_errors=True)


def forget_organization(organization_id: UUID) -> None:
    """A person is erased, or the whole organization is: any answer may repeat what it was shown."""
    shutil.rmtree(_folder(organization_id), ignore_errors=True)


def _folder(organization_id: UUID) -> Path:
    return _root() / str(organization_id)


def _root() -> Path:
    return Path(settings.ARTIFACT_DIR) / "answers"
