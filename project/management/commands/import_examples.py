"""`manage.py import_examples`: examples from a file, with a dry run that names each line that cannot be taken."""

from __future__ import annotations

from argparse import ArgumentTypeError
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from learning.formats.catalogue import AUTO, FORMATS
from learning.formats.rows import FIELDS
from learning.job_tasks import work_through
from learning.models import Job, JobStatus, SourceType
from learning.services.agent_directory import find_agent
from learning.services.example_imports import Wishes, start_import
from learning.services.jobs import LostJob, Work, claim_job
from organizations.errors import Refused
from organizations.scope import organization_scope
from organizations.tasks import find_organization


class Command(BaseCommand):
    help = (
        "Take in examples from JSON lines, CSV, Parquet, a Hugging Face dataset on disk, or the exports of OpenAI, TRL,"
        " Label Studio and Langfuse, plain or compressed (.gz, .zip). The same file again adds nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--agent", default="", help="Whose all examples become; left out: each row names its own.")
        parser.add_argument("--format", default=AUTO, choices=[AUTO, *FORMATS])
        parser.add_argument(
            "--column", dest="columns", action="append", default=[], type=_column, metavar="OURS=THEIRS",
            help=f"What their column is here, such as input_text=question. Ours are: {', '.join(FIELDS)}.",
        )  # fmt: skip
        parser.add_argument("--approve", action="store_true", help="They need no review: datasets may take them.")
        parser.add_argument("--benchmark", action="store_true", help="They come from a benchmark.")
        parser.add_argument("--update", action="store_true", help="A known external id with other content replaces it.")
        parser.add_argument("--show", type=int, default=20, help="How many refused lines are listed.")
        parser.add_argument("--dry-run", action="store_true", help="Report, and store nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            organization_id = find_organization(options["organization"])
            with organization_scope(organization_id):
                work = _claim(options)
            with suppress(LostJob):  # somebody ended it, such as an erasure; its reason is told below
                work_through(organization_id, work)
        except Refused as error:
            raise CommandError(error.message) from error
        with organization_scope(organization_id):
            job = Job.objects.get(pk=work.job_id)
        for line in _lines(job.result, options["show"], options["dry_run"]):
            self.stdout.write(line)
        if job.status != JobStatus.COMPLETED:
            raise CommandError(job.failure_reason or f"The import was {job.status}. Start it again to go on.")


def _claim(options: dict[str, Any]) -> Work:
    """The job of this import, taken before a worker can. Raises Refused."""
    agent = options["agent"]
    wishes = Wishes(
        agent_id=str(find_agent(name=agent).pk) if agent else None,
        format=options["format"],
        dry_run=options["dry_run"],
        approve=options["approve"],
        update=options["update"],
        source_type=(SourceType.BENCHMARK if options["benchmark"] else SourceType.IMPORT).value,
        columns=dict(options["columns"]),
    )
    job = start_import(name=options["file"].name, path=options["file"], wishes=wishes)
    work = claim_job(job_id=UUID(str(job.pk)))
    if work is None:
        raise Refused("A worker took this import; see the page of its job.")
    return work


def _lines(result: dict[str, Any], shown: int, dry_run: bool) -> list[str]:
    """The report for people."""
    if not result:
        return []
    unit = result["unit"]
    found = [f"{result['rows']:,} {unit}s read as {result['format']}"]
    found[0] += " (dry run: nothing was stored)" if dry_run else ""
    found += [f"{result[name]:,} {name}" for name in ("new", "updated", "unchanged", "refused")]
    if result["without_user_id"]:
        found.append(f"{result['without_user_id']:,} without a user_id: erasing a person does not find them")
    if result["unused"]:
        found.append(f"Not used: {', '.join(result['unused'])}")
    for problem in result["problems"][:shown]:
        file = f"{problem['file']}, " if problem["file"] else ""
        found.append(f"    {file}{unit} {problem['line']}: {problem['reason']}")
    if result["refused"] > shown:
        found.append(f"    and {result['refused'] - shown:,} more; --show says how many are listed")
    return found


def _column(text: str) -> tuple[str, str]:
    ours, sign, theirs = text.partition("=")
    if not sign or ours not in FIELDS or not theirs:
        raise ArgumentTypeError(f"{text!r} is not of the form OURS=THEIRS, such as input_text=question")
    return ours, theirs
