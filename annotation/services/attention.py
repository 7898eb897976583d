"""What waits for a manager. Reads only, and counts no further than needed."""

from __future__ import annotations

from annotation.models import FlagStatus, ItemFlag, QueueSeat
from annotation.services.disputes import waiting_disputes

COUNT_TO = 99


def attention() -> dict[str, int]:
    """Disputes to decide, flags to look at, experts who are paused; each counted up to COUNT_TO."""
    waiting = {
        "disputes": waiting_disputes(),
        "flags": ItemFlag.objects.filter(status=FlagStatus.OPEN),
        "paused": QueueSeat.objects.filter(paused_at__isnull=False),
    }
    return {name: rows.order_by()[:COUNT_TO].count() for name, rows in waiting.items()}
