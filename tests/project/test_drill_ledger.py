"""What the drill counts by: each item is sent once, and its comparison sees what it looks for."""

from __future__ import annotations

import random

import pytest

from learning.models import AgentFeedback, LearningExample
from organizations.models import Organization
from project.drill.ledger import Ledger, compare, item
from project.drill.senders import _parts
from tests import factories
from tests.conftest import api_with


def test_every_item_is_sent_in_exactly_one_part() -> None:
    parts = list(_parts(3000, random.Random(7)))
    assert [number for part in parts for number in part] == list(range(3000))
    alone = sum(len(part) for part in parts if len(part) == 1)
    assert 300 < alone < 1500


class TestComparison:
    """The drill would see what it looks for."""

    @pytest.fixture
    def acknowledged(self, scope: Organization) -> dict[str, str]:
        api = api_with(factories.make_key(scope))
        answer = api.post("/api/learning/feedback/batch", {"items": [item(n) for n in range(20)]}, format="json")
        ledger = Ledger()
        ledger.acknowledge({f"item-{result['index']}": result["id"] for result in answer.json()["results"]})
        assert not ledger.unexpected
        return ledger.acknowledged

    def test_what_is_there_once_holds(self, acknowledged: dict[str, str]) -> None:
        verdict = compare(acknowledged)
        assert verdict.holds and verdict.acknowledged == 20

    def test_a_missing_row_is_lost(self, acknowledged: dict[str, str]) -> None:
        AgentFeedback.objects.filter(idempotency_key="item-3").delete()
        assert (compare(acknowledged).lost, compare(acknowledged).holds) == (1, False)

    def test_a_row_under_another_id_is_lost(self, acknowledged: dict[str, str]) -> None:
        assert compare(acknowledged | {"item-3": acknowledged["item-4"]}).lost == 1

    def test_a_row_that_is_there_twice_is_doubled(self, acknowledged: dict[str, str]) -> None:
        row = AgentFeedback.objects.get(idempotency_key="item-3")
        row.pk, row.idempotency_key = None, None
        row._state.adding = True
        row.id = AgentFeedback._meta.pk.get_default()
        row.save()
        assert (compare(acknowledged).duplicated, compare(acknowledged).holds) == (1, False)

    def test_a_row_that_nobody_acknowledged_came_from_nowhere(self, acknowledged: dict[str, str]) -> None:
        del acknowledged["item-3"]
        assert (compare(acknowledged).from_nowhere, compare(acknowledged).holds) == (1, False)

    def test_a_correction_without_its_example_is_seen(self, acknowledged: dict[str, str]) -> None:
        LearningExample.objects.filter(expected_output="item-10").delete()
        assert (compare(acknowledged).corrections_without_example, compare(acknowledged).holds) == (1, False)


def test_a_second_acknowledgement_with_another_id_is_unexpected() -> None:
    ledger = Ledger()
    ledger.acknowledge({"item-1": "a"})
    ledger.acknowledge({"item-1": "a"})
    assert not ledger.unexpected
    ledger.acknowledge({"item-1": "b"})
    assert ledger.unexpected
