"""How much memory there is, and how much of it the embedded database takes for its cache."""

from __future__ import annotations

import os
from pathlib import Path

GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container; "max" where there is none
SMALLEST, LARGEST = 128, 2048  # MB


def memory_mb(group_limit: Path = GROUP_LIMIT) -> int:
    """Of the machine, or what the container may use of it."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(group_limit.read_text())) >> 20
    except (OSError, ValueError):
        return machine >> 20


def database_cache_mb(memory: int) -> int:
    """An eighth: the database shares the machine with the web server, the workers and the model."""
    return max(SMALLEST, min(LARGEST, memory // 8))
