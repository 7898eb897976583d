"""The drill in short: kill -9 of web workers, the web service, database processes and PostgreSQL under load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from learning.models import AgentFeedback, LearningExample
from organizations.models import Organization
from project.drill.ledger import Ledger, compare, item
from project.drill.senders import _parts
from tests import factories
from tests.conftest import api_with

ROOT = Path(__file__).resolve().parents[2]
ITEMS, KILLS = 4000, 4  # each kind once


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes to kill in /proc")
def test_nothing_acknowledged_is_lost_or_doubled_when_everything_is_killed() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ALS_", "DJANGO_"))}
    argv = [sys.executable, "manage.py", "drill_intake", "--items", str(ITEMS), "--kills", str(KILLS), "--json"]
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["acknowledged"], figures["lost"], figures["duplicated"]) == (ITEMS, 0, 0)
    assert figures["holds"]
    killed = [
        figures[f"killed_{name}"] for name in ("web_worker", "web_service", "database_backend", "database_server")
    ]
    assert killed == [1, 1, 1, 1], figures
    assert figures["repeated"] > 0, "the kills hit nobody, so this run shows nothing"


def test_every_item_is_sent_in_exactly_one_part() -> None:
    import random

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
