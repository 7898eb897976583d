"""Where the demo stands, for the dashboard of the demo's organization. Kept in the cache: nothing depends on it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.cache import cache

from organizations.scope import current_scope

log = logging.getLogger(__name__)
SILENCE = 300  # seconds after which a demo that says nothing counts as ended
SHOW_EVERY = 1.0  # seconds between two looks of the dashboard
REMEMBERED = 24 * 3600  # seconds that the end is shown


def read_progress() -> dict[str, Any] | None:
    """{"step", "steps", "text", "done", "total", "finished", "lineage_url"} of the organization in scope, or None."""
    scope = current_scope()
    if scope is None:
        return None
    try:
        progress: dict[str, Any] | None = cache.get(_key(scope.organization_id))
    except Exception as error:  # a cache that is away must not take the dashboard with it
        log.warning("The demo's progress cannot be read: %s", error)
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
    except Exception as error:
        log.warning("The demo's progress cannot be shown: %s", error)


def _key(organization_id: UUID) -> str:
    return f"demo-progress:{organization_id}"


class Narrator:
    """Tells the demo's story: one line a step where it was started, and the step under way to the dashboard."""

    def __init__(self, organization_id: UUID, steps: int, write: Callable[[str], None]) -> None:
        self._organization_id = organization_id
        self._steps = steps
        self._write = write
        self._step, self._done, self._total = 0, 0, 0
        self._text = ""
        self._began = self._started = self._shown = time.monotonic()
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """Since the demo began."""
        return time.monotonic() - self._began

    def begin(self, text: str, total: int = 0) -> None:
        """The next step; `total`: how many ticks it will take, when that is known."""
        self._step += 1
        self._text, self._done, self._total = text, 0, total
        self._started = time.monotonic()
        self._show()

    def tick(self, count: int = 1) -> None:
        """So much more of the step is done. Called from several threads."""
        with self._lock:
            self._done += count
            if time.monotonic() - self._shown > SHOW_EVERY:
                self._show()

    def set(self, done: int, total: int, text: str = "") -> None:
        """Where the step is, when somebody else counts."""
        self._done, self._total, self._text = done, total, text or self._text
        self._show()

    def end(self, text: str) -> None:
        """What the step came to, as a line."""
        seconds = time.monotonic() - self._started
        self._write(f"[{self._step:2}/{self._steps}] {text} ({seconds:.0f} s)")

    def finish(self, text: str, lineage_url: str = "") -> None:
        """The last word on the dashboard."""
        self._text, self._step = text, self._steps
        self._show(finished=True, lineage_url=lineage_url)

    def _show(self, finished: bool = False, lineage_url: str = "") -> None:
        self._shown = time.monotonic()
        write_progress(
            self._organization_id,
            step=self._step,
            steps=self._steps,
            text=self._text,
            done=self._done,
            total=self._total,
            finished=finished,
            lineage_url=lineage_url,
        )
