"""What became of applied improvements: counted from live executions, and withdrawn when they turned harmful.

An execution counts as with the improvement when its metadata says so ({"improvements": [id]}, as the client writes it)
or its config holds the instruction. Others since then count as without it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from django.db.models import Q

from learning.engines.insight.harm import Effect, effect_of
from learning.models import Agent, AgentConfig, AgentFeedback, Execution, Improvement, ImprovementStatus
from learning.services.insight_improvements import withdraw_improvement
from learning.services.insight_opinions import judge

MOST_JUDGED = 20_000  # pieces of feedback that are counted, the newest


def follow_improvements(*, agent: Agent) -> list[Improvement]:
    """Count anew for every applied improvement, and withdraw the harmful; those that were withdrawn."""
    rows = Improvement.objects.filter(agent=agent, status=ImprovementStatus.APPLIED)
    return [row for row in rows.select_related("agent", "config") if _follow(row)]


def _follow(row: Improvement) -> bool:
    configs = {
        pk
        for pk, content in AgentConfig.objects.filter(agent=row.agent_id).values_list("pk", "content")
        if row.instruction in str(content.get("system_prompt", ""))
    }
    having = Q(metadata__improvements__contains=[str(row.pk)]) | Q(config__in=configs)
    since = Execution.objects.filter(agent=row.agent_id, started_at__gte=row.applied_at)
    times = since.filter(having).count()
    ends = _ends(row, set(since.filter(having).values_list("pk", flat=True)[:MOST_JUDGED]))
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


def _ends(row: Improvement, having: set[UUID]) -> Counter[tuple[str, int]]:
    """Judged executions by side and end. Of several judgements of one execution the newest counts."""
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
    return Counter(("with" if pk in having else "without", end) for pk, end in ends.items())


def _because(effect: Effect) -> str:
    return (
        f"Executions with it succeed less often: {effect.having.successes:.0f} of {effect.having.n:.0f}, "
        f"{effect.lacking.successes:.0f} of {effect.lacking.n:.0f} without it. The difference lies between "
        f"{effect.low:+.0%} and {effect.high:+.0%}, at any time of looking."
    )
