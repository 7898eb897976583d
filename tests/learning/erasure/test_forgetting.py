"""A person who is forgotten leaves no byte of what they said; everybody else's data stays as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from learning import job_tasks
from learning.models import (
    AgentConfig,
    AgentFeedback,
    DatasetExample,
    ErasureReceipt,
    Execution,
    GateReport,
    Job,
    LearningExample,
    TrainingRunLog,
)
from learning.services import erasure, jobs
from learning.services.agents import create_first_config
from learning.services.preparation import prepare_waiting
from organizations import audit
from organizations.models import AuditEvent, Organization
from organizations.scope import organization_scope
from tests import factories
from tests.learning.erasure import people
from tests.learning.erasure.dump import fingerprint, places_of

pytestmark = pytest.mark.django_db(transaction=True)
MARK, OTHER_MARK = "qzcanary77x", "wyparrot88v"
USER, OTHER_USER = f"user-{MARK}", f"user-{OTHER_MARK}"


@pytest.fixture
def organization(transactional_db: None, settings: Any, tmp_path: Path) -> Organization:
    settings.ARTIFACT_DIR = tmp_path
    return factories.make_organization()


@pytest.fixture
def made(organization: Organization) -> dict[str, Any]:
    """What two people said, and what was learned from both."""
    people.send_everything(organization, OTHER_USER, OTHER_MARK, "other")
    people.send_everything(organization, USER, MARK, "own")
    return people.learn_from(organization, USER, MARK)


def erase(organization: Organization, user: str = USER) -> ErasureReceipt:
    with organization_scope(organization.pk):
        job = erasure.request_erasure(user=user)
    job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        job.refresh_from_db()
        assert job.status == "completed", job.failure_reason
        return ErasureReceipt.objects.get(job_id=job.pk)


def test_no_byte_of_them_is_left_in_any_table_or_file(organization: Organization, made: dict[str, Any]) -> None:
    before = places_of(MARK)
    assert len(before) > 45, before  # the test says it everywhere
    erase(organization)
    assert places_of(MARK) == []


def test_what_another_person_said_is_all_there(organization: Organization, made: dict[str, Any]) -> None:
    def own() -> list[Any]:
        with organization_scope(organization.pk):
            return [
                list(Execution.objects.filter(user=OTHER_USER).order_by("pk").values()),
                list(AgentFeedback.objects.filter(user=OTHER_USER).order_by("pk").values()),
                list(LearningExample.objects.filter(input_text__contains=OTHER_MARK).order_by("pk").values()),
            ]

    before, places = own(), places_of(OTHER_MARK)
    erase(organization)
    assert own() == before and all(before)
    assert set(places) - set(places_of(OTHER_MARK)) == set()


def test_another_organization_is_untouched(organization: Organization, made: dict[str, Any]) -> None:
    stranger = factories.make_organization()
    people.send_everything(stranger, USER, MARK, "own")
    before = fingerprint(stranger.pk)
    erase(organization)
    assert fingerprint(stranger.pk) == before


def test_the_newest_version_is_published_again_without_them(organization: Organization, made: dict[str, Any]) -> None:
    receipt = erase(organization)
    with organization_scope(organization.pk):
        first, old = made["first"], made["version"]
        first.refresh_from_db()
        old.refresh_from_db()
        new = old.replaced_by
        assert old.erased_at and first.erased_at and first.replaced_by == new and new.erased_at is None
        gone = next(one["items"] for one in receipt.versions if one["number"] == old.number)
        assert gone > 0 and new.total == old.total - gone == new.items.count() == old.items.count()
        kept = {(row.example_id, row.split, row.weight) for row in old.items.all()}
        assert {(row.example_id, row.split, row.weight) for row in new.items.all()} == kept
        assert new.manifest_hash != old.manifest_hash


def test_a_version_of_the_rest_has_the_manifest_that_publishing_gives(
    organization: Organization, made: dict[str, Any]
) -> None:
    erase(organization)
    with organization_scope(organization.pk):
        from learning.services.publication import publish_version

        assert publish_version(dataset=made["dataset"]).number == made["version"].number + 1


def test_configs_built_from_them_lose_the_quotes_and_are_named(
    organization: Organization, made: dict[str, Any]
) -> None:
    receipt = erase(organization)
    with organization_scope(organization.pk):
        config = AgentConfig.objects.get(pk=made["config"].pk)
        assert config.erased_at is not None and config.content_hash != made["config"].content_hash
        assert config.content["examples"] == [{"input": "Film number 3 was good", "output": "positive"}]
        assert config.content["system_prompt"].startswith("Answer in one word.")
        assert AgentConfig.objects.get(pk=made["base"].pk).erased_at is None
    assert [(one["config_id"], one["serves"], one["quoted"]) for one in receipt.retrain] == [
        (str(config.pk), True, True)
    ]


@pytest.mark.parametrize("template", ["{input}", "Question: {input}\nAnswer:", "{input}? Again: {input}"])
def test_configs_lose_short_examples_of_theirs_in_whatever_template(organization: Organization, template: str) -> None:
    with organization_scope(organization.pk):
        agent = factories.make_agent()
        given = {"My cat died": USER, "Lost in Lyon": USER, "It is late": OTHER_USER}
        for text, user in given.items():
            factories.make_example(agent, input_text=text, expected_output="refund ", user=user)
        prepare_waiting()
        shown = [{"input": template.replace("{input}", text), "output": "refund"} for text in given]
        content = {"input_template": template, "nearest_examples": 2, "examples": shown}
        config = create_first_config(agent=agent, content=content)
    erase(organization)
    with organization_scope(organization.pk):
        kept = AgentConfig.objects.get(pk=config.pk).content
    assert (kept["examples"], kept["nearest_examples"]) == (shown[2:], 2)


@pytest.mark.parametrize("more", [{"input_template": "no place"}, {"nearest_examples": "four"}])
def test_a_config_that_cannot_be_read_any_more_keeps_nobody_from_being_forgotten(
    organization: Organization, made: dict[str, Any], more: dict[str, Any]
) -> None:
    with organization_scope(organization.pk):
        factories.make_config(made["base"].agent, content=more)
    erase(organization)
    with organization_scope(organization.pk):
        assert AgentConfig.objects.get(pk=made["config"].pk).erased_at is not None


def test_what_does_not_quote_them_stays_word_for_word(organization: Organization, made: dict[str, Any]) -> None:
    erase(organization)
    with organization_scope(organization.pk):
        assert TrainingRunLog.objects.filter(message="Confirming: 40 calls so far").exists()
        assert [case["name"] for case in GateReport.objects.get().cases] == ["other"]


def test_the_audit_still_holds(organization: Organization, made: dict[str, Any]) -> None:
    from datetime import timedelta

    with organization_scope(organization.pk):
        audit.seal_events(older_than=timedelta(seconds=-1))
    erase(organization)
    with organization_scope(organization.pk):
        assert audit.find_broken_seal() is None
        assert AuditEvent.objects.filter(action="example.edited", salt="").count() == 1


def test_the_receipt_counts_and_names_nobody(organization: Organization, made: dict[str, Any]) -> None:
    receipt = erase(organization)
    with organization_scope(organization.pk):
        assert receipt.subject == erasure.subject_of(USER)
        assert Job.objects.get(pk=receipt.job_id).request == {"subject": receipt.subject}
    assert {
        "executions", "decisions", "retrievals", "feedback", "examples", "annotations", "drafts", "exposures",
        "dataset items", "gold items", "flags", "remembered answers", "uploaded files",
    } <= set(receipt.counts)  # fmt: skip
    assert MARK not in str([receipt.counts, receipt.versions, receipt.retrain])


def test_lineage_still_draws(organization: Organization, made: dict[str, Any], sign_in: Any) -> None:
    client = sign_in("admin", inside=organization)
    erase(organization)
    for address in (f"lineage/{made['config'].pk}/", f"training/{made['run'].pk}/", f"datasets/{made['dataset'].pk}/"):
        assert client.get(f"/admin/learning/{address}").status_code == 200, address


def test_again_finds_nothing_and_gives_another_receipt(organization: Organization, made: dict[str, Any]) -> None:
    erase(organization)
    again = erase(organization)
    assert again.counts == {}
    with organization_scope(organization.pk):
        assert ErasureReceipt.objects.count() == 2


def test_killed_after_any_step_it_goes_on_and_ends_the_same(organization: Organization, made: dict[str, Any]) -> None:
    """Each attempt does one step and is thrown away with what it did since; the next starts from the rows."""
    with organization_scope(organization.pk):
        prepare_waiting()
        job = erasure.request_erasure(user=USER)
    for _ in range(12):
        with organization_scope(organization.pk):
            Job.objects.filter(pk=job.pk).update(status="pending", attempt=0)
            work = jobs.claim_job(job_id=job.pk)
        assert work is not None
        steps = erasure.work(work)
        for _ in range(3):
            job_tasks._step(organization.pk, work, steps)
        del steps  # killed
    with organization_scope(organization.pk):
        Job.objects.filter(pk=job.pk).update(status="pending", attempt=0)
    job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    assert places_of(MARK) == []
    with organization_scope(organization.pk):
        receipt = ErasureReceipt.objects.get()
        assert receipt.retrain and [one["number"] for one in receipt.versions] == [2, 1]


def test_a_run_that_is_reading_them_is_stopped(organization: Organization, made: dict[str, Any]) -> None:
    with organization_scope(organization.pk):
        run = made["run"]
        type(run).objects.filter(pk=run.pk).update(status="running", attempt=1)
    erase(organization)
    with organization_scope(organization.pk):
        run.refresh_from_db()
        assert run.status == "cancelled" and "erased" in run.failure_reason


def test_a_preview_changes_nothing_and_says_what_would_go(organization: Organization, made: dict[str, Any]) -> None:
    before = fingerprint(organization.pk)
    with organization_scope(organization.pk):
        preview = erasure.preview_erasure(user=USER)
        assert preview.counts["dataset items"] == DatasetExample.objects.filter(input_text__contains=MARK).count()
    assert fingerprint(organization.pk) == before
    assert preview.counts["executions"] >= 1 and preview.retrain and len(preview.versions) == 2
