"""Where the demo stands, for the dashboard of the demo's organization. Kept in the cache: nothing depends on it."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.core.cache import cache

from organizations.scope import current_scope

log = logging.getLogger(__name__)
SILENCE = 300  # seconds after which a demo that says nothing counts as ended
REMEMBERED = 24 * 3600  # seconds that the end is shown


def read_progress() -> dict[str, Any] | None:
    """{"step", "steps", "text", "done", "total", "finished", "lineage_url"} of the organization in scope, or None."""
    scope = current_scope()
    if scope is None:
        return None
    try:
        progress: dict[str, Any] | None = cache.get(_key(scope.organization_id))
    except Exception:  # a cache that is away must not take the dashboard with it
        log.warning("The demo's progress cannot be read", exc_info=True)
        return None
    return progress


def write_progress(
    organization_id: UUID,
    *,
    step: int,
    steps: int,
    text: str,
    done: int = 0,
    total: int = 0,
    finished: bool = False,
    lineage_url: str = "",
) -> None:
    """Say where the demo is: step of steps in words, and within the step `done` of `total`."""
    progress = {
        "step": step,
        "steps": steps,
        "text": text,
        "done": done,
        "total": total,
        "finished": finished,
        "lineage_url": lineage_url,
    }
    try:
        cache.set(_key(organization_id), progress, REMEMBERED if finished else SILENCE)
    except Exception:
        log.warning("The demo's progress cannot be shown", exc_info=True)


def _key(organization_id: UUID) -> str:
    return f"demo-progress:{organization_id}"
