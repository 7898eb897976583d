"""Migrated data to start throw-away clusters from: a copy takes a moment, `migrate` takes seconds.

A seed belongs to one state of the migrations (see schema_digest); older ones are removed when a new one is kept.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from project.services.cluster import Cluster
from project.services.place import Place
from project.services.postgres import copy_data
from project.services.schema import is_current, mark_current, schema_digest

KEPT = 3


def seed_path() -> Path:
    """Where the seed of today's migrations lies, or would lie. Owned by the account that the servers run as."""
    digest = schema_digest().rpartition(" ")[2]
    account = Place("seeds").account
    return Place("seeds").state / f"{digest}-{account.name if account else os.geteuid()}"


def is_migrated(cluster: Cluster) -> bool:
    """True when the running cluster began with a seed."""
    return is_current(cluster.place.name)


def keep_seed(cluster: Cluster) -> None:
    """Keep what `migrate` has made in this cluster for the next ones. Its database restarts on the way."""
    mark_current(cluster.place.name)
    path, postgres = seed_path(), cluster.postgres
    if path.exists() or postgres is None:
        return
    draft = path.with_name(f"draft-{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    postgres.stop()
    try:
        copy_data(postgres.data, draft)
        draft.rename(path)
    except OSError:  # somebody else was quicker
        shutil.rmtree(draft, ignore_errors=True)
    finally:
        postgres.start()
    for old in sorted(path.parent.iterdir(), key=lambda folder: folder.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
