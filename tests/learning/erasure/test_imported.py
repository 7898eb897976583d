"""Examples that came in a file, or were given directly, with the user whose they are: they go with that user."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pytest
from pyarrow import parquet

from learning import job_tasks
from learning.models import Agent, DatasetExample, ErasedRow, Job, LearningExample
from learning.services.datasets import create_dataset
from learning.services.erased_imports import erased_among
from learning.services.example_imports import ERASED, Wishes, start_import
from learning.services.preparation import prepare_waiting
from learning.services.publication import publish_version
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.conftest import api_with
from tests.learning.erasure.dump import places_of
from tests.learning.erasure.test_forgetting import erase

pytestmark = pytest.mark.django_db(transaction=True)
MARK = "qzcanary77x"
USER, OTHER = f"{MARK}@example.com", "bob"  # redaction would take the first for an address, and it is still found
Rows = list[dict[str, Any]]


@pytest.fixture
def organization(transactional_db: None, settings: Any, tmp_path: Path) -> Organization:
    settings.ARTIFACT_DIR = tmp_path
    organization = factories.make_organization()
    with organization_scope(organization.pk):
        factories.make_agent(external_id="bot")
    return organization


def bring(organization: Organization, path: Path, content: bytes, refused: int = 0, **wishes: Any) -> dict[str, Any]:
    """Import a file, prepare what it brought; the report."""
    path.write_bytes(content)
    with organization_scope(organization.pk):
        agent = Agent.objects.get()
        job = start_import(name=path.name, path=path, wishes=Wishes(agent_id=str(agent.pk), **wishes))
    job_tasks.run_job(organization_id=str(organization.pk), job_id=str(job.pk))
    with organization_scope(organization.pk):
        job = Job.objects.get(pk=job.pk)
        assert (job.status, job.result["refused"]) == ("completed", refused), (
            job.failure_reason or job.result["problems"]
        )
        prepare_waiting()
        return dict(job.result)


def said(user: str) -> dict[str, Any]:
    return {"user_id": user, "input_text": f"{user.partition('@')[0]} asks", "expected_output": "Soon."}


def as_lines(rows: Rows) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_csv(rows: Rows) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def as_parquet(rows: Rows) -> bytes:
    file = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(rows), file)
    return file.getvalue()


def turns(row: dict[str, Any]) -> list[dict[str, str]]:
    asked = {"role": "user", "content": row["input_text"]}
    return [asked, {"role": "assistant", "content": row["expected_output"]}]


def as_chats(rows: Rows) -> bytes:
    return as_lines([{"messages": turns(row), "metadata": {"user_id": row["user_id"]}} for row in rows])


def as_pairs(rows: Rows) -> bytes:
    told = [{"user_id": row["user_id"], "prompt": turns(row)[:1], "completion": turns(row)[1:]} for row in rows]
    return as_lines(told)


def as_label_studio(rows: Rows) -> bytes:
    tasks = [
        {"id": number, "data": {"text": row["input_text"], "userId": row["user_id"]},
         "annotations": [{"result": [{"type": "textarea", "value": {"text": [row["expected_output"]]}}]}]}
        for number, row in enumerate(rows)
    ]  # fmt: skip
    return json.dumps(tasks).encode()


def as_langfuse(rows: Rows) -> bytes:
    items = [
        {"id": f"item-{number}", "datasetId": "d", "input": row["input_text"], "expectedOutput": row["expected_output"],
         "metadata": {"userId": row["user_id"]}}
        for number, row in enumerate(rows)
    ]  # fmt: skip
    return as_lines(items)


WRITERS: dict[str, Callable[[Rows], bytes]] = {
    "jsonl": as_lines, "csv": as_csv, "parquet": as_parquet, "openai-chat": as_chats, "trl-sft": as_pairs,
    "label-studio": as_label_studio, "langfuse": as_langfuse,
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_rows_that_name_a_user_go_with_that_user(organization: Organization, tmp_path: Path, name: str) -> None:
    report = bring(organization, tmp_path / "rows", WRITERS[name]([said(USER), said(OTHER)]), format=name)
    assert (report["new"], report["without_user_id"]) == (2, 0)
    assert places_of(MARK)
    assert erase(organization, USER).counts["examples"] == 1
    (tmp_path / "rows").unlink()
    with organization_scope(organization.pk):
        assert list(LearningExample.objects.values_list("user", flat=True)) == [OTHER]
    assert places_of(MARK) == []


@pytest.mark.parametrize("named", [{}, {"external_id": "a-1"}])
def test_a_row_that_was_erased_is_refused_when_its_file_comes_again(
    organization: Organization, tmp_path: Path, named: dict[str, str]
) -> None:
    path, content = tmp_path / "rows", as_lines([said(USER) | named, said(OTHER)])
    bring(organization, path, content)
    erase(organization, USER)
    for dry_run in (True, False):
        report = bring(organization, path, content, refused=1, dry_run=dry_run)
        assert (report["new"], report["unchanged"]) == (0, 1)
        assert [(one["line"], one["reason"]) for one in report["problems"]] == [(1, ERASED)]
    path.unlink()
    assert places_of(MARK) == []
    later = bring(organization, path, as_lines([said(USER) | named | {"expected_output": "Now."}]))
    assert later["new"] == 1, "what the person sends later is another row"
    elsewhere = factories.make_organization()
    with organization_scope(elsewhere.pk):
        factories.make_agent(external_id="bot")
    assert bring(elsewhere, path, content)["new"] == 2


def test_earlier_states_of_a_row_that_was_erased_are_refused_too(organization: Organization, tmp_path: Path) -> None:
    states = [said(USER) | {"external_id": "a-1", "expected_output": f"State {n}."} for n in range(5)]
    path = tmp_path / "rows"
    bring(organization, path, as_lines(states[:1]))
    bring(organization, path, as_lines(states[1:2]), update=True)
    for known in (4, 5, 5):  # what it says now was said before, the second time; nothing is noted twice
        assert bring(organization, path, as_lines(states[2:]), update=True)["updated"] == 3
        with organization_scope(organization.pk):
            example = LearningExample.objects.get()
            assert (example.expected_output, len(example.earlier_hashes)) == ("State 4.", known)
    erase(organization, USER)
    for update in (True, False):
        report = bring(organization, path, as_lines(states), refused=5, update=update)
        assert {one["reason"] for one in report["problems"]} == {ERASED}
    path.unlink()
    assert places_of(MARK) == []


def test_a_row_that_goes_to_and_fro_is_noted_once_for_each_state(organization: Organization, tmp_path: Path) -> None:
    states = [said(USER) | {"external_id": "a-1", "expected_output": f"State {n}."} for n in range(2)]
    path = tmp_path / "rows"
    for n in (0, 1, 0, 1, 0, 1):
        bring(organization, path, as_lines([states[n]]), update=True)
    with organization_scope(organization.pk):
        assert len(LearningExample.objects.get().earlier_hashes) == 2


def test_what_is_remembered_of_erased_rows_tells_nothing_without_the_key(
    organization: Organization, tmp_path: Path, settings: Any
) -> None:
    bring(organization, tmp_path / "rows", as_lines([said(USER), said(OTHER)]))
    with organization_scope(organization.pk):
        (known,) = LearningExample.objects.filter(user=USER).values_list("source_hash", flat=True)
    erase(organization, USER)
    with organization_scope(organization.pk):
        assert ErasedRow.objects.count() == 1
        assert ErasedRow.objects.get().digest not in (known, hashlib.sha256(known.encode()).hexdigest())
        assert erased_among([known, "0" * 64]) == {known}
        settings.SECRET_KEY = "another"
        assert erased_among([known]) == set()


def test_a_dry_run_says_how_many_rows_name_nobody(organization: Organization, tmp_path: Path) -> None:
    nobody = {"input_text": "Who asks?", "expected_output": "Nobody."}
    carried = {"input_text": "And here?", "expected_output": "Ada.", "input_context": {"user": "ada"}}
    report = bring(organization, tmp_path / "rows", as_lines([said(USER), nobody, carried]), dry_run=True)
    assert (report["new"], report["without_user_id"]) == (3, 1)


def test_an_import_that_updates_says_whose_known_rows_are_and_takes_it_from_none(
    organization: Organization, tmp_path: Path
) -> None:
    row = said(USER) | {"external_id": "a-1"}
    nameless = {name: value for name, value in row.items() if name != "user_id"}
    for content, updated in ((nameless, 0), (row, 1), (nameless | {"expected_output": "Later."}, 1)):
        report = bring(organization, tmp_path / "rows", as_lines([content]), update=True)
        assert report["updated"] == updated
    with organization_scope(organization.pk):
        example = LearningExample.objects.get()
        assert (example.user, example.expected_output) == (USER, "Later.")


def test_the_same_words_of_two_users_are_an_example_of_each(organization: Organization, tmp_path: Path) -> None:
    row = {"input_text": "Where is it?", "expected_output": "On its way."}
    report = bring(organization, tmp_path / "rows", as_lines([row | {"user_id": user} for user in (USER, OTHER)]))
    assert report["new"] == 2
    assert erase(organization, USER).counts["examples"] == 1
    with organization_scope(organization.pk):
        assert LearningExample.objects.get().user == OTHER


def test_imported_rows_of_one_user_stay_in_one_group(organization: Organization, tmp_path: Path) -> None:
    asked = {
        "ada": ["Where is my parcel?", "How do I send back shoes?", "Is there a discount for students?"],
        "bob": ["When does the concert begin?", "Which hall has the best seats?", "Can children come along?"],
        "eve": ["Why was my card refused?", "Who changes a password?", "What does the yearly plan cost?"],
        "joe": ["Does it rain in Lisbon?", "Which train goes to Porto?", "Are museums open on Mondays?"],
    }
    rows = [
        {"user_id": user, "input_text": text, "expected_output": "!"} for user, texts in asked.items() for text in texts
    ]
    bring(organization, tmp_path / "rows", as_lines(rows), approve=True)
    with organization_scope(organization.pk):
        version = publish_version(dataset=create_dataset(name="By user", group_by="user"))
        items = DatasetExample.objects.filter(version=version).values_list("example__user", "group_key").distinct()
        assert sorted(user for user, _ in items) == sorted(asked) and len({key for _, key in items}) == len(asked)


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("examples", {"example_type": "demonstration"}),
        ("demonstrations", {}),
        ("preferences", {"rejected_output": "Never."}),
    ],
)
def test_an_example_that_is_given_with_a_user_goes_with_that_user(
    organization: Organization, path: str, more: dict[str, str]
) -> None:
    api = api_with(factories.make_key(organization))
    given = api.post(f"/api/learning/{path}", said(USER) | more | {"agent_id": "bot"}, format="json")
    assert (given.status_code, given.json()["user_id"]) == (201, USER)
    assert erase(organization, USER).counts["examples"] == 1
    assert places_of(MARK) == []
