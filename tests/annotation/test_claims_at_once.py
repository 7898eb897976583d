"""Many experts at the same moment, on real connections and with real commits."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from annotation.models import ExpertAnnotation, Slot, SlotStatus
from annotation.services.claims import claim_next
from annotation.services.opinions import Opinion
from annotation.services.queues import default_queue
from annotation.services.submissions import submit_annotation
from learning.models import LearningExample, ReviewStatus
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
REJECT = Opinion(decision="reject")


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work(0..count-1)` in threads that start together; their results."""
    gate = threading.Barrier(count)

    def run(number: int) -> Any:
        try:
            gate.wait(timeout=20)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def stock(examples: int, experts: int) -> tuple[Any, list[Any]]:
    organization = factories.make_organization("Aster")
    people = [factories.make_user(organization, "expert") for _ in range(experts)]
    with organization_scope(organization.id):
        agent = factories.make_agent()
        for _ in range(examples):
            factories.make_example(agent)
    return organization, people


def test_experts_never_collide_and_every_item_is_given_exactly_once(db: None) -> None:
    organization, people = stock(examples=60, experts=8)

    def shift(number: int) -> list[Any]:
        given = []
        while True:
            with organization_scope(organization.id):
                slot = claim_next(expert=people[number])
            if slot is None:
                return given
            given.append(slot.example_id)
            with organization_scope(organization.id):
                done = submit_annotation(
                    expert=people[number], slot_id=slot.pk, lease_token=slot.lease_token, opinion=REJECT
                )
            assert done.conflict == ""

    given = [example for shift in at_once(8, shift) for example in shift]
    assert len(given) == 60 and set(Counter(given).values()) == {1}
    with organization_scope(organization.id):
        assert ExpertAnnotation.objects.counted().count() == 60
        assert set(LearningExample.objects.values_list("review_status", flat=True)) == {ReviewStatus.REJECTED}
        assert set(Slot.objects.values_list("status", flat=True)) == {SlotStatus.DONE}


def test_one_person_in_many_tabs_holds_one_item(db: None) -> None:
    organization, (person,) = stock(examples=20, experts=1)

    def ask(number: int) -> Any:
        with organization_scope(organization.id):
            slot = claim_next(expert=person)
            assert slot is not None
            return slot.pk

    assert len(set(at_once(6, ask))) == 1
    with organization_scope(organization.id):
        assert Slot.objects.filter(status=SlotStatus.CLAIMED).count() == 1


def test_the_first_claims_of_an_organization_make_one_queue_and_each_slot_once(db: None) -> None:
    organization, people = stock(examples=10, experts=5)

    def ask(number: int) -> Any:
        with organization_scope(organization.id):
            slot = claim_next(expert=people[number])
            return slot and slot.example_id

    given = at_once(5, ask)
    assert None not in given and len(set(given)) == 5
    with organization_scope(organization.id):
        assert Slot.objects.count() == 10


def test_of_two_last_reviews_at_the_same_moment_one_settles_the_example(db: None) -> None:
    organization, people = stock(examples=1, experts=2)
    with organization_scope(organization.id):
        queue = default_queue()
        assert queue is not None
        queue.reviews_per_item = 2
        queue.save()
        slots = [claim_next(expert=person) for person in people]

    def hand_in(number: int) -> None:
        slot = slots[number]
        assert slot is not None
        with organization_scope(organization.id):
            submit_annotation(expert=people[number], slot_id=slot.pk, lease_token=slot.lease_token, opinion=REJECT)

    at_once(2, hand_in)
    with organization_scope(organization.id):
        assert LearningExample.objects.get().review_status == ReviewStatus.REJECTED
