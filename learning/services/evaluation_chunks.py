"""The requests of a run in chunks that any worker may take. The pending row is the message (docs/decisions/0003)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from learning.engines.types import CompletionRequest, Message
from learning.models import ChunkStatus, EvaluationChunk, RunStatus, TrainingRun
from learning.services import arrived_answers
from learning.services.run_ledger_sql import CLAIM, lock_run
from organizations.scope import current_organization_id

SILENCE = timedelta(seconds=10)  # its worker names it every second
MOST_ATTEMPTS = 5
MOST_REQUESTS = 16  # of one chunk
WRITTEN = 32  # chunks in one statement: each holds whole prompts


@dataclass(frozen=True, eq=False)
class ClaimedChunk:
    """A chunk that is ours while `attempt` is its newest. One is only equal to itself."""

    pk: UUID
    attempt: int
    requests: Mapping[str, CompletionRequest]


@dataclass(frozen=True)
class Helper:
    """Who works on a run's chunks beside its own worker, as one of `most` at the same time."""

    name: str
    most: int


def cut_chunks(
    *, run_id: UUID, requests: Mapping[str, CompletionRequest], at_once: int, workers: int = 1
) -> list[UUID]:
    """Queue requests by their keys, for so many workers that each make `at_once` calls side by side. Gives the chunks.

    The first ones are large, so that they are few; the last ones are small, so that the workers end together.
    """
    items, rows = list(requests.items()), []
    while items:
        size = max(1, min(MOST_REQUESTS, max(at_once, len(items) // (2 * workers))))
        part, items = items[:size], items[size:]
        kept = [_to_json(one) for _, one in part]
        rows.append(EvaluationChunk(run_id=run_id, keys=[key for key, _ in part], requests=kept))
    return [row.pk for row in EvaluationChunk.objects.bulk_create(rows, batch_size=WRITTEN)]


def claim_chunks(*, run_id: UUID, most: int, helper: Helper | None = None) -> list[ClaimedChunk]:
    """Take the oldest chunks of the run that nobody has, or whose worker went silent; as a helper, or as its worker."""
    if helper is not None:
        lock_run(run_id)  # one counts after the other
    values: dict[str, Any] = {
        "organization": current_organization_id(),
        "run": run_id,
        "most": MOST_ATTEMPTS,
        "silence": SILENCE,
        "limit": most,
        "helper": helper.name if helper else "",
        "helpers": helper.most if helper else 0,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, values)
        rows = sorted(cursor.fetchall())
    return [
        ClaimedChunk(pk, attempt, dict(zip(_json(keys), map(_from_json, _json(requests)), strict=True)))
        for pk, attempt, keys, requests in rows
    ]


def beat_chunks(*, chunks: Iterable[ClaimedChunk]) -> None:
    """These are being worked on."""
    _running(chunks).update(heartbeat_at=timezone.now())


def finish_chunk(*, chunk: ClaimedChunk, refused: Mapping[str, str]) -> None:
    """Every request has its answer, or is refused for a reason."""
    _running([chunk]).update(status=ChunkStatus.DONE, requests=[], refused=dict(refused))


def fail_chunks(*, chunks: Iterable[ClaimedChunk], kind: str, reason: str) -> None:
    """These cannot be worked through; the run is told why."""
    _running(chunks).update(status=ChunkStatus.FAILED, requests=[], failure={"kind": kind, "reason": reason})


def put_back_chunks(*, chunks: Iterable[ClaimedChunk]) -> None:
    """Others may take these at once, and this attempt does not count."""
    _running(chunks).update(status=ChunkStatus.PENDING, attempt=F("attempt") - 1, heartbeat_at=None)


def open_chunks(*, run_id: UUID) -> dict[UUID, list[str]]:
    """The keys of the chunks that are not at their end: an attempt before this one may have left some."""
    rows = EvaluationChunk.objects.filter(run_id=run_id, status__in=[ChunkStatus.PENDING, ChunkStatus.RUNNING])
    return dict(rows.values_list("pk", "keys"))


def is_claimable(*, run_id: UUID) -> bool:
    """Whether a worker would find something to do."""
    return EvaluationChunk.objects.filter(_free(), run_id=run_id).exists()


def others_work(*, run_id: UUID, mine: Iterable[ClaimedChunk]) -> bool:
    """Whether another worker is at a chunk of the run just now."""
    alive = EvaluationChunk.objects.filter(
        run_id=run_id, status=ChunkStatus.RUNNING, heartbeat_at__gte=timezone.now() - SILENCE
    )
    return alive.exclude(pk__in=[chunk.pk for chunk in mine]).exists()


def states(*, chunk_ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """How far these are: status, attempt, whether somebody should take them, refusals and failure."""
    rows = EvaluationChunk.objects.filter(pk__in=list(chunk_ids))
    silent = timezone.now() - SILENCE
    return [
        {
            "status": row.status,
            "free": (free := _is_free(row, silent)) and row.attempt < MOST_ATTEMPTS,
            "given_up": free and row.attempt >= MOST_ATTEMPTS,
            "refused": row.refused,
            "failure": row.failure,
        }
        for row in rows.only("status", "attempt", "heartbeat_at", "refused", "failure")
    ]


def _is_free(row: EvaluationChunk, silent: datetime) -> bool:
    """Nobody has it, or its worker was not heard of since then."""
    gone = row.status == ChunkStatus.RUNNING and row.heartbeat_at is not None and row.heartbeat_at < silent
    return gone or row.status == ChunkStatus.PENDING


def forget_chunks(*, chunk_ids: Iterable[UUID]) -> None:
    EvaluationChunk.objects.filter(pk__in=list(chunk_ids)).delete()


def forget_run(*, run_id: UUID) -> None:
    """Nobody needs the chunks of this run any more; whoever works on one leaves at the next look."""
    EvaluationChunk.objects.filter(run_id=run_id).delete()
    arrived_answers.forget_run(current_organization_id(), run_id)


def forget_ended() -> None:
    """Chunks whose run is over: it was ended while nobody worked on it."""
    under_way = [RunStatus.PENDING, RunStatus.RUNNING]
    EvaluationChunk.objects.exclude(run__status__in=under_way).delete()
    if left := arrived_answers.runs_of(current_organization_id()):
        open_runs = TrainingRun.objects.filter(pk__in=left, status__in=under_way).values_list("pk", flat=True)
        for run_id in left.difference(open_runs):
            arrived_answers.forget_run(current_organization_id(), run_id)


def runs_in_need() -> list[UUID]:
    """Runs with chunks that nobody has."""
    rows = EvaluationChunk.objects.filter(_free(), run__status=RunStatus.RUNNING)
    return list(rows.values_list("run_id", flat=True).distinct())


def _free() -> Q:
    silent = Q(status=ChunkStatus.RUNNING, heartbeat_at__lt=timezone.now() - SILENCE)
    return Q(status=ChunkStatus.PENDING) | silent


def _running(chunks: Iterable[ClaimedChunk]) -> QuerySet[EvaluationChunk]:
    mine = Q(pk__in=[])
    for chunk in chunks:
        mine |= Q(pk=chunk.pk, attempt=chunk.attempt)
    return EvaluationChunk.objects.filter(mine, status=ChunkStatus.RUNNING)


def _json(value: Any) -> Any:
    """JSON columns come as text: Django reads them itself."""
    return json.loads(value) if isinstance(value, str) else value


def _to_json(request: CompletionRequest) -> dict[str, Any]:
    messages = list(request.messages)
    return {"model": request.model, "messages": messages, "parameters": dict(request.parameters)}


def _from_json(kept: Mapping[str, Any]) -> CompletionRequest:
    messages: Sequence[Message] = kept["messages"]
    return CompletionRequest(tuple(messages), kept["model"], kept["parameters"])
