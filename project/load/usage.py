"""What a program and its children use, from /proc (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def processes(pid: int) -> Iterator[int]:
    """The process and its descendants."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from processes(int(child))


def cpu_seconds(pid: int) -> float:
    """Processor time of the process and its descendants so far, in the kernel and outside of it."""
    ticks = 0
    for process in processes(pid):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident memory in MB: each process with all of its pages (RSS), and shared pages counted once (PSS)."""
    rss = sum(_kilobytes(process, "status", "VmRSS:") for process in processes(pid))
    pss = sum(_kilobytes(process, "smaps_rollup", "Pss:") for process in processes(pid))
    return rss / 1024, pss / 1024


def _kilobytes(pid: int, name: str, label: str) -> int:
    lines = Path(f"/proc/{pid}/{name}").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(label)), 0)
