"""What beat does for OpenTelemetry: executions whose parent span never came, and spans that are no longer needed."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from celery import shared_task

from learning.services.telemetry import forget_spans, write_overdue_traces
from organizations.scope import organization_scope
from organizations.tasks import each_organization


@shared_task(name="learning.write_overdue_traces")
def write_overdue() -> int:
    """Write the executions that wait for a parent which will not come; how many traces were looked at."""
    return _in_each(write_overdue_traces)


@shared_task(name="learning.forget_spans")
def forget() -> int:
    """Remove the spans of the day before; how many."""
    return _in_each(forget_spans)


def _in_each(work: Callable[[], int]) -> int:
    def in_scope(organization_id: UUID) -> int:
        with organization_scope(organization_id):
            return work()

    return sum(each_organization(in_scope))
