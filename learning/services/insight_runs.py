"""Learning from feedback as a job: read, let the engine work outside of any transaction, keep what it found."""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from learning.models import Agent, InsightTrigger, Job, JobKind, JobStatus
from learning.services.heartbeats import BEAT, beating
from learning.services.insight_findings import keep_findings
from learning.services.insight_improvements import propose
from learning.services.insight_opinions import read_opinions
from learning.services.jobs import Step, Work, beat_job, start_job
from organizations.errors import Conflict, Refused
from organizations.scope import current_organization_id, organization_scope

if TYPE_CHECKING:
    from learning.engines.insight import Insight
    from learning.services.insight_features import Columns

log = logging.getLogger(__name__)
MOST_DAYS = 365


@dataclass(frozen=True)
class Learned:
    """What one look found; `insight` is None when there was nothing to look at."""

    columns: Columns | None
    insight: Insight | None
    executions: int = 0


def look_back_days() -> int:
    """How far a look goes back when nobody says otherwise."""
    return int(settings.LEARNING["insight"]["look_back_days"])


def start_learning(
    *, agent: Agent, days: int | None = None, trigger: str = InsightTrigger.PERSON, user: Any = None
) -> Job:
    """A job that learns from the last days. Raises Refused for a wrong number, Conflict while one is open."""
    days = look_back_days() if days is None else days
    if not 1 <= days <= MOST_DAYS:
        raise Refused(f"The window must be 1 to {MOST_DAYS} days.", "days")
    if open_learning(agent=agent) is not None:
        raise Conflict("This agent is being learned about already; its job is not over.", "agent_id")
    request = {"agent": str(agent.pk), "days": days, "trigger": str(trigger)}
    return start_job(kind=JobKind.INSIGHT, title=f"Learn from feedback about {agent.name}", request=request, user=user)


def open_learning(*, agent: Agent) -> Job | None:
    """The job that works on this agent, or waits to."""
    waiting = Job.objects.filter(kind=JobKind.INSIGHT, status__in=[JobStatus.PENDING, JobStatus.RUNNING])
    return waiting.filter(request__agent=str(agent.pk)).order_by("id").first()


def work(work: Work) -> Generator[Step, Any, None]:
    """Fits learning.services.jobs.Worker. result: {"report": its number, "opinions"}."""
    agent = Agent.objects.filter(pk=work.request["agent"]).first()
    if agent is None:
        raise Refused("The agent is not there any more.")
    until = timezone.now()
    since = until - timedelta(days=work.request["days"])
    organization_id = current_organization_id()
    learned = yield Step(0, 2, between=lambda: _look(organization_id, work, agent.pk, since, until))
    report = keep_findings(agent=agent, learned=learned, since=since, until=until, trigger=work.request["trigger"])
    if learned.insight is not None:
        propose(report=report, recommendations=learned.insight.recommendations)
    yield Step(2, 2, result={"report": report.number, "opinions": report.opinions})


def _look(organization_id: UUID, job: Work, agent_id: UUID, since: datetime, until: datetime) -> Learned:
    """Reading takes one short transaction, the engine none; the job's heart beats meanwhile."""
    with beating(organization_id, lambda: beat_job(work=job), BEAT):
        with organization_scope(organization_id):
            columns, executions = read_columns(Agent.objects.get(pk=agent_id), since, until)
        return Learned(columns, learn(columns), executions)


def read_columns(agent: Agent, since: datetime, until: datetime) -> tuple[Columns, int]:
    """The opinions of the window with what was judged, and how many executions and examples that was."""
    from learning.services.insight_features import columns_of, describe

    opinions = read_opinions(agent=agent, since=since, until=until)
    described = describe(opinions)
    return columns_of(opinions, described), len(described)


def learn(columns: Columns) -> Insight:
    """The engine on what was read. Raises Stopping between two steps when the product stops."""
    from learning.engines.insight import HumanFeedbackLearner
    from organizations.stopping import raise_when_stopping

    def progress(step: int, total: int, message: str, /) -> None:
        raise_when_stopping()

    learner = HumanFeedbackLearner(progress=progress)
    return learner.learn(columns.opinions, columns.quality, columns.properties, score=columns.score)
