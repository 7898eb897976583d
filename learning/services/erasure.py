"""Forgetting a person: everything of theirs goes, what was built from it is named, and a receipt remains.

The job works in stages, each of them complete in itself: nothing new learns from the person's examples; dataset
versions are published without them; quotes are cut out of what was built; their rows are deleted. It looks again until
nothing is found, so that it can be killed at any moment and what comes in meanwhile is erased too.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from learning.models import ErasureReceipt, Job, JobKind, JobStatus, LearningExample, ReviewStatus
from learning.services import arrived_answers, artifact_store, erased_configs, erasure_words
from learning.services.erased_behavior import drop_evidence
from learning.services.erased_imports import open_imports, stop_imports
from learning.services.erased_people import Found, find_person, quotes_of, with_copies
from learning.services.erased_quotes import cut_quotes
from learning.services.erased_rows import answers_since, count_rows, delete_answers, delete_rows
from learning.services.erased_versions import count_items, erase_from_version, versions_of
from learning.services.jobs import NAMING, Step, Work, resume_job, start_job
from organizations import audit
from organizations.erasers import Person, erasers
from organizations.errors import Conflict, Refused
from organizations.scope import current_organization_id

LONGEST = 200  # characters of a pseudonym
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('learning.erasure:' || %s::text, 0))"
MOST_LOOKS = 20


@dataclass(frozen=True)
class Preview:
    """What an erasure would remove, what would have to be made anew, and what it does to the whole organization."""

    counts: dict[str, int]
    versions: list[dict[str, Any]]
    retrain: list[dict[str, Any]]
    notes: list[str]

    def __bool__(self) -> bool:
        return any(self.counts.values())

    @property
    def explained(self) -> dict[str, str]:
        """What the names of the counts mean that do not explain themselves."""
        return erasure_words.glossary(name for name, number in self.counts.items() if number)


@dataclass
class Tally:
    """What an erasure has done so far, as the job keeps it."""

    since: str | None = None
    looks: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    versions: list[dict[str, Any]] = field(default_factory=list)
    built: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)

    def step(self) -> Step:
        kept = {
            "since": self.since, "looks": self.looks, "counts": dict(self.counts), "versions": self.versions,
            "built": sorted(self.built), "cut": sorted(self.cut),
        }  # fmt: skip
        return Step(sum(self.counts.values()), cursor=kept)

    @classmethod
    def read(cls, kept: dict[str, Any]) -> Tally:
        counts, sets = Counter(kept.get("counts", {})), {name: set(kept.get(name, [])) for name in ("built", "cut")}
        return cls(kept.get("since"), kept.get("looks", 0), counts, kept.get("versions", []), **sets)


def subject_of(user: str) -> str:
    """A keyed hash of a pseudonym, other for each organization: equal pseudonyms have it, and it tells nothing."""
    key = f"erasure:{current_organization_id()}:{settings.SECRET_KEY}".encode()
    return hmac.new(key, user.encode(), hashlib.sha256).hexdigest()


def check_user(user: str) -> str:
    """Raises Refused for what cannot be a pseudonym."""
    if not user.strip() or len(user) > LONGEST or "\x00" in user:
        raise Refused(f"Give the pseudonym that your application sends as user_id: 1 to {LONGEST} characters.", "user")
    return user


def preview_erasure(*, user: str) -> Preview:
    """What would be erased now; nothing is changed, and nothing is written down."""
    found = find_person(check_user(user))
    person = found.person
    versions = [
        {"dataset": version.dataset.name, "dataset_id": str(version.dataset_id), "number": version.number, "items": 0}
        for version in versions_of(person)
    ]
    retrain = erased_configs.to_retrain(config_ids=erased_configs.built_from(person), cut=[])
    counts = count_rows(person) | {"dataset items": count_items(person)}
    notes = erasure_words.notes(
        imports=open_imports().count(),
        files=artifact_store.count_files(),
        answers=answers_since(found.since).count(),
    )
    return Preview(counts, versions, retrain, notes)


def request_erasure(*, user: str, requested_by: Any = None) -> Job:
    """Queue the erasure of a person; wake a worker with `learning.waking.wake_for_job` after it.

    The job holds the pseudonym until it is over, however it ends. Asked again before it is done, it is the same job,
    which goes on where it stopped: the receipt tells all of it.
    """
    check_user(user)
    request = {NAMING: user, "subject": subject_of(user)}
    with transaction.atomic():
        _lock(request["subject"])  # who asks at the same moment finds the job that the first one queued
        known = Job.objects.filter(kind=JobKind.ERASURE).exclude(status=JobStatus.COMPLETED).order_by("id")
        if job := known.filter(request__user=user, status__in=[JobStatus.PENDING, JobStatus.RUNNING]).first():
            return job
        if job := known.filter(request__subject=request["subject"]).first():
            again = {"request": request, "cursor": job.cursor | {"looks": 0}, "created_by": requested_by}
            Job.objects.filter(pk=job.pk).update(**again)
            job.refresh_from_db()
            resume_job(job=job)
        else:
            job = start_job(
                kind=JobKind.ERASURE, title="Erasure of a person's data", request=request, user=requested_by
            )
        audit.record(action="erasure.requested", target=job, after={"subject": request["subject"]})
    return job


def _lock(subject: str) -> None:
    """One request about a person at a time, until its transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [subject])


