"""What beat does for every organization: the trouble of one is not that of the others."""

from __future__ import annotations

import importlib
import logging
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from organizations.models import Organization
from organizations.scope import organization_scope
from organizations.stopping import Stopping
from organizations.tasks import each_organization

# Each sweep, and what it calls for one organization.
SWEEPS = [
    ("organizations.tasks", "seal_audit", "audit.seal_events"),
    ("learning.gate_tasks", "sweep_gates", "gate.open_gates"),
    ("learning.intake_tasks", "join_missed_feedback", "join_early_feedback"),
    ("learning.job_tasks", "sweep_jobs", "jobs.due_jobs"),
    ("learning.preparation_tasks", "prepare_all_examples", "mark_outdated"),
    ("learning.retention_tasks", "apply_retention", "apply_step"),
    ("learning.rollup_tasks", "sum_up_all_feedback", "sum_up_feedback"),
    ("learning.rule_tasks", "learn_by_all_rules", "learn_by_rules"),
    ("learning.telemetry_tasks", "write_overdue", "write_overdue_traces"),
    ("learning.telemetry_tasks", "forget", "forget_spans"),
    ("learning.training_tasks", "sweep_training", "training.due_runs"),
    ("annotation.tasks", "fill_queues", "_active_queues"),
    ("annotation.tasks", "estimate_all", "_active_queues"),
    ("experiments.tasks", "analyse_running_experiments", "organization_scope"),
]


def break_database(*args: Any, **kwargs: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


def test_the_others_have_their_turn_and_the_log_names_the_one(
    organization: Organization, other_organization: Organization, caplog: pytest.LogCaptureFixture
) -> None:
    first, *others = sorted([organization.pk, other_organization.pk])

    def name_of(organization_id: UUID) -> str:
        with organization_scope(organization_id):
            if organization_id == first:
                break_database()
            return str(Organization.objects.values_list("name", flat=True).get(pk=organization_id))

    with caplog.at_level(logging.ERROR):
        assert len(each_organization(name_of)) == len(others)
    [record] = caplog.records
    assert str(first) in record.getMessage() and "name_of" in record.getMessage() and record.exc_info


def test_a_product_that_stops_visits_nobody_else(organization: Organization, other_organization: Organization) -> None:
    asked = []

    def stop(organization_id: UUID) -> None:
        asked.append(organization_id)
        raise Stopping

    with pytest.raises(Stopping):
        each_organization(stop)
    assert len(asked) == 1


@pytest.mark.parametrize(("module", "task", "called"), SWEEPS)
def test_no_sweep_ends_at_the_first_trouble(
    organization: Organization,
    other_organization: Organization,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    task: str,
    called: str,
) -> None:
    visited = []

    def trouble(*args: Any, **kwargs: Any) -> None:
        visited.append(1)
        raise RuntimeError("trouble")

    monkeypatch.setattr(f"{module}.{called}", trouble)
    getattr(importlib.import_module(module), task)()
    assert len(visited) == 2
