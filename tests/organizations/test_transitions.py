"""A status has one writer: only the steps of the table, only from the status that was read, always audited."""

from __future__ import annotations

import pytest

from learning.models import LearningExample
from organizations.models import AuditEvent, Organization
from organizations.transitions import IllegalTransition, LostRace, move
from tests import factories


def test_a_step_of_the_table_is_taken_and_audited(scope: Organization) -> None:
    example = factories.make_example(factories.make_agent())
    move(example, "approved", field="review_status", quality_score=0.9)
    example.refresh_from_db()
    assert (example.review_status, example.quality_score) == ("approved", 0.9)
    event = AuditEvent.objects.get(action="learningexample.approved")
    assert (event.before, event.after) == ({"review_status": "pending"}, {"review_status": "approved"})


def test_a_step_that_is_not_in_the_table_is_refused(scope: Organization) -> None:
    config = factories.make_config(factories.make_agent(), status="retired")
    with pytest.raises(IllegalTransition, match="retired; it cannot become approved"):
        move(config, "approved")


def test_who_read_an_older_status_loses(scope: Organization) -> None:
    example = factories.make_example(factories.make_agent())
    stale = LearningExample.objects.get(pk=example.pk)
    move(example, "approved", field="review_status")
    with pytest.raises(LostRace):
        move(stale, "rejected", field="review_status")
    assert not AuditEvent.objects.filter(action="learningexample.rejected").exists()
