"""Looking through executions: the newest arrivals first, by pages that cost the same however many there are.

The keys are ordered by time of arrival, so a span of time is a range of keys, and no partition of another month is
read. What no index tells (a status, feedback, a session) is looked for among the next MOST_LOOKED_AT executions of the
span; whoever wants to know more asks for the next page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Left

from learning.models import AgentFeedback, Execution, FeedbackType
from learning.services.reading_plan import Span
from organizations.identifiers import as_uuid

MOST_LOOKED_AT = 5_000
MOST_OF_ONE_NAME = 50  # different agents may have an execution of the same name
BEGINNING = 400  # characters of a text that the list shows the first line of
ANY, NONE = "any", "none"
SHOWN = (
    "external_id", "variant", "user", "status", "duration_ms", "input_tokens", "output_tokens", "cost", "started_at",
    "created_at", "agent__name", "config__number",
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """Which executions. `said`: a feedback type, ANY or NONE; `whose`: the user's pseudonym, or a session."""

    span: Span
    agent_id: UUID | None = None
    status: str = ""
    said: str = ""
    whose: str = ""


@dataclass(frozen=True)
class Found:
    """`before`: what to ask with for the next page; None on the last. `looked_at`: when the page is not full because
    only so many executions were looked at; None when that is not the reason."""

    rows: list[Execution]
    before: UUID | None = None
    looked_at: int | None = None


@dataclass(frozen=True)
class Mark:
    """What was said about an execution in one way: how often, and the mean of the stars where there are any."""

    kind: str
    count: int
    rating: float | None

    @property
    def label(self) -> str:
        return FeedbackType(self.kind).label


def find_executions(*, wanted: Wanted, before: UUID | None = None, limit: int = 50) -> Found:
    """Those that arrived in the span, older than the execution `before`. At most two queries."""
    rows = Execution.objects.filter(*arrived_between(wanted.span.start, wanted.span.end))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    if wanted.agent_id is not None:
        rows = rows.filter(agent_id=wanted.agent_id)
    narrower, last, more = _not_indexed(wanted), None, False
    if narrower:
        edge = rows.order_by("-id").values_list("pk", flat=True)[MOST_LOOKED_AT - 1 : MOST_LOOKED_AT + 1]
        last, more = next(iter(edge), None), len(edge) > 1
        rows = rows.filter(*narrower, **({"pk__gte": last} if last else {}))
    page = list(_with_beginnings(rows).order_by("-id")[: limit + 1])
    if len(page) > limit:
        return Found(page[:limit], page[limit - 1].pk)
    return Found(page, last, MOST_LOOKED_AT) if more else Found(page)


def matching(wanted: Wanted) -> QuerySet[Execution]:
    """All of them, in no order, however many have to be looked at."""
    rows = Execution.objects.filter(*arrived_between(wanted.span.start, wanted.span.end), *_not_indexed(wanted))
    return rows if wanted.agent_id is None else rows.filter(agent_id=wanted.agent_id)


def named_executions(name: str) -> list[Execution]:
    """Those that the application, or we, call by this name, whenever they arrived; the newest first."""
    ids = set(Execution.objects.filter(external_id=name).values_list("pk", flat=True)[:MOST_OF_ONE_NAME])
    uuid = as_uuid(name)
    if uuid is not None:
        ids.add(uuid)
    return list(_with_beginnings(Execution.objects.filter(pk__in=ids)).order_by("-id")) if ids else []


def feedback_marks(executions: Iterable[UUID]) -> dict[UUID, list[Mark]]:
    """What was said about each of these executions, in the order of FeedbackType; one query."""
    rows = (
        AgentFeedback.objects.filter(execution_id__in=list(executions))
        .values_list("execution_id", "feedback_type")
        .annotate(n=Count("id"), stars=Avg("rating"))
        .order_by()
    )
    marks: dict[UUID, list[Mark]] = defaultdict(list)
    for execution_id, kind, count, stars in rows:
        marks[execution_id].append(Mark(kind, count, stars))
    order = {kind: place for place, kind in enumerate(FeedbackType.values)}
    return {key: sorted(said, key=lambda mark: order[mark.kind]) for key, said in marks.items()}


def has_executions() -> bool:
    """Whether any execution has ever arrived."""
    return Execution.objects.exists()


def arrived_between(start: datetime | None, end: datetime | None) -> list[Q]:
    """The executions that arrived from `start` to before `end`, as a range of keys."""
    since = [Q(pk__gte=first_key(start))] if start else []
    return [*since, Q(pk__lt=first_key(end))] if end else since


def said_about(kind: str) -> Any:
    """Whether there is feedback of this type (or ANY) on the execution."""
    told = AgentFeedback.objects.filter(execution_id=OuterRef("pk"))
    return Exists(told if kind == ANY else told.filter(feedback_type=kind))


def first_key(moment: datetime) -> UUID:
    """The smallest key that a row of this millisecond can have. Before 1970: of 1970."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def _not_indexed(wanted: Wanted) -> list[Any]:
    conditions: list[Any] = [Q(status=wanted.status)] if wanted.status else []
    if wanted.said:
        conditions.append(~said_about(ANY) if wanted.said == NONE else said_about(wanted.said))
    if wanted.whose:
        conditions.append(Q(user=wanted.whose) | Q(context__session_id=wanted.whose))
    return conditions


def _with_beginnings(rows: Any) -> Any:
    """What a list shows: never the whole texts, which may be long."""
    beginnings = {"asked": Left("input", BEGINNING), "answered": Left("output", BEGINNING)}
    problem = KeyTransform("error", "metadata")
    return rows.select_related("agent", "config").only(*SHOWN).annotate(**beginnings, problem=problem)
