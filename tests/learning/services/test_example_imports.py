"""Importing examples: what is good is stored, what is bad is named, and a dry run says the same and writes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from learning.formats import batches
from learning.models import Agent, Job, LearningExample, ReviewStatus, SourceType
from learning.services import example_imports
from learning.services.example_imports import Wishes, start_import
from learning.services.jobs import Step, Work, claim_job, record_step
from organizations.models import AuditEvent, Organization
from tests import factories

GOOD = {"external_id": "a-1", "input_text": "What is 2+2?", "expected_output": "4"}


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent(external_id="tutor", domain="maths")


@pytest.fixture(autouse=True)
def artifacts(settings: Any, tmp_path: Path) -> Path:
    settings.ARTIFACT_DIR = str(tmp_path / "artifacts")
    return tmp_path / "artifacts"


def lines(*records: Any) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" if not isinstance(one, bytes) else one for one in records)


def work_of(path: Path, agent: Agent | None, **wishes: Any) -> Work:
    asked = Wishes(agent_id=str(agent.pk) if agent else None, **wishes)
    work = claim_job(job_id=start_import(name=path.name, path=path, wishes=asked).pk)
    assert work is not None
    return work


def finish(steps: Iterator[Step]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for step in steps:
        result = step.result or result
    return result


def bring(
    tmp_path: Path, content: bytes, agent: Agent | None, name: str = "file.jsonl", **wishes: Any
) -> dict[str, Any]:
    path = tmp_path / name
    path.write_bytes(content)
    return finish(example_imports.work(work_of(path, agent, **wishes)))


def counts(result: dict[str, Any]) -> tuple[int, int, int, int]:
    return result["new"], result["updated"], result["unchanged"], result["refused"]


def test_rows_become_examples_that_wait_for_review(agent: Agent, tmp_path: Path) -> None:
    more = {"input_text": "?", "expected_output": "!", "tags": ["a"], "complexity": 3, "weight": 0.5, "domain": "talk"}
    result = bring(tmp_path, lines(GOOD, more), agent)
    assert counts(result) == (2, 0, 0, 0)
    first, second = LearningExample.objects.order_by("id")
    assert (first.external_id, first.example_type, first.source_type) == ("a-1", "demonstration", SourceType.IMPORT)
    assert (first.review_status, first.domain, first.prepared_version) == (ReviewStatus.PENDING, "maths", 0)
    assert (second.tags, second.complexity, second.weight_override, second.domain) == (["a"], 3, 0.5, "talk")
    assert AuditEvent.objects.get(action="examples.imported").after["new"] == 2


def test_a_manager_may_approve_what_is_imported(agent: Agent, tmp_path: Path) -> None:
    bring(tmp_path, lines(GOOD), agent, approve=True, source_type="benchmark")
    example = LearningExample.objects.get()
    assert (example.review_status, example.source_type) == (ReviewStatus.APPROVED, SourceType.BENCHMARK)
    assert AuditEvent.objects.get(action="examples.imported").after["approved"] is True


def test_what_is_synthetic_stays_so_whatever_the_import_says(agent: Agent, tmp_path: Path) -> None:
    bring(tmp_path, lines(GOOD | {"source_type": "synthetic"}), agent, source_type="benchmark")
    assert LearningExample.objects.get().source_type == SourceType.SYNTHETIC


def test_the_same_file_again_adds_nothing(agent: Agent, tmp_path: Path) -> None:
    content = lines(GOOD, {"input_text": "no id", "expected_output": "x"})
    bring(tmp_path, content, agent)
    LearningExample.objects.update(expected_output="an expert's wording")
    assert counts(bring(tmp_path, content, agent)) == (0, 0, 2, 0)
    assert set(LearningExample.objects.values_list("expected_output", flat=True)) == {"an expert's wording"}


def test_other_content_under_a_known_id_is_refused_or_updates(agent: Agent, tmp_path: Path) -> None:
    bring(tmp_path, lines(GOOD), agent, approve=True)
    changed = lines(GOOD | {"expected_output": "four"})
    result = bring(tmp_path, changed, agent)
    assert counts(result) == (0, 0, 0, 1)
    (problem,) = result["problems"]
    assert (problem["line"], problem["field"]) == (1, "external_id")
    assert "known with other content" in problem["reason"]
    assert counts(bring(tmp_path, changed, agent, update=True)) == (0, 1, 0, 0)
    example = LearningExample.objects.get()
    assert (example.expected_output, example.review_status) == ("four", ReviewStatus.PENDING)


BAD_LINES = {
    b'{"input_text": "x"\n': "no JSON",
    b"[1, 2]\n": "no JSON object",
    b'{"input_text": "\xff"}\n': "not UTF-8",
    b'{"input_text": "", "expected_output": "x"}\n': "input_text is empty",
    b'{"input_text": "x", "expected_output": 5}\n': "expected_output is no text",
    b'{"input_text": "x", "expected_output": "y", "example_type": "nice"}\n': "example_type must be one of",
    b'{"input_text": "x", "expected_output": "y", "quality_score": 7}\n': "quality_score must be a number from 0 to 1",
    b'{"input_text": "x", "expected_output": "y", "complexity": 2.5}\n': "complexity must be a whole number",
    b'{"input_text": "x", "expected_output": "y", "weight": NaN}\n': "NaN is not a JSON number",
    b'{"input_text": "x", "expected_output": "y", "input_context": "z"}\n': "input_context must be a JSON object",
    b'{"input_text": "a\\u0000b", "expected_output": "y"}\n': "NUL",
    b'{"input_text": "x", "expected_output": "y", "input_context": {"a": "\\u0000"}}\n': "NUL",
    b'{"input_text": "a\\ud800b", "expected_output": "y"}\n': "surrogate",
    b'{"input_text": "x", "expected_output": "y", "external_id": "\\ud800"}\n': "half of a surrogate",
    b'{"input_text": "x", "expected_output": "y", "input_context": ' + b'{"a":' * 40 + b"1" + b"}" * 41: "deeper",
    b'{"a":' * 100_000 + b"\n": "deeper than 32",
    b'{"input_text": "' + b"x" * 1_200_000 + b'", "expected_output": "y"}\n': "longer than 1,000,000 bytes",
    b'{"input_text": "' + b"x" * 100_001 + b'", "expected_output": "y"}\n': "longer than 100,000 characters",
    b'{"input_text": "x", "expected_output": "y", "external_id": "' + b"e" * 201 + b'"}\n': "external_id",
    b'{"input_text": "x", "expected_output": "y", "cluster_key": "../../etc/passwd"}\n': "64 hexadecimal digits",
    b'{"input_text": "x", "expected_output": "y", "tags": "a"}\n': "tags must be a list",
    b'{"input_text": "x", "example_type": "preference", "expected_output": "y"}\n': "needs a rejected_output",
    b'{"input_text": "x", "expected_ouput": "y"}\n': "it has no answer",
    b'{"input_text": "x", "example_type": "failure", "expected_output": "y"}\n': "needs an original_output",
}  # fmt: skip


@pytest.mark.parametrize("line", BAD_LINES, ids=list(BAD_LINES.values()))
def test_a_bad_line_is_named_and_the_good_ones_are_stored_as_the_dry_run_said(
    agent: Agent, tmp_path: Path, line: bytes
) -> None:
    content = lines(GOOD, line.rstrip(b"\n") + b"\n", {"input_text": "after", "expected_output": "z"})
    dry = bring(tmp_path, content, agent, dry_run=True)
    assert LearningExample.objects.count() == 0
    result = bring(tmp_path, content, agent)
    assert result == dry
    assert counts(result) == (2, 0, 0, 1)
    (problem,) = result["problems"]
    assert problem["line"] == 2 and BAD_LINES[line] in problem["reason"]
    assert LearningExample.objects.count() == 2


def test_names_of_columns_that_are_not_used_can_be_stored(agent: Agent, tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(lines(GOOD | {"a\x00b\ud800": 1, "long" * 100: 2}))
    work = work_of(path, agent)
    for step in example_imports.work(work):
        record_step(work=work, step=step)
    assert Job.objects.get().result["unused"] == ["ab", ("long" * 100)[:100]]


def test_names_that_are_not_used_are_those_of_all_rows(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ROWS", 2)
    path = tmp_path / "file.jsonl"
    rows = [GOOD | {"external_id": name, name: 1} for name in ("memo", "note")]
    path.write_bytes(lines(GOOD, *rows, {"input_text": "", "of a bad row": 1}))
    work = work_of(path, agent)
    told = []
    for step in example_imports.work(work):
        record_step(work=work, step=step)
        told.append(Job.objects.get().result["unused"])  # what an import that is killed here goes on with
    assert (told[0], told[1]) == (["memo"], ["memo", "note", "of a bad row"])
    assert told[-1] == told[1]


def test_names_that_are_not_used_are_bounded(agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ROWS", 10)
    result = bring(tmp_path, lines(*({"input_text": "", f"column {number:02}": 1} for number in range(70))), agent)
    assert result["unused"] == [f"column {number:02}" for number in range(50)]


def test_the_problems_that_are_kept_are_bounded_together(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example_imports, "LONGEST_PROBLEMS", 500)
    result = bring(tmp_path, b"{}\n" * 900, agent)
    assert result["refused"] == 900
    assert len(result["problems"]) > 1 and sum(len(one["reason"]) for one in result["problems"]) <= 500


NAMED = {
    b'{"input_text": ""}\n': "input_text",
    b'{"input_text": "x", "expected_output": "y", "complexity": 9}\n': "complexity",
    b'{"input_text": "x", "expected_output": "y", "tags": [""]}\n': "tags",
    b'{"input_text": "x", "example_type": "preference", "expected_output": "y"}\n': "rejected_output",
    b'{"input_text": "x", "expected_output": "y", "agent_id": "nobody"}\n': "agent_id",
    b'{"messages": [{"role": "user", "content": "x"}, {"role": "user", "content": "y"}]}\n': "messages",
    b'{"input_text": "x"\n': "",
}


@pytest.mark.parametrize("line", NAMED, ids=list(NAMED.values()))
def test_a_refused_row_names_the_field_at_fault(scope: Organization, tmp_path: Path, line: bytes) -> None:
    (problem,) = bring(tmp_path, line, None)["problems"]
    assert (problem["file"], problem["line"], problem["field"]) == ("", 1, NAMED[line])


def test_an_import_that_began_before_problems_had_names_goes_on(agent: Agent, tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(b'{"input_text": ""}\n' + lines(GOOD) + b'{"input_text": ""}\n')
    work = work_of(path, agent)
    counts = {"rows": 1, "new": 0, "updated": 0, "unchanged": 0, "refused": 1}
    told = {"format": "jsonl", "unit": "line", "unused": []}
    work.result = counts | told | {"problems": [["", 1, "input_text is empty"]]}
    work.cursor = {"part": 0, "at": 19, "number": 1, "counts": counts}
    problems = finish(example_imports.work(work))["problems"]
    assert [one["line"] for one in problems] == [1, 3]
    assert {one["reason"] for one in problems} == {"input_text is empty"}


AWKWARD = ["\\.", "\\N", "a\tb", "a\nb\r\nc", 'x"y\\', "{,}", "NULL", " ", "ü💡", "\\\\N\\t"]


def test_texts_are_stored_as_they_are_whatever_signs_they_hold(agent: Agent, tmp_path: Path) -> None:
    said = [
        {"external_id": f"a-{place}", "input_text": f"{text}?", "expected_output": f"{text}!", "original_output": text,
         "tags": [f"{text}#"], "input_context": {"k": text, "n": [1.5]}}
        for place, text in enumerate(AWKWARD)
    ]  # fmt: skip
    long = {"external_id": "long", "input_text": "long\t" * 20_000, "expected_output": "y" * 100_000}
    for update in (False, True):  # stored, then changed
        content = lines(*said, long)
        assert counts(bring(tmp_path, content, agent, update=update))[3] == 0
        for place, record in enumerate(said):
            example = LearningExample.objects.get(external_id=f"a-{place}")
            assert {name: getattr(example, name) for name in record} == record
            assert (example.rejected_output, example.domain, example.complexity) == ("", "maths", None)
        assert LearningExample.objects.get(external_id="long").input_text == long["input_text"]
        for record in said:
            record["original_output"] = f"{record['original_output']} changed"


def test_a_batch_of_new_and_known_rows_stores_the_new_ones(agent: Agent, tmp_path: Path) -> None:
    first, second = (
        lines(*({**GOOD, "external_id": f"a-{number}"} for number in span)) for span in (range(3), range(5))
    )
    assert counts(bring(tmp_path, first, agent)) == (3, 0, 0, 0)
    assert counts(bring(tmp_path, second + second, agent)) == (2, 0, 8, 0)
    assert LearningExample.objects.count() == 5
