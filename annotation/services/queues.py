"""Queues: which there are, and the rules by which each is worked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from annotation.models import AfterReject, AnnotationQueue, QueueSeat, SkipPolicy
from annotation.models.queues import BEGINNING
from learning.models import Agent, ExampleType, ReviewStatus
from organizations import audit
from organizations.errors import Conflict, Missing, Refused
from organizations.models import Membership, Role

DEFAULT_NAME = "All examples"
ENTERING = (ReviewStatus.PENDING, ReviewStatus.NEEDS_REVISION)  # what a queue can take in
SHARES = {"disagreement_threshold": 1.0, "gold_share": 0.5, "gold_bar": 1.0, "audit_share": 1.0}
CHOICES = {
    "example_types": ExampleType.values, "statuses": [str(status) for status in ENTERING],
    "skip_policy": SkipPolicy.values, "on_reject": AfterReject.values,
}  # fmt: skip
FILTERS = ("agent", "domain", "example_types", "statuses", "active")  # what decides which examples come in
MOST_STAGES, MOST_EXPERTS = 20, 1_000
TOLD = ("name", "active", "stages", "reviews_per_item", "max_reviews", "experts", "gold_bar", "auto_approve")  # audited


def known_queues() -> QuerySet[AnnotationQueue]:
    """Queues with their rubric, which whoever shows an item needs."""
    return AnnotationQueue.objects.select_related("rubric")


def default_queue() -> AnnotationQueue | None:
    """The oldest active queue; made when the organization has no queue at all. None when all are paused."""
    queue = foreseen_queue()
    if queue is not None and queue._state.adding:
        AnnotationQueue.objects.bulk_create([queue], ignore_conflicts=True)
        queue = AnnotationQueue.objects.get(name=DEFAULT_NAME)
    return queue


def foreseen_queue() -> AnnotationQueue | None:
    """The same for whoever only looks: where there is no queue at all, the one that would be made, not stored."""
    queue = known_queues().filter(active=True).order_by("id").first()
    if queue is None and not AnnotationQueue.objects.exists():
        queue = AnnotationQueue(name=DEFAULT_NAME)
    return queue


def list_queues(*, expert: Any = None) -> list[AnnotationQueue]:
    """The active queues, oldest first; those that the person may work at when one is given."""
    queues = known_queues().filter(active=True)
    if expert is not None:
        queues = queues.filter(Q(experts=[]) | Q(experts__contains=[expert.pk]))
    return list(queues.order_by("id"))


def queue_for(*, expert: Any) -> AnnotationQueue | None:
    """The oldest active queue that the person may work at."""
    queue = default_queue()
    if queue is None or may_work_at(queue, expert):
        return queue
    return next(iter(list_queues(expert=expert)), None)


def may_work_at(queue: AnnotationQueue, expert: Any) -> bool:
    return not queue.experts or expert.pk in queue.experts


def create_queue(*, name: str, agent: Agent | None = None, **rules: Any) -> AnnotationQueue:
    """A queue of its own for a part of the examples. `rules`: fields of AnnotationQueue.

    Raises Refused, naming the field, for a rule that cannot be followed; Conflict for a name that is taken.
    """
    check_rules(rules | {"name": name})
    if AnnotationQueue.objects.filter(name=name).exists():
        raise Conflict(f"There is a queue called {name!r} already.", "name")
    queue = AnnotationQueue.objects.create(name=name, agent=agent, **rules)
    audit.record(action="queue.created", target=queue, after=_told(queue))
    return queue


def change_queue(*, queue: AnnotationQueue, **rules: Any) -> AnnotationQueue:
    """Other rules from now on; items that are there already keep their slots. Raises like `create_queue`.

    After a change of what comes in, older examples are looked at again when the queue is filled.
    """
    with transaction.atomic():
        queue = AnnotationQueue.objects.select_for_update(no_key=True).get(pk=queue.pk)
        before = _told(queue)
        known = {name: getattr(queue, name) for name in ("reviews_per_item", "max_reviews")}
        check_rules(known | rules)
        name = rules.get("name", queue.name)
        if AnnotationQueue.objects.filter(name=name).exclude(pk=queue.pk).exists():
            raise Conflict(f"There is a queue called {name!r} already.", "name")
        if any(field in rules and rules[field] != getattr(queue, field) for field in FILTERS):
            rules["filled_to"] = BEGINNING
        for field, value in rules.items():
            setattr(queue, field, value)
        queue.save(update_fields=[*rules, "updated_at"])
        audit.record(action="queue.changed", target=queue, before=before, after=_told(queue))
        # Who was let in or shut out looks through the queue from its start.
        QueueSeat.objects.filter(queue=queue).update(passed_at=None)
    return queue


def find_queue(*, queue_id: UUID) -> AnnotationQueue:
    """Raises Missing."""
    queue = known_queues().filter(pk=queue_id).first()
    if queue is None:
        raise Missing(f"There is no queue {queue_id}.", "queue")
    return queue


def experts_named(usernames: list[str]) -> list[UUID]:
    """The people of this organization who may review, by user name. Raises Refused, naming who may not."""
    allowed = Membership.objects.exclude(role=Role.MEMBER).filter(user__username__in=usernames)
    found = dict(allowed.values_list("user__username", "user_id"))
    unknown = sorted(set(usernames) - set(found))
    if unknown:
        raise Refused(f"{', '.join(unknown)} cannot review in this organization.", "experts")
    return list(found.values())


def check_rules(rules: dict[str, Any]) -> None:
    """Raises Refused, naming the field, for a rule that cannot be followed."""
    for field, allowed in CHOICES.items():
        value = rules.get(field)
        given = [value] if isinstance(value, str) else value or []
        if unknown := sorted(set(given) - set(allowed)):
            what = field.replace("_", " ").removesuffix("s")
            raise Refused(f"Unknown {what} {', '.join(unknown)}; known are {', '.join(allowed)}.", field)
    for field, most in SHARES.items():
        if field in rules and not 0 <= rules[field] <= most:
            raise Refused(f"This must be a number from 0 to {most:g}.", field)
    _check_lists(rules)
    _check_counts(rules)


def _check_lists(rules: dict[str, Any]) -> None:
    if "name" in rules and not rules["name"].strip():
        raise Refused("Give the queue a name.", "name")
    stages = rules.get("stages")
    if stages is not None and (len(set(stages)) < len(stages) or not all(stage.strip() for stage in stages)):
        raise Refused("Name at least one stage, each once.", "stages")
    if stages is not None and not 1 <= len(stages) <= MOST_STAGES:
        raise Refused(f"Name 1 to {MOST_STAGES} stages, each once.", "stages")
    if rules.get("statuses") == []:
        raise Refused("Say which examples come in: pending, needs_revision or both.", "statuses")
    if len(rules.get("experts", [])) > MOST_EXPERTS:
        raise Refused(f"Name at most {MOST_EXPERTS} experts, or none to let everybody in.", "experts")


def _check_counts(rules: dict[str, Any]) -> None:
    reviews, most = rules.get("reviews_per_item", 1), rules.get("max_reviews")
    if not 1 <= reviews <= 20:
        raise Refused("Ask for 1 to 20 reviews of each item.", "reviews_per_item")
    if most is not None and not reviews <= most <= 40:
        raise Refused("The most reviews of an item cannot be fewer than those asked for, nor above 40.", "max_reviews")
    if not 1 <= rules.get("gold_minimum", 1) <= 1_000:
        raise Refused("Ask for 1 to 1,000 gold answers before anybody is paused.", "gold_minimum")


def _told(queue: AnnotationQueue) -> dict[str, Any]:
    values = {name: getattr(queue, name) for name in TOLD}
    return values | {"experts": [str(expert) for expert in queue.experts]}
