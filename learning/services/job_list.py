"""Which jobs whoever asks may see and steer, and what they did, laid out for reading. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from learning.models import Job, JobKind, JobStatus
from organizations.actors import Actor
from organizations.models import Role

# Their titles and results speak of a person who wants to be forgotten.
FOR_ADMINISTRATORS = (JobKind.ERASURE,)
MOST_SHOWN = 200  # rows of one table of a result
RECENT = timedelta(days=7)


@dataclass(frozen=True)
class Table:
    """A list of what a job found, such as the lines that an import refused; `more`: how many are not shown."""

    name: str
    columns: list[str]
    rows: list[list[Any]]
    more: int = 0


@dataclass(frozen=True)
class Outcome:
    """A job's result: single figures, and tables."""

    figures: list[tuple[str, Any]]
    tables: list[Table]


def visible_jobs(*, actor: Actor) -> QuerySet[Job]:
    """Those that the actor may see, and therefore cancel and resume; in no order."""
    jobs = Job.objects.all()
    return jobs if actor.allows(Role.ADMIN) else jobs.exclude(kind__in=FOR_ADMINISTRATORS)


def listed_jobs(*, actor: Actor) -> QuerySet[Job]:
    """The same for lists: without what may be long, which is shown for one job alone."""
    return visible_jobs(actor=actor).defer("request", "cursor", "result")


def failed_jobs(*, actor: Actor, limit: int = 5) -> list[Job]:
    """Jobs of the last days that failed and that nobody took up again, the newest first."""
    recent = listed_jobs(actor=actor).filter(status=JobStatus.FAILED, finished_at__gte=timezone.now() - RECENT)
    return list(recent.order_by("-id")[:limit])


def read_outcome(result: Mapping[str, Any]) -> Outcome:
    """Any result as figures and tables: lists become tables, mappings tables of two columns."""
    figures: list[tuple[str, Any]] = []
    tables: list[Table] = []
    for key, value in result.items():
        if isinstance(value, Mapping):
            tables += [_table(key, [{"": name, "count": one} for name, one in value.items()])] if value else []
        elif isinstance(value, list):
            tables += [_table(key, value)] if value else []
        elif value is not None:
            figures.append((_words(key), value))
    return Outcome(figures, tables)


def _table(key: str, values: Sequence[Any]) -> Table:
    rows = [one if isinstance(one, Mapping) else {"": one} for one in values[:MOST_SHOWN]]
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[row.get(name, "") for name in names] for row in rows]
    return Table(_words(key), [_words(str(name)) for name in names], cells, max(0, len(values) - MOST_SHOWN))


def _words(key: str) -> str:
    return str(key).replace("_", " ").capitalize()
