"""What a process that was forked must not share with its parent: sockets, threads and locks.

A fork in the middle of an import leaves the module locked in the child for ever. So what others import on first use,
which would be in the sender thread, is imported here. A fork while a thread is inside OpenSSL leaves OpenSSL's locks
taken in the child for ever. So the longest stay there, the making of a TLS context, and a fork wait for each other.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401  by the first look-up of an address
import os
import threading
from typing import Protocol
from weakref import WeakSet

import httpcore  # noqa: F401  by the first client of httpx


class Forked(Protocol):
    def begin_anew(self) -> None:
        """Called in the child: forget what belongs to the parent, without closing it."""


_living: WeakSet[Forked] = WeakSet()
unforked = threading.Lock()  # while it is held no other thread of this process forks


def begin_anew_in_child(thing: Forked) -> None:
    """Have `thing.begin_anew()` called in every process that is forked from this one."""
    _living.add(thing)


def _forked() -> None:
    for thing in list(_living):
        thing.begin_anew()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(before=unforked.acquire, after_in_parent=unforked.release, after_in_child=unforked.release)
    os.register_at_fork(after_in_child=_forked)
