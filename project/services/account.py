"""Under which account the servers run: PostgreSQL refuses to run as root, so root lends it an unprivileged one."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from project.services.errors import ServiceError

# An account made for databases is better than the one that everybody shares.
CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An unprivileged account of this machine."""

    name: str
    uid: int
    gid: int

    def can_reach(self, path: Path) -> bool:
        """True when every folder on the way to `path`, and `path` itself, lets this account through.

        Looks at the plain permission bits only: where an access list would allow more, the answer is a safe False.
        """
        return all(self._may_enter(step) for step in (path, *path.parents))

    def _may_enter(self, step: Path) -> bool:
        status = step.stat()
        bit = 0o100 if status.st_uid == self.uid else 0o010 if status.st_gid == self.gid else 0o001
        return bool(status.st_mode & bit)


def server_account() -> Account | None:
    """The account for the servers when this process is root; None when they can run as ourselves.

    ALS_SERVICES_ACCOUNT names another one. Raises ServiceError when root has no account to lend.
    """
    if os.geteuid() != 0:
        return None
    chosen = os.environ.get("ALS_SERVICES_ACCOUNT")
    names = (chosen,) if chosen else CANDIDATES
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise ServiceError(
        f"PostgreSQL does not run as root, and there is no unprivileged account called {' or '.join(names)}."
        " Set ALS_SERVICES_ACCOUNT to one, or start the product as a plain user."
    )
