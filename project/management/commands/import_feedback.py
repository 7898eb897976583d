"""`manage.py import_feedback`: feedback that was given in TensorZero or Langfuse."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from rest_framework.exceptions import ValidationError

from learning.api.serializers.feedback import NewFeedbackSerializer
from learning.imports import langfuse, tensorzero
from learning.imports.reading import BadFile, read_rows
from learning.imports.vocabulary import Choices, Imported, LeftOut, Unusable
from learning.services.feedback_imports import count_joined, import_feedback
from organizations.models import Organization
from organizations.problems import field_errors
from organizations.scope import organization_scope
from organizations.tasks import organization_ids

READERS = {"tensorzero": tensorzero.read_row, "langfuse": langfuse.read_row}
BATCH = 500  # rows in one transaction


@dataclass
class Tally:
    """What became of the rows. `refused`: (line, reason)."""

    rows: int = 0
    taken: Counter[str] = field(default_factory=Counter)  # by type of feedback
    there_before: int = 0
    joined: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[int, str]] = field(default_factory=list)

    @property
    def new(self) -> int:
        return sum(self.taken.values())

    def lines(self, shown: int, dry_run: bool) -> list[str]:
        """For people."""
        found = [f"{self.rows:,} rows read{' (dry run: nothing was stored)' if dry_run else ''}"]
        found.append(f"{self.new:,} new, of which {self.joined:,} have their execution; the others wait for it")
        found += [f"    {count:,} {kind}" for kind, count in self.taken.most_common()]
        found.append(f"{self.there_before:,} were there before")
        found += [f"{count:,} left out: {reason}" for reason, count in self.left_out.most_common()]
        found.append(f"{len(self.refused):,} refused")
        found += [f"    line {line}: {reason}" for line, reason in self.refused[:shown]]
        if len(self.refused) > shown:
            found.append(f"    and {len(self.refused) - shown:,} more; --show says how many are listed")
        return found


class Command(BaseCommand):
    help = (
        "Take in feedback of TensorZero (boolean, float, comment, demonstration) or scores of Langfuse (numeric,"
        " categorical, boolean) from JSON lines or CSV. Ids become idempotency keys: the same file again adds nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="system", required=True, choices=sorted(READERS))
        parser.add_argument("file", type=Path)
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--agent", default="", help="Whose executions these are; needed where they are not logged.")
        parser.add_argument(
            "--range", dest="ranges", action="append", default=[], type=_range, metavar="METRIC=LOW:HIGH",
            help="What becomes one and five stars, such as quality=0:1. Without it whole numbers from 1 to 5 count.",
        )  # fmt: skip
        parser.add_argument("--lower-is-better", action="append", default=[], metavar="METRIC")
        parser.add_argument("--metric", action="append", default=[], help="Only this one; may be given several times.")
        parser.add_argument("--by-observation", action="store_true", help="Langfuse: an execution is an observation.")
        parser.add_argument("--model-scores", action="store_true", help="Langfuse: take what a model has judged, too.")
        parser.add_argument("--show", type=int, default=20, help="How many refused rows are listed.")
        parser.add_argument("--dry-run", action="store_true", help="Report, and store nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        organization_id = _find_organization(options["organization"])
        choices = Choices(
            agent=options["agent"],
            ranges=dict(options["ranges"]),
            lower_is_better=frozenset(options["lower_is_better"]),
            metrics=frozenset(options["metric"]) or None,
            by_observation=options["by_observation"],
            model_scores=options["model_scores"],
        )
        importer = Importer(organization_id, choices, options["system"], options["dry_run"])
        try:
            with options["file"].open(encoding="utf-8", newline="") as file:
                for line, row in read_rows(file):
                    importer.add(line, row)
            importer.store()
        except (OSError, UnicodeDecodeError, BadFile) as error:
            raise CommandError(f"{options['file']}: {error}") from error
        self.stdout.write("\n".join(importer.tally.lines(options["show"], options["dry_run"])))


class Importer:
    """Gathers rows and stores them in batches."""

    def __init__(self, organization_id: UUID, choices: Choices, system: str, dry_run: bool) -> None:
        self.organization_id, self.choices, self.dry_run = organization_id, choices, dry_run
        self.read_row = READERS[system]
        self.serializer = NewFeedbackSerializer()
        self.tally = Tally()
        self.waiting: list[tuple[int, Imported]] = []

    def add(self, line: int, row: dict[str, Any] | str) -> None:
        """A row, or why it is none."""
        self.tally.rows += 1
        try:
            if isinstance(row, str):
                raise Unusable(row)
            imported = self.read_row(row, self.choices)
            item = self.serializer.run_validation(imported.item)
            self.waiting.append((line, Imported(item, imported.said_at)))
        except LeftOut as reason:
            self.tally.left_out[str(reason)] += 1
        except Unusable as reason:
            self.tally.refused.append((line, str(reason)))
        except ValidationError as error:
            told = "; ".join(f"{part['field']}: {part['message']}" for part in field_errors(error.detail))
            self.tally.refused.append((line, told))
        if len(self.waiting) >= BATCH:
            self.store()

    def store(self) -> None:
        """What was gathered, in one transaction."""
        if not self.waiting:
            return
        with organization_scope(self.organization_id):
            outcomes = import_feedback(
                items=[row.item for _, row in self.waiting], said_at=[row.said_at for _, row in self.waiting]
            )
            new = []
            for (line, row), outcome in zip(self.waiting, outcomes, strict=True):
                if outcome.refusal is not None:
                    self.tally.refused.append((line, outcome.refusal.message))
                elif outcome.replayed:
                    self.tally.there_before += 1
                elif outcome.id is not None:
                    self.tally.taken[row.item["feedback_type"]] += 1
                    new.append(outcome.id)
            self.tally.joined += count_joined(ids=new)
            if self.dry_run:
                transaction.set_rollback(True)
        self.waiting.clear()


def _find_organization(slug: str) -> UUID:
    """Raises CommandError when there is none of this name."""
    for organization_id in organization_ids():
        with organization_scope(organization_id):
            if Organization.objects.filter(pk=organization_id, slug=slug).exists():
                return organization_id
    raise CommandError(f"There is no organization {slug!r}.")


def _range(text: str) -> tuple[str, tuple[float, float]]:
    metric, _, span = text.rpartition("=")
    low, _, high = span.partition(":")
    try:
        bounds = float(low), float(high)
    except ValueError:
        bounds = math.nan, math.nan
    if not metric or not all(map(math.isfinite, bounds)) or bounds[0] >= bounds[1]:
        raise ArgumentTypeError(f"{text!r} is not of the form METRIC=LOW:HIGH, such as quality=0:1")
    return metric, bounds
