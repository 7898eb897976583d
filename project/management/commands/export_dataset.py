"""`manage.py export_dataset`: a published version as a file, to standard output."""

from __future__ import annotations

import sys
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from learning.formats.writing import TARGETS
from learning.models import Split, TrainingDataset
from learning.services.dataset_exports import ALL, find_version, open_export, stream_export
from organizations.errors import Missing, Refused
from organizations.identifiers import as_uuid
from organizations.scope import organization_scope
from organizations.tasks import find_organization


class Command(BaseCommand):
    help = "Write a published version of a dataset to standard output. The sealed test split only when it is named."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset", help="its name or id")
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--number", type=int, metavar="VERSION", help="left out: the newest")
        parser.add_argument("--format", default="jsonl", choices=list(TARGETS))
        parser.add_argument("--split", default="", choices=["", *Split.values, ALL])
        parser.add_argument("--after", type=UUID, help="the last example_id that you have: go on after it")
        parser.add_argument("--skip", type=int, default=0, help="lines that you have: go on after them")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with organization_scope(find_organization(options["organization"])):
                version = find_version(dataset=_find(options["dataset"]), number=options["number"])
                export = open_export(
                    version=version,
                    format=options["format"],
                    split=options["split"],
                    after=options["after"],
                    skip=options["skip"],
                )
        except Refused as error:
            raise CommandError(error.message) from error
        out = getattr(self.stdout, "buffer", None) or sys.stdout.buffer
        try:
            for piece in stream_export(export):
                out.write(piece)
        except Refused as error:  # in the middle of it
            raise CommandError(f"The file is not complete. {error.message}") from error
        out.flush()
        self.stderr.write(f"Version {version.number}, fingerprint {version.manifest_hash}")


def _find(name: str) -> TrainingDataset:
    """Raises Missing."""
    wanted = as_uuid(name)
    rows = TrainingDataset.objects.filter(pk=wanted) if wanted else TrainingDataset.objects.filter(name=name)
    found: TrainingDataset | None = rows.first()
    if found is None:
        raise Missing(f"There is no dataset {name!r}.")
    return found
