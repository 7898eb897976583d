"""`manage.py import_feedback` on files in the documented formats."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from learning.models import Agent, AgentFeedback, LearningExample
from learning.services.executions import log_executions
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.clients_in_process import outside_scope

DATA = Path(__file__).resolve().parents[2] / "data" / "imports"
INFERENCE = "0190e2a4-0000-7000-8000-00000000000"


def run(system: str, file: str | Path, organization: Organization, *arguments: str) -> str:
    out = StringIO()
    with outside_scope():
        call_command(
            "import_feedback",
            "--from",
            system,
            str(DATA / file),
            "--organization",
            organization.slug,
            *arguments,
            stdout=out,
        )
    return out.getvalue()


def rows() -> dict[str, AgentFeedback]:
    return {str(row.idempotency_key): row for row in AgentFeedback.objects.select_related("execution")}


def log(organization: Organization, *names: str) -> None:
    log_executions(items=[{"agent_id": "bot", "execution_id": name, "input": "?"} for name in names], may_register=True)


def test_tensorzeros_feedback_is_taken_joined_and_reported(scope: Organization) -> None:
    log(scope, f"{INFERENCE}1", f"{INFERENCE}2")
    report = run("tensorzero", "tensorzero.jsonl", scope, "--agent", "bot", "--range", "quality=0:1")
    assert "15 rows read" in report
    assert "10 new, of which 6 have their execution" in report
    assert "5 refused" in report
    assert "line 11: clicks = 17 is no number of stars; say its range: --range clicks=LOW:HIGH" in report
    assert "line 12: it has no value" in report
    assert "line 13: the demonstration holds more than text" in report
    assert "line 14: a demonstration is of an inference" in report
    assert "line 15: the line is no JSON object" in report
    found = rows()
    first = found["tensorzero:0190e2b0-0000-7000-8000-000000000001"]
    assert (first.feedback_type, first.user, first.execution.external_id) == ("thumbs_up", "user-7", f"{INFERENCE}1")
    assert first.created_at == datetime(2026, 3, 1, 10, 0, 1, tzinfo=UTC)
    kinds = sorted(
        (row.feedback_type, row.rating, row.helpfulness) for row in found.values() if row.rating or row.helpfulness
    )
    assert kinds == [("detailed_feedback", None, 5), ("star_rating", 4, None), ("star_rating", 4, None)]
    assert sorted(LearningExample.objects.values_list("expected_output", flat=True)) == [
        "It left our warehouse today.", '{"city": "Nantes"}',
    ]  # fmt: skip


def test_langfuses_scores_are_taken_and_models_scores_are_not(scope: Organization) -> None:
    log(scope, "trace-1", "trace-2")
    report = run("langfuse", "langfuse.jsonl", scope, "--range", "quality=0:1")
    assert "9 new, of which 9 have their execution" in report
    assert "1 left out: a model has judged, not a person" in report
    assert "line 11: it is of no trace" in report
    assert "line 12: the value of user-feedback is neither true nor false" in report
    assert "line 13: a score needs an id and a name" in report
    found = rows()
    assert found["langfuse:score-1"].feedback_text == "Just what I needed."
    assert found["langfuse:score-7"].issue_categories == ["hallucination"]
    assert found["langfuse:score-7"].feedback_text == "There is no such street."
    assert LearningExample.objects.get().expected_output == "It left our warehouse today."


@pytest.mark.parametrize(("system", "new"), [("tensorzero", 3), ("langfuse", 2)])
def test_csv_is_read_as_well(scope: Organization, system: str, new: int) -> None:
    report = run(system, f"{system}.csv", scope, "--agent", "bot")
    assert f"{new} new" in report and "1 refused" in report
    if system == "langfuse":
        row = rows()["langfuse:score-31"]
        assert (row.feedback_text, row.user) == ("Two lines,\none comment.", "user-9")


@pytest.mark.parametrize("system", ["tensorzero", "langfuse"])
def test_the_same_file_again_adds_nothing(scope: Organization, system: str) -> None:
    run(system, f"{system}.jsonl", scope, "--agent", "bot")
    before = {key: (row.pk, row.created_at) for key, row in rows().items()}
    report = run(system, f"{system}.jsonl", scope, "--agent", "bot")
    assert "0 new" in report and f"{len(before)} were there before" in report
    assert {key: (row.pk, row.created_at) for key, row in rows().items()} == before


def test_a_dry_run_reports_and_stores_nothing(scope: Organization) -> None:
    dry = run("tensorzero", "tensorzero.jsonl", scope, "--agent", "bot", "--dry-run")
    assert "dry run: nothing was stored" in dry
    assert AgentFeedback.objects.count() == LearningExample.objects.count() == Agent.objects.count() == 0
    real = run("tensorzero", "tensorzero.jsonl", scope, "--agent", "bot")
    assert dry.splitlines()[1:] == real.splitlines()[1:]


def test_feedback_that_came_before_its_execution_is_joined_later(scope: Organization) -> None:
    run("langfuse", "langfuse.jsonl", scope, "--agent", "bot")
    assert rows()["langfuse:score-1"].execution is None
    log(scope, "trace-1")
    assert rows()["langfuse:score-1"].execution.external_id == "trace-1"


def test_without_an_agent_only_known_executions_are_taken(scope: Organization) -> None:
    log(scope, "trace-2")
    report = run("langfuse", "langfuse.jsonl", scope)
    assert "2 new" in report
    assert "Execution 'trace-1' is not known yet, so say whose it is by agent_id." in report


def test_it_counts_in_the_statistics_when_it_was_said(scope: Organization, api: Any) -> None:
    run("tensorzero", "tensorzero.jsonl", scope, "--agent", "bot", "--range", "quality=0:1")

    def total(days: int) -> int:
        return int(api.get(f"/api/learning/feedback/stats?days={days}").json()["total_feedback"])

    assert (total(1), total(3650)) == (2, 10), "today's are those that do not say when"


def test_another_organization_gets_nothing(scope: Organization, other_organization: Organization) -> None:
    run("langfuse", "langfuse.jsonl", scope, "--agent", "bot")
    with outside_scope(), organization_scope(other_organization.pk):
        assert AgentFeedback.objects.count() == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'[{"id": 1}]', "one JSON list"),
        (b"hello\n", "neither with a JSON object"),
        (b"\xff\xfe{}", "utf-8"),
        (b"", "neither"),
    ],
)
def test_a_file_that_is_none_is_told_so(scope: Organization, tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(CommandError, match=told):
        run("langfuse", file, scope)


def test_a_line_that_would_break_the_reader_is_refused_alone(scope: Organization, tmp_path: Path) -> None:
    file = tmp_path / "file.jsonl"
    good = '{"id": "1", "name": "n", "dataType": "BOOLEAN", "value": 1, "traceId": "t", "comment": %s}\n'
    deep, nul, half = "[" * 100_000, '"a\\u0000b"', '"\\ud800"'
    file.write_text('{"a": 1}\n' + good % "null" + good % deep + good % nul + good % half)
    report = run("langfuse", file, scope, "--agent", "bot")
    assert "1 new" in report and "4 refused" in report


@pytest.mark.parametrize("text", ["quality", "quality=1", "quality=1:1", "=0:1", "quality=a:b", "quality=0:inf"])
def test_a_range_that_is_none_is_told_so(scope: Organization, text: str) -> None:
    with pytest.raises(CommandError, match="METRIC=LOW:HIGH"):
        run("langfuse", "langfuse.jsonl", scope, "--range", text)


def test_an_unknown_organization_is_told_so(scope: Organization) -> None:
    with outside_scope(), pytest.raises(CommandError, match="no organization 'nobody'"):
        call_command("import_feedback", "--from", "langfuse", str(DATA / "langfuse.jsonl"), "--organization", "nobody")


def test_the_files_hold_what_the_readme_says() -> None:
    named: Any = (DATA / "README.md").read_text()
    assert all(file.name in named for file in DATA.iterdir() if file.name != "README.md")
