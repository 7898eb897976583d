"""How much experts agree, how right and how quick they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.shortcuts import render

from annotation.models import AnnotationQueue
from annotation.pages.wording import pace
from annotation.services.experts import ExpertStanding, expert_standings
from annotation.services.queues import list_queues
from organizations.identifiers import as_uuid
from organizations.permissions import page

if TYPE_CHECKING:  # see docs/decisions/0011
    from annotation.agreement import Interval
    from annotation.services.agreement import Agreement


@dataclass(frozen=True)
class Row:
    """One row of a chart of estimates: see the template tag `interval_chart`."""

    label: str
    estimate: float
    low: float
    high: float
    note: str = ""


@page(role="manager")
def agreement(request: Any) -> HttpResponse:
    """Agreement of one queue by subject and by pair, and the standing of its experts."""
    from annotation.services.agreement import measure_agreement  # numpy and scipy: see docs/decisions/0011

    queues = list_queues()
    queue = _chosen(request, queues)
    report = measure_agreement(queue=queue) if queue else None
    standings = expert_standings(queue=queue) if queue else []
    context = {
        "queue": queue,
        "queues": queues,
        "report": report,
        "alphas": [row for subject in report.subjects if (row := _alpha(subject))] if report else [],
        "subjects": report.subjects if report else [],
        "standings": [(standing, pace(standing.seconds)) for standing in standings],
        "bar": 100 * queue.gold_bar if queue else 0,
        "accuracies": [row for standing in standings if (row := _accuracy(standing))],
    }
    return render(request, "annotation/agreement.html", context)


def _chosen(request: Any, queues: list[AnnotationQueue]) -> AnnotationQueue | None:
    wanted = as_uuid(request.GET.get("queue", ""))
    return next((queue for queue in queues if queue.pk == wanted), queues[0] if queues else None)


def _alpha(subject: Agreement) -> Row | None:
    return _row(subject.subject.replace("_", " ").capitalize(), subject.alpha)


def _row(label: str, interval: Interval) -> Row | None:
    """None where there is nothing to draw."""
    if any(math.isnan(value) for value in interval[:3]):
        return None
    value, low, high, items = interval
    return Row(label, value, min(low, value), max(high, value), f"{items} items")


def _accuracy(standing: ExpertStanding) -> Row | None:
    share = standing.gold
    if share.value is None or share.low is None or share.high is None:
        return None
    return Row(
        standing.username, 100 * share.value, 100 * share.low, 100 * share.high, f"{share.right} of {share.total}"
    )
