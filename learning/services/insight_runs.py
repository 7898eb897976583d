"""Learning from feedback as a job: read, let the engine work outside of any transaction, keep what it found."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
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
    from learning.engines.insight import Insight, Pairs
    from learning.services.insight_choices import Chosen
    from learning.services.insight_features import Columns, Known
    from learning.services.insight_opinions import Opinion

log = logging.getLogger(__name__)
MOST_DAYS = 365


@dataclass(frozen=True)
class Read:
    """What a look takes: opinions as columns, pairs of answers (`compared` of them were shown side by side), and how
    many executions and examples they are about.
    """

    columns: Columns
    pairs: Pairs
    compared: int
    sources: int


@dataclass(frozen=True)
class Learned:
    """What one look took and found."""

    read: Read
    insight: Insight


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
    request = {"agent": str(agent.pk), "days": days, "trigger": str(trigger)}
    title = f"Learn from feedback about {agent.name}"
    with transaction.atomic():
        # Of two that start at once the second waits here, and finds the job of the first.
        Agent.objects.select_for_update(no_key=True).only("pk").get(pk=agent.pk)
        if open_learning(agent=agent) is not None:
            raise Conflict("This agent is being learned about already; its job is not over.", "agent_id")
        return start_job(kind=JobKind.INSIGHT, title=title, request=request, user=user)


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
    propose(report=report, recommendations=learned.insight.recommendations)
    yield Step(2, 2, result={"report": report.number, "opinions": report.opinions})


def _look(organization_id: UUID, job: Work, agent_id: UUID, since: datetime, until: datetime) -> Learned:
    """Reading takes short transactions, the engine none; the job's heart beats meanwhile."""
    with beating(organization_id, lambda: beat_job(work=job), BEAT):
        read = read_window(organization_id, agent_id, since, until)
        return Learned(read, learn(read))


def read_window(organization_id: UUID, agent_id: UUID, since: datetime, until: datetime) -> Read:
    """Everything that was said in the window with what it was said about; outside of any transaction."""
    from learning.services.insight_choices import read_choices
    from learning.services.insight_features import Known, describing

    with organization_scope(organization_id):
        agent = Agent.objects.get(pk=agent_id)
        opinions = read_opinions(agent=agent, since=since, until=until)
    known = Known()
    for work in describing(opinions, known):
        with organization_scope(organization_id):
            work()
    with organization_scope(organization_id):
        return as_read(opinions, known, read_choices(agent=agent, since=since, until=until))


def as_read(opinions: Sequence[Opinion], known: Known, choices: Sequence[Chosen]) -> Read:
    """The columns for the engine."""
    from learning.services.insight_choices import pairs_of
    from learning.services.insight_features import columns_of

    columns = columns_of(opinions, known)
    compared = sum(one.compared for one in choices)
    return Read(columns, pairs_of(choices, columns.who), compared, len(known.sources))


def learn(read: Read) -> Insight:
    """The engine on what was read. Raises Stopping between two steps when the product stops."""
    from learning.engines.insight import HumanFeedbackLearner
    from organizations.stopping import raise_when_stopping

    def progress(step: int, total: int, message: str, /) -> None:
        raise_when_stopping()

    columns = read.columns
    learner = HumanFeedbackLearner(progress=progress)
    return learner.learn(columns.opinions, columns.quality, columns.properties, score=columns.score, pairs=read.pairs)
