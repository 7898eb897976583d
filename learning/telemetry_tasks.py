"""What beat does for OpenTelemetry: executions whose parent span never came, and spans that are no longer needed."""

from __future__ import annotations

from collections.abc import Callable

from celery import shared_task

from learning.services.telemetry import forget_spans, write_overdue_traces
from organizations.scope import organization_scope
from organizations.tasks import organization_ids


@shared_task(name="learning.write_overdue_traces")
def write_overdue() -> int:
    """Write the executions that wait for a parent which will not come; how many traces were looked at."""
    return _in_each(write_overdue_traces)


@shared_task(name="learning.forget_spans")
def forget() -> int:
    """Remove the spans of the day before; how many."""
    return _in_each(forget_spans)


def _in_each(work: Callable[[], int]) -> int:
    done = 0
    for organization_id in organization_ids():
        with organization_scope(organization_id):
            done += work()
    return done
