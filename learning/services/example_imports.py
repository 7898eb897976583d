"""Importing examples from a file: read within bounds, checked row by row, stored batch by batch.

A dry run does the same but for the writing. What cannot be taken is reported by number and reason; a reason never
quotes what a row says, because it outlives the file. A row is known again by its agent and external id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from learning.formats.batches import PLACE, Batch, Refusal
from learning.formats.bounds import BadFile, BadRow
from learning.formats.catalogue import AUTO, FORMATS
from learning.formats.reader import Order
from learning.formats.rows import FIELDS
from learning.formats.staging import Line
from learning.models import Agent, Job, JobKind, JobStatus, SourceType
from learning.services import artifact_store
from learning.services.erased_imports import any_row_was_erased, erased_among
from learning.services.heartbeats import kept_alive
from learning.services.import_reading import ReaderLost, batches_of
from learning.services.import_writing import Seen, need_not_wait, store_rows
from learning.services.job_list import named_problems
from learning.services.jobs import Step, Work, start_job
from organizations import audit
from organizations.errors import Missing, Refused
from organizations.identifiers import storable

MOST_PROBLEMS = 1_000
LONGEST_PROBLEMS = 100_000  # characters of all together
MOST_NAMES = 50
LONGEST_NAME = 100
ERASED = "it was erased with the person whose it was; take it out of the file"
KNOWN_OTHERWISE = "its external id is known with other content; choose to update if it is right"


@dataclass(frozen=True)
class Wishes:
    """How to import. `agent_id`: whose all examples become; None: each row names its own.

    `columns`: their name of a field of ours, by our name. `source_type`: of rows that do not say synthetic.
    """

    agent_id: str | None = None
    format: str = AUTO
    dry_run: bool = False
    approve: bool = False
    update: bool = False
    source_type: str = SourceType.IMPORT.value
    columns: dict[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raises Refused."""
        if self.format not in (AUTO, *FORMATS):
            raise Refused(f"The formats are: {AUTO}, {', '.join(FORMATS)}.", "format")
        unknown = sorted(set(self.columns) - set(FIELDS))
        if unknown:
            raise Refused(f"The fields are: {', '.join(FIELDS)}.", "columns")
        if self.source_type not in (SourceType.IMPORT, SourceType.BENCHMARK):
            raise Refused("Imported examples are of the source import or benchmark.", "source_type")


@dataclass
class Report:
    """What became of the rows. `problems`: {file, line, field, reason} of the first that were refused.

    file: the part of an archive, empty where there is one alone; field: empty where it is the row as a whole.
    """

    rows: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    without_user_id: int = 0  # of those that can be taken: nobody finds them by whose they are
    format: str = ""
    unit: str = "line"
    problems: list[dict[str, Any]] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.problems = named_problems(self.problems)
        self.told = sum(map(_length, self.problems))  # characters

    def refuse(self, part: str, refusal: Refusal) -> None:
        number, at_fault, reason = refusal
        problem = {"file": part, "line": number, "field": at_fault, "reason": reason}
        self.refused += 1
        self.told += _length(problem)
        if len(self.problems) < MOST_PROBLEMS and self.told <= LONGEST_PROBLEMS:
            self.problems.append(problem)

    def note_unused(self, names: Iterable[str]) -> None:
        """Columns that no field of ours takes, of whatever row."""
        known = set(self.unused)
        if len(known) < MOST_NAMES and (new := {storable(name, LONGEST_NAME) for name in names} - known):
            self.unused = sorted([*known, *sorted(new)[: MOST_NAMES - len(known)]])

    @property
    def lines(self) -> int:
        """How much there is to read in it beside the counts: it only grows."""
        return len(self.problems) + len(self.unused)

    def counts(self) -> dict[str, int]:
        names = ("rows", "new", "updated", "unchanged", "refused", "without_user_id")
        return {name: getattr(self, name) for name in names}


def start_import(
    *,
    name: str,
    wishes: Wishes,
    file: str = "",
    path: Path | None = None,
    user: Any = None,
    checked: str = "",
    dataset: str = "",
) -> Job:
    """Queue an import of a kept upload (`file`) or of a file on this machine. Raises Refused.

    name: what the person calls the file. checked: the dry run that looked through it. dataset: the id of the one that
    it was asked for, where the job leads back to. Wake a worker with `learning.waking.wake_for_job` after it.
    """
    wishes.check()
    if wishes.agent_id and not Agent.objects.filter(pk=wishes.agent_id).exists():
        raise Missing("There is no such agent.", "agent_id")
    place = {"file": file} if path is None else {"path": str(path.resolve())}
    title = f"{'Dry run of an import' if wishes.dry_run else 'Import'}: {Path(name).name[:120] or 'a file'}"
    told = {"checked": checked, "dataset": dataset}
    request = place | {"wishes": asdict(wishes)} | {name: value for name, value in told.items() if value}
    job = start_job(kind=JobKind.IMPORT, title=title, request=request, user=user)
    if not wishes.dry_run:  # before the first row: what becomes of the job later does not hide what was wished
        asked = {"approve": wishes.approve, "update": wishes.update, "source_type": wishes.source_type}
        audit.record(action="examples.import_requested", target=job, after=asked)
    return job


