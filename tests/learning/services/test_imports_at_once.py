"""Imports that store rows while others do: none waits for a row of somebody who waits for one of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep

import pytest
from django.db import connection

from learning import job_tasks
from learning.models import Agent, Job, LearningExample
from learning.services.example_imports import Wishes, start_import
from learning.services.import_staging import lock_imports
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def bring(organization: Organization, path: Path, *, dry_run: bool = False) -> Job:
    try:
        with organization_scope(organization.pk):
            wishes = Wishes(agent_id=str(Agent.objects.get().pk), update=True, dry_run=dry_run)
            job = start_import(name=path.name, path=path, wishes=wishes)
        job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job.pk))
        with organization_scope(organization.pk):
            return Job.objects.get(pk=job.pk)
    finally:
        connection.close()


def when_it_waits(told: Future[Job]) -> None:
    """Return when another session waits for what this one has."""
    waiting, until = 0, monotonic() + 60
    while not waiting and monotonic() < until:
        assert not told.done(), "it waited for nobody"
        sleep(0.01)
        with connection.cursor() as cursor:
            cursor.execute(WAITS)
            (waiting,) = cursor.fetchone()


@pytest.fixture
def path(organization: Organization, other_organization: Organization, tmp_path: Path) -> Path:
    for each in (organization, other_organization):
        with organization_scope(each.pk):
            factories.make_agent(external_id="bot")
    return tmp_path / "rows.jsonl"


def write(path: Path, *, answer: str, places: Iterable[int] = range(3)) -> None:
    rows = [{"external_id": f"a-{n}", "input_text": f"{n}?", "expected_output": answer} for n in places]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_a_batch_is_stored_when_the_one_of_another_import_is(
    organization: Organization, other_organization: Organization, path: Path
) -> None:
    write(path, answer="!")
    with ThreadPoolExecutor(1) as worker:
        with organization_scope(organization.pk):
            lock_imports()
            assert worker.submit(bring, other_organization, path).result().result["new"] == 3
            assert worker.submit(bring, organization, path, dry_run=True).result().result["new"] == 3
            told = worker.submit(bring, organization, path)
            when_it_waits(told)
        assert told.result().result["new"] == 3


def test_examples_that_a_file_changes_are_locked_in_the_order_in_which_all_lock_them(
    organization: Organization, path: Path
) -> None:
    write(path, answer="!")
    bring(organization, path)
    write(path, answer="Later.", places=(2, 1, 0))
    with ThreadPoolExecutor(1) as worker:
        with organization_scope(organization.pk):
            first, *others = LearningExample.objects.order_by("pk").values_list("pk", flat=True)
            locked = LearningExample.objects.order_by("pk").select_for_update(skip_locked=True)
            assert len(locked.filter(pk=first)) == 1
            told = worker.submit(bring, organization, path)
            when_it_waits(told)
            assert len(locked.filter(pk__in=others)) == 2, "it has none while it waits for the first"
        assert told.result().result["updated"] == 3