def work(work: Work) -> Iterator[Step]:
    """The work of an erasure."""
    user, tally = work.request["user"], Tally.read(work.cursor)
    while True:
        if stopped := stop_imports():
            tally.counts["stopped imports"] += stopped
            yield tally.step()
        if not (found := find_person(user)):
            break
        tally.looks += 1
        if tally.looks > MOST_LOOKS:
            raise Conflict("The application goes on sending data of this person. Stop it there, then ask again.")
        _note_beginning(tally, found)
        yield from _erase(found, tally, work.job_id)
    _finish(work, tally)
    yield Step(sum(tally.counts.values()), cursor={}, result={"counts": dict(tally.counts)})


def _erase(found: Found, tally: Tally, job_id: Any) -> Iterator[Step]:
    """One pass over everything that is there now."""
    _withdraw(found.person)
    yield tally.step()
    # What was being made of an example when it was withdrawn is there by now, and no more will be.
    found = replace(found, person=replace(found.person, example_ids=with_copies(found.person.example_ids)))
    person = found.person
    _withdraw(person)
    tally.built |= set(erased_configs.built_from(person))
    versions = versions_of(person)
    erased_configs.stop_work(version_ids=[version.pk for version in versions])
    yield tally.step()
    quotes, shown = quotes_of(found), erased_configs.shown_of(person)
    cut = list(erased_configs.cut_configs(shown=shown, quotes=quotes))
    erased_configs.stop_work(config_ids=cut)  # they hold the words in their memory
    tally.cut |= set(map(str, cut))
    erased_configs.mark_configs(config_ids=tally.built)
    drop_evidence(steps=shown.steps)
    tally.counts["gate cases"] += erased_configs.drop_cases(person=person)
    yield tally.step()
    for version in versions:
        told = erase_from_version(version=version, person=person)
        tally.versions.append(told)
        tally.counts["dataset items"] += told["items"]
        yield tally.step()
    for name, number in cut_quotes(quotes=quotes, job_id=job_id):
        tally.counts[f"quotes in {name}"] += number
        yield tally.step()
    for counts in delete_rows(person):
        tally.counts.update(counts)
        yield tally.step()


def _note_beginning(tally: Tally, found: Found) -> None:
    if found.since is not None:
        tally.since = min(filter(None, [tally.since, found.since.isoformat()]))


def _withdraw(person: Person) -> None:
    """Nothing that is published from now on holds the person."""
    rows = LearningExample.objects.filter(pk__in=person.example_ids).exclude(review_status=ReviewStatus.REJECTED)
    rows.update(review_status=ReviewStatus.REJECTED, updated_at=timezone.now())


def _finish(work: Work, tally: Tally) -> None:
    """The receipt, and the end of everything that names the person, in one transaction with the job's last step."""
    user = work.request["user"]
    for eraser in erasers():  # what has no row of theirs beside it, such as the arm that they were shown
        tally.counts.update(eraser(Person(user)))
    since = datetime.fromisoformat(tally.since) if tally.since else None
    tally.counts["remembered answers"] += delete_answers(since=since)
    arrived_answers.forget_organization(current_organization_id())
    tally.counts["uploaded files"] += artifact_store.forget_abandoned(seconds=-1)
    retrain = erased_configs.to_retrain(config_ids=tally.built, cut=tally.cut)
    receipt = ErasureReceipt.objects.create(
        job_id=work.job_id,
        subject=subject_of(user),
        actor_label=work.actor.label,
        user=work.actor.user,
        counts={name: number for name, number in tally.counts.items() if number},
        versions=tally.versions,
        retrain=retrain,
    )
    Job.objects.filter(pk=work.job_id).update(request={"subject": receipt.subject})
    told = {"subject": receipt.subject, "rows": sum(tally.counts.values()), "retrain": len(retrain)}
    audit.record(action="erasure.done", target=receipt, after=told)