def work(work: Work) -> Iterator[Step]:
    """The work of an import. Raises Refused when the file as a whole cannot be read."""
    wishes = Wishes(**work.request["wishes"])
    kept = work.request.get("file")
    path = artifact_store.find_artifact(kept) if kept else Path(work.request["path"])
    going_on = work.cursor if not wishes.dry_run else {}  # a dry run remembers what it saw while it runs
    report = Report(**work.result | going_on["counts"]) if going_on else Report()
    order = Order(str(path.resolve()), wishes.format, wishes.columns, _place(going_on))
    batches = batches_of(order)
    try:
        with kept_alive(work), closing(_Taking(wishes, report)) as taking, closing(batches):
            told = -1
            for batch in batches:
                if not wishes.dry_run:
                    need_not_wait()
                taking.take(batch)
                # The list of problems is long: it is written when it grew, the counts with every batch.
                result = asdict(report) if report.lines > told else None
                told = report.lines
                cursor = None if wishes.dry_run else batch.cursor | {"counts": report.counts()}
                yield Step(report.rows, cursor=cursor, result=result)
    except (BadFile, ReaderLost, OSError) as error:
        raise Refused(f"The file cannot be read: {_reason(error)}.") from error
    if not wishes.dry_run:
        done = report.counts() | {"approved": wishes.approve, "source_type": wishes.source_type}
        audit.record(action="examples.imported", target=Job(pk=work.job_id), after=done)
    yield Step(report.rows, total=report.rows, result=asdict(report))
    if kept and not wishes.dry_run:
        _delete_unless_needed(kept, work)  # after the step in which it was last needed


def _place(cursor: dict[str, Any]) -> dict[str, int]:
    """Where in the file it goes on."""
    return {name: cursor[name] for name in PLACE if name in cursor}


def _delete_unless_needed(file: str, work: Work) -> None:
    """Delete an upload when no other import reads it, or may still follow on its dry run."""
    artifact_store.lock_artifacts()
    jobs = Job.objects.filter(kind=JobKind.IMPORT, request__file=file).exclude(pk=work.job_id)
    others = list(jobs.only("request", "status", "created_at"))
    followed = {work.request.get("checked")} | {job.request.get("checked") for job in others}
    recent = timezone.now() - timedelta(seconds=artifact_store.ABANDONED)
    for job in others:
        waits = job.status == JobStatus.COMPLETED and job.request["wishes"]["dry_run"] and job.created_at > recent
        if job.is_open or (waits and str(job.pk) not in followed):
            return
    artifact_store.delete_artifact(file)


class _Taking:
    """One pass through a file: what becomes of its batches."""

    def __init__(self, wishes: Wishes, report: Report) -> None:
        self.wishes, self.report = wishes, report
        self.agents = _agents(wishes)
        self.seen = Seen() if wishes.dry_run else None
        self.knows_erased = any_row_was_erased()  # an erasure that begins later ends this import

    def close(self) -> None:
        if self.seen:
            self.seen.close()

    def take(self, batch: Batch) -> None:
        """Store what is good, and report what is not in the order of the file."""
        report = self.report
        report.note_unused(batch.unused)
        report.format, report.unit = batch.format, FORMATS[batch.format].unit
        report.rows += batch.count
        refused, rows = list(batch.refused), []
        erased = erased_among([row.source_hash for _, row in batch.rows]) if self.knows_erased else set()
        for number, row in batch.rows:
            try:
                if row.source_hash in erased:
                    raise BadRow(ERASED)
                row.agent_id = self._agent_of(row)
                rows.append((number, row))
                report.without_user_id += not row.names_user
            except BadRow as error:
                refused.append(Refusal(number, error.field, str(error)))
        refused += [Refusal(number, "external_id", KNOWN_OTHERWISE) for number in self._store(rows)]
        for refusal in sorted(refused):
            report.refuse(batch.part, refusal)

    def _agent_of(self, row: Line) -> str:
        if self.wishes.agent_id:
            return self.wishes.agent_id
        if not row.agent_id:
            raise BadRow("it names no agent_id, and no agent was chosen for all rows", "agent_id")
        if row.agent_id not in self.agents:
            raise BadRow("there is no agent with its agent_id", "agent_id")
        return self.agents[row.agent_id]

    def _store(self, rows: list[tuple[int, Line]]) -> list[int]:
        """The numbers of those that are known with other content."""
        stored = store_rows(
            rows=[row for _, row in rows],
            update=self.wishes.update,
            approve=self.wishes.approve,
            source_type=self.wishes.source_type,
            seen=self.seen,
        )
        self.report.new += stored.new
        self.report.updated += stored.updated
        self.report.unchanged += stored.unchanged
        return [rows[place][0] for place in stored.refused]


def _length(problem: dict[str, Any]) -> int:
    return sum(len(part) for part in problem.values() if isinstance(part, str))


def _agents(wishes: Wishes) -> dict[str, str]:
    """The agents that rows may name, by the caller's identifier and by ours."""
    if wishes.agent_id:
        return {}
    rows = [(external, str(pk)) for external, pk in Agent.objects.values_list("external_id", "id")]
    return {pk: pk for _, pk in rows} | dict(rows)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, BadFile | ReaderLost) else "it is not there any more, or may not be read"


def import_checked(*, job: Job, user: Any = None) -> Job:
    """Import the file that a dry run looked through, as it was asked for then. Raises Refused.

    Wake a worker with `learning.waking.wake_for_job` after it.
    """
    wishes = Wishes(**job.request["wishes"])
    if job.status != JobStatus.COMPLETED or not wishes.dry_run:
        raise Refused("Only a dry run that came to its end can be followed by its import.")
    kept = job.request.get("file", "")
    if not kept:
        raise Refused("The file of this dry run was not uploaded. Import it with manage.py import_examples.", "file")
    artifact_store.lock_artifacts()  # nobody deletes it before this import is known
    artifact_store.find_artifact(kept).touch()
    name = job.title.partition(": ")[2]
    wishes = replace(wishes, dry_run=False)
    dataset = job.request.get("dataset", "")
    return start_import(name=name, wishes=wishes, file=kept, user=user, checked=str(job.pk), dataset=dataset)
