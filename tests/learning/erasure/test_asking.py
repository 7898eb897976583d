"""Erasing by the API, the page and the commands; and who may."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from learning.job_tasks import sweep_jobs
from learning.models import ErasureReceipt, Execution, Job
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.conftest import api_with
from tests.database import ROOT
from tests.learning.erasure import people
from tests.learning.erasure.dump import fingerprint, places_of

pytestmark = pytest.mark.django_db(transaction=True)
MARK = "qzcanary77x"
USER = f"user-{MARK}"


@pytest.fixture
def organization(transactional_db: None, settings: Any, tmp_path: Path) -> Organization:
    settings.ARTIFACT_DIR = tmp_path
    settings.CELERY_TASK_ALWAYS_EAGER = True
    organization = factories.make_organization()
    people.send_everything(organization, USER, MARK, "own")
    return organization


def work_off(organization: Organization) -> None:
    from learning.job_tasks import run_job

    with organization_scope(organization.pk):
        waiting = list(Job.objects.filter(status="pending").values_list("pk", flat=True))
    for job_id in waiting:
        run_job(organization_id=str(organization.pk), job_id=str(job_id))


def test_the_api_says_first_what_would_go_and_then_does_it(organization: Organization) -> None:
    api = api_with(factories.make_key(organization))
    preview = api.post("/api/learning/erasures", {"user": USER, "dry_run": True}, format="json")
    assert (preview.status_code, preview.json()["counts"]["feedback"]) == (200, 3)
    asked = api.post("/api/learning/erasures", {"user": USER}, format="json")
    assert asked.status_code == 202
    work_off(organization)
    receipts = api.get("/api/learning/erasures").json()["results"]
    assert [one["job_id"] for one in receipts] == [asked.json()["job_id"]]
    assert api.get(f"/api/learning/erasures/{receipts[0]['id']}").json()["counts"]["feedback"] == 3
    assert places_of(MARK) == []


def test_asking_twice_is_one_job(organization: Organization) -> None:
    api = api_with(factories.make_key(organization))
    jobs = [api.post("/api/learning/erasures", {"user": USER}, format="json").json()["job_id"] for _ in range(2)]
    assert jobs[0] == jobs[1]


@pytest.mark.parametrize("user", ["", "   ", "x" * 201, None, ["a"], "a\x00b"])
def test_what_is_no_pseudonym_is_refused(organization: Organization, user: Any) -> None:
    api = api_with(factories.make_key(organization))
    assert api.post("/api/learning/erasures", {"user": user}, format="json").status_code == 400


def test_only_keys_that_manage_and_administrators_may(organization: Organization, sign_in: Any) -> None:
    reader = api_with(factories.make_key(organization, scopes=["read", "ingest"]))
    assert reader.post("/api/learning/erasures", {"user": USER}, format="json").status_code == 403
    assert reader.get("/api/learning/erasures").status_code == 403
    assert sign_in("manager", inside=organization).get("/admin/learning/erasures/").status_code == 403


def test_the_page_shows_what_would_go_and_erases_it(organization: Organization, sign_in: Any) -> None:
    client = sign_in("admin", inside=organization)
    preview = client.post("/admin/learning/erasures/", {"user": USER})
    assert preview.status_code == 200 and b"Erase all of this" in preview.content
    assert client.post("/admin/learning/erasures/start", {"user": USER}).status_code == 302
    assert MARK.encode() not in client.get("/admin/learning/erasures/").content
    work_off(organization)
    with organization_scope(organization.pk):
        receipt = ErasureReceipt.objects.get()
    assert receipt.actor_label == client.user.username
    shown = client.get(f"/admin/learning/erasures/{receipt.pk}/")
    assert shown.status_code == 200 and receipt.subject.encode() in shown.content
    assert places_of(MARK) == []


def test_the_page_sets_an_organizations_own_retention(organization: Organization, sign_in: Any) -> None:
    client = sign_in("admin", inside=organization)
    client.post("/admin/learning/erasures/retention", {"days": "40"})
    assert b"removed after 40 days" in client.get("/admin/learning/erasures/").content
    client.post("/admin/learning/erasures/retention", {"days": "0"})
    assert b"removed after 40 days" in client.get("/admin/learning/erasures/").content


def test_the_command_erases_and_prints_the_receipt(organization: Organization) -> None:
    out = StringIO()
    call_command("erase_subject", organization=organization.slug, user=USER, dry_run=True, stdout=out)
    assert "executions" in out.getvalue()
    with organization_scope(organization.pk):
        assert Execution.objects.filter(user=USER).exists()
    call_command("erase_subject", organization=organization.slug, user=USER, stdout=out)
    assert "Receipt" in out.getvalue() and places_of(MARK) == []


def test_an_unknown_organization_is_named(organization: Organization) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        call_command("erase_subject", organization="nowhere", user=USER)


def test_a_lost_wake_up_is_found_by_the_sweep(organization: Organization) -> None:
    api_with(factories.make_key(organization)).post("/api/learning/erasures", {"user": USER}, format="json")
    assert callable(sweep_jobs)
    work_off(organization)
    assert places_of(MARK) == []


def as_owner(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which connects as the owner of the tables."""
    import os

    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings",
                                "ALS_TEST_DATABASE": str(connection.settings_dict["NAME"])}  # fmt: skip
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_whole_organization_is_removed_and_no_other(organization: Organization) -> None:
    people.learn_from(organization, USER, MARK)
    with organization_scope(organization.pk):
        from experiments.models import Experiment

        Experiment.objects.filter(unit="user").update(status="running")
    stranger = factories.make_organization()
    people.send_everything(stranger, "other", "wyparrot88v", "other")
    before = fingerprint(stranger.pk)
    assert as_owner("erase_organization", organization.slug).returncode == 1
    done = as_owner("erase_organization", organization.slug, "--yes")
    assert done.returncode == 0, done.stderr[-2000:]
    assert set(fingerprint(organization.pk).values()) == {""}
    assert fingerprint(stranger.pk) == before
    assert [place for place in places_of(MARK) if "tmp" not in place] == []


def test_the_application_itself_cannot_remove_an_organization(organization: Organization) -> None:
    with pytest.raises(CommandError, match="owner"):
        call_command("erase_organization", organization.slug, yes=True)
