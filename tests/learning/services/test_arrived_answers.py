"""Answers are in files until they are in the database, and only who is gone is inherited from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from learning.llm_answers import Answer
from learning.services import arrived_answers
from learning.services.arrived_answers import ArrivedAnswers

ORGANIZATION, RUN = uuid4(), uuid4()
SAID = Answer("good – “yes”", 7, None, 0.25)
# Keeps one answer and says so; then it lives until somebody ends it.
WORKER = """
import sys, time
from uuid import UUID
from django.conf import settings
settings.configure(ARTIFACT_DIR=sys.argv[1])
from learning.llm_answers import Answer
from learning.services.arrived_answers import ArrivedAnswers
mine = ArrivedAnswers(UUID(sys.argv[2]), UUID(sys.argv[3]))
mine.keep("a" * 64, Answer("from another", 1, 2, 0.5))
print("kept", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.ARTIFACT_DIR = tmp_path / "artifacts"
    return tmp_path / "artifacts" / "answers" / str(ORGANIZATION)


def mine(run: UUID = RUN) -> ArrivedAnswers:
    return ArrivedAnswers(ORGANIZATION, run)


def test_what_a_killed_process_kept_is_taken_once_and_what_a_living_one_kept_is_not() -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder_of_settings()), str(ORGANIZATION), str(RUN)],
        stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[3],
    )  # fmt: skip
    assert worker.stdout
    try:
        assert worker.stdout.readline() == b"kept\n"
        assert mine().take(["a" * 64]) == {}
    finally:
        worker.kill()
        worker.wait()
    first, second = mine(), mine()
    assert first.take(["a" * 64]) == {"a" * 64: Answer("from another", 1, 2, 0.5)}
    assert second.take(["a" * 64]) == {}, "it is the first one's now"


def test_an_answer_comes_out_as_it_went_in() -> None:
    kept = mine()
    kept.keep("k", SAID)
    del kept
    assert mine().take(["k", "unknown"]) == {"k": SAID}


def test_what_is_in_the_database_is_forgotten(folder: Path) -> None:
    kept = mine()
    kept.keep("k", SAID)
    kept.forget(["k", "never kept"])
    assert not list(folder.rglob("*.json"))


def test_what_was_half_written_is_no_answer(folder: Path) -> None:
    (folder / str(RUN)).mkdir(parents=True)
    (folder / str(RUN) / "k.gone.json").write_text('{"text": "go')
    assert mine().take(["k"]) == {}


def test_nothing_is_left_of_a_run_that_is_over_and_late_answers_do_no_harm(folder: Path) -> None:
    kept, other = mine(), mine(uuid4())
    kept.keep("k", SAID)
    other.keep("k", SAID)
    arrived_answers.forget_run(ORGANIZATION, RUN)
    kept.keep("late", SAID)
    kept.forget(["late"])
    assert [file.parent.name for file in folder.rglob("*.json")] != [str(RUN)]
    assert RUN not in arrived_answers.runs_of(ORGANIZATION)
    arrived_answers.forget_organization(ORGANIZATION)
    assert not folder.exists()
    assert arrived_answers.runs_of(ORGANIZATION) == set()


def test_where_no_file_can_be_written_work_goes_on(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings.ARTIFACT_DIR = tmp_path / "file"
    kept = mine()
    kept.keep("k", SAID)
    kept.forget(["k"])
    assert kept.take(["k"]) == {}


def test_others_read_nothing_of_it(folder: Path) -> None:
    mine().keep("k", SAID)
    assert folder.parent.stat().st_mode & 0o077 == 0


def folder_of_settings() -> Path:
    from django.conf import settings

    return Path(settings.ARTIFACT_DIR)
