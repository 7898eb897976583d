"""An expert, an agent and the way to a claimed item."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotation.models import AnnotationQueue, Slot
from annotation.services.opinions import Opinion
from annotation.services.queues import default_queue
from learning.models import Agent
from organizations.models import Organization, User
from tests import factories


@pytest.fixture(autouse=True)
def prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples are prepared, which a beat task does within seconds; nobody reviews them before."""
    make = factories.make_example
    monkeypatch.setattr(
        factories, "make_example", lambda agent, **values: make(agent, **{"prepared_version": 1} | values)
    )


@pytest.fixture
def queue(scope: Organization) -> AnnotationQueue:
    found = default_queue()
    assert found is not None
    return found


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent(name="Sorter", domain="reviews")


@pytest.fixture
def expert(scope: Organization) -> User:
    return factories.make_user(scope, "expert")


@pytest.fixture
def second_expert(scope: Organization) -> User:
    return factories.make_user(scope, "expert")


@pytest.fixture
def approval() -> Callable[..., Opinion]:
    """approval(clarity=0.5) -> an opinion that approves, with all four scores."""

    def made(**values: Any) -> Opinion:
        scores = {"technical_accuracy": 0.9, "professional_quality": 0.8, "completeness": 1.0, "clarity": 0.7}
        return Opinion(**{"decision": "approve"} | scores | values)

    return made


def let_lease_run_out(slot: Slot) -> None:
    # A minute ago: the database's clock stands still at the beginning of a test's transaction.
    Slot.objects.filter(pk=slot.pk).update(lease_until=timezone.now() - timedelta(minutes=1))
