"""Demonstrations of many recorded executions at once, as a job: what they did is how it is done, once approved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from statistics import fmean
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from learning.engines.behavior.episodes import RESPOND, Episode
from learning.models import (
    Agent,
    AgentFeedback,
    Demonstration,
    DemonstrationSource,
    Execution,
    FeedbackType,
    Job,
    JobKind,
)
from learning.services.demonstrations import add_demonstration, episode_of_execution
from learning.services.execution_search import Wanted, matching
from learning.services.jobs import Step, Work, start_job
from learning.services.reading_plan import Span
from organizations.errors import Refused

BATCH = 50
MOST_COUNTED = 5_000
MOST_PROBLEMS = 200  # kept of those that could not be used
THUMBS = {FeedbackType.THUMBS_UP: 1.0, FeedbackType.THUMBS_DOWN: 0.0}


def start_recorded(*, agent: Agent, wanted: Wanted, rewarded: bool = True, user: Any = None) -> Job:
    """Queue it; executions that arrive later are not touched. `rewarded`: thumbs and stars say how well each ended.

    Raises Refused when there is none.
    """
    newest = _of(agent, wanted).order_by("-id").values_list("pk", flat=True).first()
    if newest is None:
        raise Refused("No execution of this agent is of this kind.", "agent_id")
    span = [wanted.span.start.isoformat(), wanted.span.end.isoformat()]
    request = {
        "agent": str(agent.pk), "span": span, "status": wanted.status, "said": wanted.said, "whose": wanted.whose,
        "rewarded": rewarded, "up_to": str(newest),
    }  # fmt: skip
    return start_job(kind=JobKind.DEMONSTRATIONS, title=f"Demonstrations of {agent.name}", request=request, user=user)


def count_recorded(*, agent: Agent, wanted: Wanted) -> int:
    """How many executions there are, up to one more than MOST_COUNTED."""
    return _of(agent, wanted)[: MOST_COUNTED + 1].count()


def work(work: Work) -> Iterator[Step]:
    """The work of such a job, in the order in which the executions arrived.

    `result`: {"demonstrations", "demonstrated" (before), "answers_only", "refused", "problems"}.
    """
    rows, done = _requested(work.request), work.done
    after, total = work.cursor.get("after"), work.cursor.get("total")
    result = {"demonstrations": 0, "demonstrated": 0, "answers_only": 0, "refused": 0, "problems": []} | work.result
    if total is None:
        total = rows.count()
        yield Step(0, total, cursor={"total": total}, result=result)
    while batch := _next(rows, after):
        _demonstrate(batch, result, rewarded=work.request["rewarded"])
        done, after = done + len(batch), str(batch[-1].pk)
        yield Step(done, total, cursor={"after": after, "total": total}, result=result)


def rewards_of(execution_ids: Sequence[UUID]) -> dict[UUID, float]:
    """How well each ended by its thumbs and stars (0-1, their mean); without those it is not in it."""
    given: dict[UUID, list[float]] = {}
    rows = AgentFeedback.objects.filter(execution_id__in=list(execution_ids))
    for key, kind, rating in rows.values_list("execution_id", "feedback_type", "rating"):
        if kind in THUMBS:
            given.setdefault(key, []).append(THUMBS[FeedbackType(kind)])
        elif rating is not None:
            given.setdefault(key, []).append((rating - 1) / 4)
    return {key: fmean(values) for key, values in given.items()}


def _of(agent: Agent, wanted: Wanted) -> QuerySet[Execution]:
    return matching(replace(wanted, agent_id=agent.pk))


def _requested(request: Mapping[str, Any]) -> QuerySet[Execution]:
    span = Span(*map(datetime.fromisoformat, request["span"]))
    wanted = Wanted(span, UUID(request["agent"]), request["status"], request["said"], request["whose"])
    return matching(wanted).filter(pk__lte=UUID(request["up_to"]))


def _next(rows: QuerySet[Execution], after: str | None) -> list[Execution]:
    """Locked: a person whose execution it is cannot be forgotten until its demonstration is there too."""
    following = rows.filter(pk__gt=UUID(after)) if after else rows
    return list(following.select_related("agent").select_for_update(of=("self",), no_key=True).order_by("pk")[:BATCH])


def _demonstrate(batch: Sequence[Execution], result: dict[str, Any], *, rewarded: bool) -> None:
    keys = [execution.pk for execution in batch]
    known = set(
        Demonstration.objects.filter(example__source_execution_id__in=keys).values_list(
            "example__source_execution_id", flat=True
        )
    )
    rewards = rewards_of(keys) if rewarded else {}
    counts: Counter[str] = Counter()
    for execution in batch:
        try:
            counts["demonstrated" if execution.pk in known else _make(execution, rewards.get(execution.pk))] += 1
        except Refused as error:
            counts["refused"] += 1
            problem = {"execution": str(execution.pk), "reason": error.message}
            result["problems"] = [*result["problems"], problem][:MOST_PROBLEMS]
    for name, number in counts.items():
        result[name] += number


def _make(execution: Execution, reward: float | None) -> str:
    """What became of an execution. Raises Refused for one that cannot be used."""
    found = episode_of_execution(execution)
    if set(found.names) == {RESPOND}:
        return "answers_only"
    add_demonstration(
        agent=execution.agent,
        episode=Episode(found.key, found.steps, reward, _session(execution)),
        source=DemonstrationSource.EXECUTION,
        execution_id=str(execution.pk),
        user=execution.user,
    )
    return "demonstrations"


def _session(execution: Execution) -> str:
    """Executions of one session are no independent cases."""
    session = execution.context.get("session_id") if isinstance(execution.context, dict) else None
    return f"session {session}" if session else ""
