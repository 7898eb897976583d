"""What became of applied improvements: counted from live executions, and withdrawn when they turned harmful.

An execution counts as with the improvement when its metadata says so ({"improvements": [id]}, as the client writes it)
or its config holds the instruction. Others since then count as without it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from learning.engines.insight.harm import Effect, effect_of
from learning.models import Agent, AgentConfig, AgentFeedback, Execution, Improvement, ImprovementStatus
from learning.services.insight_improvements import withdraw_improvement
from learning.services.insight_opinions import judge

MOST_JUDGED = 20_000  # pieces of feedback that are counted, the newest
MOST_SHOWN = 100


def follow_improvements(*, agent: Agent) -> list[Improvement]:
    """Count anew for every applied improvement, and withdraw the harmful; those that were withdrawn."""
    rows = Improvement.objects.filter(agent=agent, status=ImprovementStatus.APPLIED)
    return [row for row in rows.select_related("agent", "config") if _follow(row)]


@dataclass(frozen=True)
class Followed:
    """An execution since an improvement was applied. satisfied: the newest judgement of it, None without one."""

    execution_id: UUID
    external_id: str
    started_at: datetime
    satisfied: bool | None


def followed_executions(*, improvement: Improvement, having: bool = True) -> list[Followed]:
    """Those with the improvement, or those without it, since it was applied: the judged ones first, then the newest."""
    if improvement.applied_at is None:
        return []
    since, ours = _since(improvement), _having(improvement)
    ends = _ends(improvement)
    # Not exclude(ours): where an execution says nothing, its opposite is unknown too.
    rows = since.filter(ours) if having else since.exclude(pk__in=since.filter(ours).values("pk"))
    names = ("pk", "external_id", "started_at")
    newest = [*rows.filter(pk__in=list(ends)).order_by("-started_at").values_list(*names)[:MOST_SHOWN]]
    if len(newest) < MOST_SHOWN:
        others = rows.exclude(pk__in=list(ends)).order_by("-started_at").values_list(*names)
        newest += others[: MOST_SHOWN - len(newest)]
    said = {pk: bool(end) for pk, end in ends.items()}
    return [Followed(pk, name, started_at, said.get(pk)) for pk, name, started_at in newest]


def _follow(row: Improvement) -> bool:
    having = _since(row).filter(_having(row))
    judged = _ends(row)
    times, ours = having.count(), set(having.filter(pk__in=list(judged)).values_list("pk", flat=True))
    ends = Counter(("with" if pk in ours else "without", end) for pk, end in judged.items())
    effect = effect_of(
        ends["with", 1], ends["with", 1] + ends["with", 0], ends["without", 1], ends["without", 1] + ends["without", 0]
    )
    Improvement.objects.filter(pk=row.pk).update(
        times_applied=times, judged=effect.having.n, successes=effect.having.successes,
        judged_without=effect.lacking.n, successes_without=effect.lacking.successes,
        effect={"difference": effect.difference, "low": effect.low, "high": effect.high},
    )  # fmt: skip
    if effect.harmful:
        row.refresh_from_db()
        withdraw_improvement(improvement=row, because=_because(effect))
    return effect.harmful


def _since(row: Improvement) -> QuerySet[Execution]:
    return Execution.objects.filter(agent=row.agent_id, started_at__gte=row.applied_at)


def _having(row: Improvement) -> Q:
    configs = [
        pk
        for pk, content in AgentConfig.objects.filter(agent=row.agent_id).values_list("pk", "content")
        if row.instruction in str(content.get("system_prompt", ""))
    ]
    return Q(metadata__improvements__contains=[str(row.pk)]) | Q(config__in=configs)


def _ends(row: Improvement) -> dict[UUID, int]:
    """Judged executions since it was applied, 1 for success. Of several judgements of one the newest counts."""
    said = AgentFeedback.objects.filter(
        agent=row.agent_id, execution__started_at__gte=row.applied_at, created_at__gte=row.applied_at
    )
    ends: dict[UUID, int] = {}
    for execution_id, kind, rating in said.order_by("-id").values_list("execution_id", "feedback_type", "rating")[
        :MOST_JUDGED
    ]:
        found: dict[str, Any] = {}
        judge(found, kind, rating)
        if "user.satisfied" in found:
            ends.setdefault(execution_id, int(found["user.satisfied"]))
    return ends


def _because(effect: Effect) -> str:
    return (
        f"Executions with it succeed less often: {effect.having.successes:.0f} of {effect.having.n:.0f}, "
        f"{effect.lacking.successes:.0f} of {effect.lacking.n:.0f} without it. The difference lies between "
        f"{effect.low:+.0%} and {effect.high:+.0%}, at any time of looking."
    )
