"""Chunks of a run's requests: taken by one worker at a time, and by another when that one goes silent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from learning.engines.types import CompletionRequest, Message
from learning.models import Agent, ChunkStatus, DatasetVersion, EvaluationChunk, RunStatus, TrainingRun
from learning.services import evaluation_chunks as chunks
from learning.services import run_progress, training
from tests import factories


@pytest.fixture
def run(agent: Agent, version: DatasetVersion) -> TrainingRun:
    run = training.start_training_run(agent=agent, dataset_version=version)
    assert factories.claim_run(run)
    return run


def requests(count: int) -> dict[str, CompletionRequest]:
    turns = {f"{number:064}": (Message(role="user", content=f"Text {number}"),) for number in range(count)}
    return {key: CompletionRequest(turn, "m", {"temperature": 0, "seed": 1}) for key, turn in turns.items()}


def cut(run: TrainingRun, count: int = 8, at_once: int = 4, workers: int = 2) -> None:
    chunks.cut_chunks(run_id=run.pk, requests=requests(count), at_once=at_once, workers=workers)


def claim(run: TrainingRun) -> chunks.ClaimedChunk | None:
    found = chunks.claim_chunks(run_id=run.pk, most=1)
    return found[0] if found else None


def fall_silent(seconds: float = 11) -> None:
    EvaluationChunk.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=seconds))


def test_every_request_is_in_one_chunk_and_comes_out_as_it_went_in(run: TrainingRun) -> None:
    cut(run, 10, at_once=4)
    taken = chunks.claim_chunks(run_id=run.pk, most=99)
    assert [len(chunk.requests) for chunk in taken] == [4, 4, 2]
    assert {key: one for chunk in taken for key, one in chunk.requests.items()} == requests(10)


def test_the_first_chunks_are_large_and_the_last_ones_small_so_that_workers_end_together(run: TrainingRun) -> None:
    cut(run, 300, at_once=4, workers=4)
    sizes = [len(keys) for keys in EvaluationChunk.objects.order_by("id").values_list("keys", flat=True)]
    assert sizes == sorted(sizes, reverse=True) and sum(sizes) == 300
    assert sizes[0] == 16 and sizes[-8:] == [4] * 7 + [sizes[-1]]


def test_nothing_is_cut_of_nothing(run: TrainingRun) -> None:
    cut(run, 0)
    assert not EvaluationChunk.objects.exists()


def test_the_oldest_chunk_is_taken_first_and_by_one_worker_alone(run: TrainingRun) -> None:
    cut(run)
    first, second, third = claim(run), claim(run), claim(run)
    assert first and second
    assert list(first.requests) < list(second.requests)
    assert third is None


def test_no_more_help_with_a_run_than_it_wants_and_its_own_worker_always_gets_something(run: TrainingRun) -> None:
    cut(run, 32, at_once=4)

    def taken(name: str, most: int) -> int:
        return len(chunks.claim_chunks(run_id=run.pk, most=1, helper=chunks.Helper(name, most)))

    assert [taken("a", 0), taken("a", 1), taken("b", 1), taken("a", 1), taken("b", 2), taken("c", 2)] == [
        0,
        1,
        0,
        1,
        1,
        0,
    ]
    assert claim(run), "the run's own worker is no helper"
    fall_silent()
    assert taken("c", 2) == 1, "who is silent helps no more"


def test_a_chunk_whose_worker_goes_silent_is_taken_by_another(run: TrainingRun) -> None:
    cut(run, 4)
    dead = claim(run)
    fall_silent(8)
    assert claim(run) is None
    fall_silent(11)
    again = claim(run)
    assert dead and again
    assert (dead.pk, dead.attempt, again.attempt) == (again.pk, 1, 2)
    chunks.finish_chunk(chunk=dead, refused={})
    assert EvaluationChunk.objects.get().status == ChunkStatus.RUNNING, "who was thought dead changes nothing"
    chunks.finish_chunk(chunk=again, refused={})
    assert EvaluationChunk.objects.get().status == ChunkStatus.DONE


def test_a_sign_of_life_keeps_a_chunk(run: TrainingRun) -> None:
    cut(run, 4)
    mine = claim(run)
    assert mine
    fall_silent()
    chunks.beat_chunks(chunks=[mine])
    assert claim(run) is None


def test_a_chunk_that_is_put_back_waits_and_the_attempt_does_not_count(run: TrainingRun) -> None:
    cut(run, 4)
    mine = claim(run)
    assert mine
    chunks.put_back_chunks(chunks=[mine])
    again = claim(run)
    assert again
    assert again.attempt == 1


def test_a_chunk_that_silences_every_worker_is_given_up(run: TrainingRun) -> None:
    cut(run, 4)
    for _ in range(chunks.MOST_ATTEMPTS):
        assert claim(run)
        fall_silent()
    assert claim(run) is None
    [state] = chunks.states(chunk_ids=EvaluationChunk.objects.values_list("pk", flat=True))
    assert state["given_up"]


def test_a_failed_chunk_says_why(run: TrainingRun) -> None:
    cut(run, 4)
    mine = claim(run)
    assert mine
    chunks.fail_chunks(chunks=[mine], kind="unavailable", reason="gone")
    [state] = chunks.states(chunk_ids=[mine.pk])
    assert (state["status"], state["failure"]) == (ChunkStatus.FAILED, {"kind": "unavailable", "reason": "gone"})
    assert claim(run) is None


def test_the_chunks_of_one_run_are_not_anothers(run: TrainingRun, agent: Agent, version: DatasetVersion) -> None:
    other = training.start_training_run(agent=agent, dataset_version=version)
    cut(run)
    assert claim(other) is None


def test_nothing_of_a_run_is_kept_after_its_end(run: TrainingRun) -> None:
    cut(run)
    run.refresh_from_db()
    run_progress.cancel_run(claim=run_progress.Claim(run.pk, run.attempt))
    assert not EvaluationChunk.objects.exists()


def test_chunks_of_a_run_that_the_sweep_ended_are_forgotten(run: TrainingRun) -> None:
    cut(run)
    assert chunks.runs_in_need() == [run.pk]
    TrainingRun.objects.filter(pk=run.pk).update(status=RunStatus.FAILED)
    assert chunks.runs_in_need() == []
    chunks.forget_ended()
    assert not EvaluationChunk.objects.exists()
