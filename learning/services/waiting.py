"""What waits for an administrator. Reads only."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from learning.models import ConfigStatus, GateReport, GateStatus, RunStatus, TrainingRun

RECENT = timedelta(days=7)
UNDECIDED = (ConfigStatus.DRAFT, ConfigStatus.CANDIDATE)


def undecided_gates(*, limit: int = 5) -> list[GateReport]:
    """Finished gates on which nobody has said yes or no, the newest of each config, newest first."""
    newer = GateReport.objects.filter(config=OuterRef("config"), id__gt=OuterRef("id"))
    reports = GateReport.objects.filter(
        status__in=[GateStatus.PASSED, GateStatus.FAILED], approved=None, config__status__in=UNDECIDED
    ).exclude(Exists(newer))
    return list(reports.select_related("config__agent").defer("cases").order_by("-id")[:limit])


def failed_runs(*, limit: int = 5) -> list[TrainingRun]:
    """Runs of the last days that failed and were not tried again since, newest first."""
    later = TrainingRun.objects.filter(agent=OuterRef("agent"), id__gt=OuterRef("id"))
    failed = TrainingRun.objects.filter(status=RunStatus.FAILED, created_at__gte=timezone.now() - RECENT)
    return list(failed.exclude(Exists(later)).select_related("agent").order_by("-id")[:limit])
