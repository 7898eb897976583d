"""A person's reviews and what they changed: dataset versions, runs, configs and where these serve. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from annotation.models import AnnotationQueue
from annotation.pages.wording import pace
from annotation.services.impact import Impact, impact_of
from annotation.services.progress import Day, done_today_by_queue, reviewed_today, reviews_per_day, seconds_per_item
from annotation.services.queues import list_queues
from annotation.services.waiting import count_for
from experiments.models import Deployment
from experiments.services import lineage as serving

DAYS = 14


@dataclass(frozen=True)
class QueueWork:
    """One queue: reviews of today by everybody, and items that this person could still get (counted up to 1,000)."""

    queue: AnnotationQueue
    done_today: int
    waiting: int


@dataclass(frozen=True)
class Work:
    """What the page of a person's reviews shows. `pace` is the median time per item over `days`, in words."""

    today: int
    days: list[Day]
    pace: str
    queues: list[QueueWork]
    impact: Impact
    deployments: list[Deployment]

    @property
    def total(self) -> int:
        """Reviews over the days shown."""
        return sum(day.reviews for day in self.days)


def work_of(person: Any) -> Work:
    impact = impact_of(expert=person)
    return Work(
        today=reviewed_today(expert=person),
        days=reviews_per_day(expert=person, days=DAYS),
        pace=pace(seconds_per_item(expert=person, days=DAYS)),
        queues=_queues(person),
        impact=impact,
        deployments=[deployment for config in impact.configs for deployment in serving.deployments_of(config)],
    )


def _queues(person: Any) -> list[QueueWork]:
    done = done_today_by_queue()
    queues = list_queues(expert=person)
    return [QueueWork(queue, done.get(queue.pk, 0), count_for(expert=person, queue=queue)) for queue in queues]
