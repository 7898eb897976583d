"""How often each kind of correction was needed, week by week, against the executions of the time. Reads only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from learning.engines.behavior.trends import Trend, trend_of
from learning.models import ActionCorrection, Agent, AgentConfig, CorrectionKind, Execution
from organizations.errors import Refused

LOOK_BACK = timedelta(days=365)
ALL = "All kinds together"
ALPHA = 0.05  # of all trends of a page together


@dataclass(frozen=True)
class Trends:
    """Of the same weeks: all kinds together (None: there is no correction) and each kind that was needed."""

    overall: Trend | None
    kinds: dict[str, Trend]

    def of(self, kind: str) -> Trend | None:
        """Of a kind; without one, or with one that was never needed, of all."""
        return self.kinds.get(kind, self.overall)


@dataclass(frozen=True)
class Corrected:
    """A config with how often what it did was put right. `rate`: per execution; None without any."""

    config: AgentConfig
    corrections: int
    executions: int

    @property
    def rate(self) -> float | None:
        return self.corrections / self.executions if self.executions else None


def correction_trends(*, agent: Agent, config: AgentConfig | None = None) -> Trends:
    """The last year of an agent, or of one of its configs. Raises Refused for another agent's config."""
    if config is not None and config.agent_id != agent.pk:
        raise Refused(f"Config {config.number} belongs to another agent.", "config_id")
    corrections, executions = _corrections(agent), _executions(agent)
    if config is not None:
        corrections, executions = corrections.filter(config=config), executions.filter(config=config)
    days = _days(corrections, "created_at", "kind")
    if not days:
        return Trends(None, {})
    exposed = {day: number for day, _, number in _days(executions, "started_at", "agent_id")}
    every = [*exposed, *(day for day, _, _ in days)]
    span = min(every), max(every)
    kinds = {
        kind: {day: number for day, one, number in days if one == kind} for kind in sorted({k for _, k, _ in days})
    }
    overall: Counter[date] = Counter()
    for day, _, number in days:
        overall[day] += number
    level = ALPHA / (1 + len(kinds))  # they stand side by side, and whoever looks at many sees a change in one
    return Trends(
        trend_of(ALL, overall, exposed=exposed, span=span, alpha=level),
        {
            kind: trend_of(CorrectionKind(kind).label, of, exposed=exposed, span=span, alpha=level)
            for kind, of in kinds.items()
        },
    )


def corrected_configs(*, agent: Agent) -> list[Corrected]:
    """The configs of which something was put right in the last year, the newest first."""
    counts = dict(_corrections(agent).exclude(config=None).values_list("config_id").annotate(n=Count("id")).order_by())
    ran = _executions(agent).filter(config_id__in=list(counts))
    executions = dict(ran.values_list("config_id").annotate(n=Count("id")).order_by())
    rows = AgentConfig.objects.filter(pk__in=list(counts)).defer("content").order_by("-number")
    return [Corrected(row, counts[row.pk], executions.get(row.pk, 0)) for row in rows]


def _corrections(agent: Agent) -> QuerySet[ActionCorrection]:
    return ActionCorrection.objects.filter(agent=agent, created_at__gte=timezone.now() - LOOK_BACK)


def _executions(agent: Agent) -> QuerySet[Execution]:
    """Without those of which an application says that they will be."""
    now = timezone.now()
    return Execution.objects.filter(agent=agent, started_at__gte=now - LOOK_BACK, started_at__lte=now)


def _days(rows: QuerySet[Any], moment: str, by: str) -> list[tuple[date, Any, int]]:
    counted = rows.annotate(day=TruncDate(moment, tzinfo=UTC)).values_list("day", by).annotate(n=Count("id"))
    return list(counted.order_by("day", by))
