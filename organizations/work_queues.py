"""The two queues of background work (docs/decisions/0021)."""

from __future__ import annotations

SHORT = "celery"  # what names no queue goes here: Celery's own name, and the only one of earlier releases
LONG = "long"  # what asks a language model again and again, and so holds a process for minutes
