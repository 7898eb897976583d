"""What a process does once, when everything is loaded and nothing has been asked yet."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*names: str) -> Iterator[None]:
    """As if these modules were not installed, for libraries that take what they find. Those loaded already stay."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: an import of it fails
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def settle() -> None:
    """Give back what loading left over, and keep the rest out of the garbage collector's sight.

    Modules and classes stay for good: to walk over them at each full collection finds nothing. The heap's holes go back
    to the system with glibc; other C libraries have no such call, and then nothing happens.
    """
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
