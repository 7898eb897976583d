"""Recommendations on their way: proposed, applied as a config that passes the gate, withdrawn when they harm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from learning.models import Agent, AgentConfig, ConfigStatus, GateReport, Improvement, ImprovementStatus, InsightReport
from learning.services.agents import write_config
from organizations import audit
from organizations.errors import Refused
from organizations.transitions import move

if TYPE_CHECKING:
    from learning.engines.insight.recommendations import Recommendation


def propose(*, report: InsightReport, recommendations: Sequence[Recommendation]) -> None:
    """Keep the recommendations of a report. One that is proposed already gets the new numbers; proposals that are not
    found any more go; what people decided about stays as it is.
    """
    with transaction.atomic():
        known = {one.key: one for one in Improvement.objects.select_for_update().filter(agent=report.agent)}
        for one in recommendations:
            values = {
                "title": one.title,
                "reason": one.reason,
                "instruction": one.instruction,
                "evidence": one.evidence,
            }
            row = known.pop(one.key[:300], None)
            if row is None:
                Improvement.objects.create(agent=report.agent, report=report, key=one.key[:300], **values)
            elif row.status == ImprovementStatus.PROPOSED:
                Improvement.objects.filter(pk=row.pk).update(report=report, **values)
        gone = [row.pk for row in known.values() if row.status == ImprovementStatus.PROPOSED]
        Improvement.objects.filter(pk__in=gone).delete()


def apply_improvement(*, improvement: Improvement) -> tuple[AgentConfig, GateReport | None]:
    """A draft config with the instruction added, whose gate is queued; wake it with `learning.waking.wake_for_gate`.

    Raises Refused when it has no instruction or there is no config to add it to, Conflict when it is not proposed.
    """
    if not improvement.instruction:
        raise Refused("No instruction can bring this about; it is for people to decide what to do.", "improvement")
    agent = Agent.objects.select_related("serving_config").get(pk=improvement.agent_id)
    base = agent.serving_config or _newest_approved(agent)
    if base is None:
        raise Refused("This agent has no config yet. Tell what it does today first.", "agent_id")
    with transaction.atomic():
        config, report = write_config(agent=agent, content=with_instruction(base.content, improvement.instruction))
        move(improvement, ImprovementStatus.APPLIED, config=config, applied_at=timezone.now(), withdrawn_because="")
    return config, report


def with_instruction(content: dict[str, Any], instruction: str) -> dict[str, Any]:
    """The content of a config with one more sentence in the system prompt."""
    before = str(content.get("system_prompt", "")).rstrip()
    return content | {"system_prompt": f"{before}\n\n{instruction}" if before else instruction}


def dismiss_improvement(*, improvement: Improvement) -> None:
    """Nobody wants it; later reports leave it alone. Raises Conflict when it is not proposed."""
    move(improvement, ImprovementStatus.DISMISSED)


def reopen_improvement(*, improvement: Improvement) -> None:
    """Propose a dismissed or withdrawn one again. Raises Conflict in any other state."""
    move(improvement, ImprovementStatus.PROPOSED, config=None, applied_at=None)


def withdraw_improvement(*, improvement: Improvement, because: str) -> None:
    """Applications stop applying it; its config is retired unless it serves, which a deployment alone decides."""
    with transaction.atomic():
        move(improvement, ImprovementStatus.WITHDRAWN, withdrawn_because=because)
        audit.record(action="improvement.reason", target=improvement, after={"because": because})
        config, agent = improvement.config, improvement.agent
        movable = config is not None and ConfigStatus.RETIRED in AgentConfig.TRANSITIONS[config.status]
        if config is not None and movable and agent.serving_config_id != config.pk:
            move(config, ConfigStatus.RETIRED)


def live_improvements(*, agent: Agent) -> list[Improvement]:
    """Applied, with a config that a person approved: what applications may add by themselves.

    Those are left out whose instruction the serving config has already.
    """
    rows = Improvement.objects.filter(
        agent=agent, status=ImprovementStatus.APPLIED, config__status=ConfigStatus.APPROVED
    )
    serving = agent.serving_config.content.get("system_prompt", "") if agent.serving_config else ""
    return [row for row in rows.order_by("applied_at", "id") if row.instruction not in serving]


def _newest_approved(agent: Agent) -> AgentConfig | None:
    return agent.configs.filter(status=ConfigStatus.APPROVED).order_by("-number").first()
