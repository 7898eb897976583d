"""What to review in the time that there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef
from django.db.models.functions import Length

from annotation.models import AnnotationQueue, ExpertAnnotation, Slot, SlotKind, SlotStatus
from annotation.ordering import MOST_SEVERE, urgency_of
from annotation.sampling import Candidate, Plan, expected_seconds, plan_review
from organizations.errors import Refused

CANDIDATES = 2_000  # items of the queue that are compared, in its order
LONGEST = 24 * 60  # minutes
RECENT = 50  # reviews from which the person's pace is taken
USUAL_SECONDS, USUAL_CHARACTERS = 90.0, 400.0  # for somebody who has not reviewed yet


@dataclass(frozen=True)
class ReviewPlan:
    """A plan with its slots, in the order of the plan, and how many items it was chosen from."""

    plan: Plan
    slots: list[Slot]
    considered: int


@dataclass(frozen=True)
class Pace:
    """The medians of a person's last reviews."""

    seconds: float
    characters: float


def plan_minutes(*, expert: Any, queue: AnnotationQueue, minutes: float) -> ReviewPlan:
    """The items of the queue that are worth most in so many minutes of this person.

    Chosen among the first CANDIDATES that are free for them. Raises Refused for an impossible number of minutes.
    """
    if not 0 < minutes <= LONGEST:
        raise Refused(f"Plan for more than 0 and at most {LONGEST} minutes.", "minutes")
    pace = pace_of(expert)
    mine = ExpertAnnotation.objects.counted().filter(
        expert=expert, example=OuterRef("example"), round=OuterRef("round")
    )
    free = (
        Slot.objects.filter(queue=queue, waiting=True, kind=SlotKind.REVIEW, status=SlotStatus.OPEN)
        .exclude(Exists(mine))
        .exclude(skipped_by__contains=[expert.pk])
        .annotate(characters=Length("example__input_text") + Length("example__original_output"))
        .select_related("example__agent", "queue")
        .order_by("priority", "tiebreak", "waiting_since", "id")[:CANDIDATES]
    )
    by_example = {str(slot.example_id): slot for slot in reversed(free)}  # one slot of each item, the first
    plan = plan_review(
        [_candidate(slot, pace) for slot in by_example.values()],
        seconds=minutes * 60,
        seen=_clusters_seen(slot.example.cluster_key for slot in by_example.values()),
    )
    return ReviewPlan(plan, [by_example[pick.key] for pick in plan.picks], len(by_example))


def pace_of(expert: Any) -> Pace:
    """How long this person's items take, from their last reviews."""
    rows = (
        ExpertAnnotation.objects.filter(expert=expert, seconds_spent__gt=0)
        .annotate(characters=Length("example__input_text") + Length("example__original_output"))
        .order_by("-created_at")
        .values_list("seconds_spent", "characters")[:RECENT]
    )
    if not rows:
        return Pace(USUAL_SECONDS, USUAL_CHARACTERS)
    seconds, characters = (sorted(column) for column in zip(*rows, strict=True))
    return Pace(float(seconds[len(seconds) // 2]), float(characters[len(characters) // 2]))


def _candidate(slot: Any, pace: Pace) -> Candidate:
    urgency = urgency_of(slot.tiebreak)
    return Candidate(
        key=str(slot.example_id),
        severity=urgency.severity / MOST_SEVERE,
        uncertainty=max(urgency.uncertainty, urgency.disagreement),
        seconds=expected_seconds(slot.characters, median_seconds=pace.seconds, median_characters=pace.characters),
        cluster=slot.example.cluster_key,
    )


def _clusters_seen(keys: Any) -> dict[str, int]:
    """How many examples of these clusters have been reviewed."""
    wanted = {key for key in keys if key}
    reviewed = ExpertAnnotation.objects.counted().filter(example__cluster_key__in=wanted)
    rows = reviewed.values(key=F("example__cluster_key")).annotate(n=Count("example_id", distinct=True))
    return {row["key"]: row["n"] for row in rows.order_by()}
