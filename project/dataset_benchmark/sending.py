"""How fast an export goes out and in what memory, in a process of its own: memory never shrinks again in a report.

    python -m project.dataset_benchmark.sending ORGANIZATION VERSION FORMAT

prints one JSON object: seconds (without the start of the process), bytes, and peak_mb of the whole process.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from project.services.place import PROJECT_DIR

LONGEST = timedelta(hours=1)  # of one export; a million rows take a minute or two


@dataclass(frozen=True)
class Sent:
    """One export. Seconds, and the most memory that its process had, in MB."""

    seconds: float
    bytes: int
    peak_mb: float


def send(organization_id: UUID, version_id: UUID, name: str) -> Sent:
    """Export the version, all splits, in the format of that name. Raises RuntimeError when it fails or does not end."""
    command = [sys.executable, "-m", "project.dataset_benchmark.sending", str(organization_id), str(version_id), name]
    try:
        done = subprocess.run(
            command, cwd=PROJECT_DIR, capture_output=True, text=True, check=False, timeout=LONGEST.total_seconds()
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"the export {name} took longer than {LONGEST}") from error
    if done.returncode:
        raise RuntimeError(f"the export {name} failed: {done.stderr[-1000:]}")
    sent = Sent(**json.loads(done.stdout))
    if not sent.bytes:
        raise RuntimeError(f"the export {name} is empty")
    return sent


def peak_mb(process: int | str = "self") -> float:
    """The most memory that a program ever had, in MB.

    From /proc where there is one: `ru_maxrss` begins with what the process had that started this one.
    """
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1000
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main(organization_id: str, version_id: str, name: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    import django

    django.setup()
    from learning.models import DatasetVersion
    from learning.services.dataset_exports import ALL, open_export, stream_export
    from organizations.scope import organization_scope

    began = time.perf_counter()
    with organization_scope(UUID(organization_id)):
        version = DatasetVersion.objects.select_related("dataset").get(pk=version_id)
        export = open_export(version=version, format=name, split=ALL)
    size = sum(map(len, stream_export(export)))
    found = {"seconds": time.perf_counter() - began, "bytes": size, "peak_mb": peak_mb()}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
