"""An attempt at work comes to one end, which is written down, or to none, and then another attempt follows."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from learning.attempts import Ends, attempt
from learning.engines.errors import BudgetExceeded, Cancelled
from organizations.models import Organization
from organizations.scope import current_organization_id
from organizations.stopping import Stopping

pytestmark = pytest.mark.django_db


class Lost(Exception):
    """Somebody else has the work."""


def end_of(organization: Organization, error: Exception | None, *, may_stop: bool = False) -> list[Any]:
    """What was written, and for whom; and what was raised."""
    notes: list[Any] = []

    def note(*what: Any) -> None:
        notes.append((*what, current_organization_id()))

    def work() -> int:
        if error:
            raise error
        return 7

    ends: Ends[int] = Ends(
        finish=lambda result: note("finished", result),
        fail=lambda reason: note("failed", reason),
        put_back=lambda: note("put back"),
        lost=Lost,
        cancel=(lambda: note("cancelled")) if may_stop else None,
    )
    try:
        attempt(organization.pk, work, ends)
    except Exception as raised:
        notes.append(raised)
    return notes


@pytest.mark.parametrize(
    ("error", "written"),
    [
        (None, ("finished", 7)),
        (Stopping(), ("put back",)),
        (BudgetExceeded("No more."), ("failed", "No more.")),
        (ValueError("Too few."), ("failed", "Too few.")),
        (Cancelled("By a person."), ("failed", "By a person.")),
    ],
)
def test_an_attempt_writes_how_it_ended_in_its_organization(
    organization: Organization, error: Exception | None, written: tuple[Any, ...]
) -> None:
    assert end_of(organization, error) == [(*written, organization.pk)]


def test_work_that_a_person_may_stop_is_not_failed_by_it(organization: Organization) -> None:
    assert end_of(organization, Cancelled("x"), may_stop=True) == [("cancelled", organization.pk)]


@pytest.mark.parametrize("error", [Lost(), OperationalError("away")])
def test_work_that_is_lost_and_a_database_that_is_away_end_nothing(
    organization: Organization, error: Exception
) -> None:
    assert end_of(organization, error) == [error]


def test_a_fault_of_ours_is_written_down_without_its_text_and_raised(organization: Organization) -> None:
    fault = RuntimeError("secret")
    assert end_of(organization, fault) == [("failed", "Internal error: RuntimeError.", organization.pk), fault]
