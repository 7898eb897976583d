"""Imports and people who are forgotten: a file may hold a person, and nobody can tell before it was read.

While somebody is erased no import goes on. Afterwards the rows that were erased are known again, should their file be
imported once more: not by what they said, but by a keyed hash of it.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from learning.models import ErasedRow, Job, JobKind, JobStatus, LearningExample
from learning.services.jobs import end_job
from organizations.scope import current_organization_id

STOPPED = (
    "A person's data is being erased, and this file may hold some of it. Take it out of the file, then import it again."
)


def open_imports() -> QuerySet[Job]:
    """The imports that wait or work; in no order."""
    return Job.objects.filter(kind=JobKind.IMPORT, status__in=[JobStatus.PENDING, JobStatus.RUNNING])


def stop_imports() -> int:
    """End the imports that wait or work, in the caller's transaction; how many there were.

    A worker in the middle of one finds at the end of its step that the job is not its own, and keeps nothing of it.
    """
    # Locked, so that none is claimed or takes a step between the look and the move.
    found = list(open_imports().order_by("pk").select_for_update(of=("self",)))
    for job in found:
        end_job(job=job, to=JobStatus.FAILED, failure_reason=STOPPED)
    return len(found)


def remember_rows(*, example_ids: Sequence[UUID]) -> None:
    """Know the rows again that these examples were imported as, now or before, in the transaction that deletes them."""
    rows = LearningExample.objects.filter(pk__in=example_ids).exclude(source_hash="")
    told = rows.values_list("source_hash", "earlier_hashes")
    digests = _digests({one for now, earlier in told for one in (now, *earlier)})
    ErasedRow.objects.bulk_create((ErasedRow(digest=one) for one in sorted(digests.values())), ignore_conflicts=True)


def any_row_was_erased() -> bool:
    return ErasedRow.objects.exists()


def erased_among(hashes: Collection[str]) -> set[str]:
    """Those of the rows, by the hash of what each says, that were erased with a person. One query."""
    digests = _digests(hashes)
    found = set(ErasedRow.objects.filter(digest__in=list(digests.values())).values_list("digest", flat=True))
    return {one for one, digest in digests.items() if digest in found}


def _digests(hashes: Collection[str]) -> dict[str, str]:
    """Keyed, and other for each organization: without the key it tells nothing about a row."""
    key = f"erased rows:{current_organization_id()}:{settings.SECRET_KEY}".encode()
    return {one: hmac.digest(key, one.encode(), "sha256").hex() for one in hashes}
