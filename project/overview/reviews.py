"""A person's reviews and what they changed: dataset versions, runs, configs and where these serve. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from annotation.pages.wording import pace
from annotation.services.impact import Impact, impact_of
from annotation.services.progress import Day, reviewed_today, reviews_per_day, seconds_per_item
from experiments.models import Deployment
from experiments.services import lineage as serving

DAYS = 14


@dataclass(frozen=True)
class Work:
    """What the page of a person's reviews shows. `pace` is the median time per item over `days`, in words."""

    today: int
    days: list[Day]
    pace: str
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
        impact=impact,
        deployments=[deployment for config in impact.configs for deployment in serving.deployments_of(config)],
    )
