"""Uploads: the quota holds for uploads at a time, and a file stays as long as somebody's import needs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from learning import job_tasks
from learning.models import Agent, Job
from learning.services import artifact_store
from learning.services.example_imports import Wishes, import_checked, start_import
from learning.services.jobs import request_job_cancel
from organizations.errors import Missing, Refused
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
CONTENT = b'{"input_text": "?", "expected_output": "!"}\n'


@pytest.fixture
def organization(transactional_db: None, settings: Any, tmp_path: Path) -> Organization:
    settings.ARTIFACT_DIR = str(tmp_path)
    organization = factories.make_organization()
    with organization_scope(organization.pk):
        Agent.objects.create(external_id="critic", name="Critic")
    return organization


def upload(organization: Organization, **wishes: Any) -> Job:
    with organization_scope(organization.pk):
        key = artifact_store.keep_upload(chunks=[CONTENT])
        asked = Wishes(agent_id=str(Agent.objects.get().pk), **wishes)
        return start_import(name="rows", file=key, wishes=asked)


def follow(organization: Organization, job: Job) -> Job:
    with organization_scope(organization.pk):
        return import_checked(job=Job.objects.get(pk=job.pk))


def run(organization: Organization, job: Job) -> None:
    job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        assert Job.objects.get(pk=job.pk).status == "completed"


def kept(organization: Organization) -> bool:
    return any((Path(settings.ARTIFACT_DIR) / str(organization.pk)).iterdir())


def test_two_uploads_at_a_time_do_not_both_take_the_last_room(organization: Organization, settings: Any) -> None:
    settings.ARTIFACT_QUOTA_MB, settings.IMPORT_MAX_MB = 1, 1
    together, ends = Barrier(2), []

    def chunks(letter: bytes) -> Iterator[bytes]:
        together.wait(10)
        yield letter * 600_000

    def keep(letter: bytes) -> None:
        try:
            with organization_scope(organization.pk):
                artifact_store.keep_upload(chunks=chunks(letter))
            ends.append("kept")
        except Refused as error:
            ends.append(error.message)
        finally:
            connection.close()

    threads = [Thread(target=keep, args=(letter,)) for letter in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends, reverse=True) == ["kept", artifact_store.FULL]


def test_a_file_that_vanishes_while_the_room_is_summed_up_is_no_error(
    organization: Organization, tmp_path: Path
) -> None:
    upload(organization)
    (tmp_path / str(organization.pk) / ("0" * 64)).symlink_to("gone")
    upload(organization)


def test_a_file_that_two_people_checked_stays_until_both_imported_it(organization: Organization) -> None:
    first, second = upload(organization, dry_run=True), upload(organization, dry_run=True)
    run(organization, first)
    run(organization, second)
    run(organization, follow(organization, first))
    assert kept(organization)
    run(organization, follow(organization, second))
    assert not kept(organization)


def test_a_file_stays_while_another_import_of_it_waits(organization: Organization) -> None:
    first, second = upload(organization), upload(organization)
    run(organization, first)
    assert kept(organization)
    run(organization, second)
    assert not kept(organization)


def test_a_cancelled_import_keeps_no_file_for_others(organization: Organization) -> None:
    first, second = upload(organization), upload(organization)
    with organization_scope(organization.pk):
        request_job_cancel(job=second)
    run(organization, first)
    assert not kept(organization)


def test_a_file_is_not_deleted_between_an_upload_and_its_job(organization: Organization) -> None:
    first = upload(organization)
    with organization_scope(organization.pk):
        artifact_store.keep_upload(chunks=[CONTENT])
        working = Thread(target=run, args=(organization, first))
        working.start()
        working.join(1.0)
        assert working.is_alive(), "whoever would delete it waits"
        job = start_import(name="rows", file=first.request["file"], wishes=Wishes(**first.request["wishes"]))
    working.join()
    assert kept(organization)
    run(organization, job)
    with organization_scope(organization.pk), pytest.raises(Missing):
        artifact_store.find_artifact(first.request["file"])
