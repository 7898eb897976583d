"""`manage.py bench_datasets`: how fast datasets are made and moved, and what redaction and clustering find."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from organizations.services import create_organization
from project.benchmarks import BenchCommand, Report
from project.dataset_benchmark import duplicates, files, real_texts, redaction

ROWS, QUICK_ROWS = 1_000_000, 10_000
BASES, QUICK_BASES = 10_000, 1_000


class Command(BenchCommand):
    help = "Examples and datasets: rows a second, peak memory, recall and precision of redaction and of duplicates."
    durable = True

    def check_needs(self) -> None:
        real_texts.folder()

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--import-only", action="store_true", help="The dry run and the import; takes 5 minutes.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.import_only: bool = options["import_only"]
        super().handle(*args, **options)

    def measure(self, quick: bool) -> Report:
        rows = QUICK_ROWS if quick else ROWS
        # First the files: memory never shrinks again in what a process reports.
        organization_id = create_organization(name="Files", slug="files").id
        if self.import_only:
            came = files.measure_import(organization_id, rows)
            return Report(title(rows, came), steps(rows, came.seconds, came), figures_of_import(rows, came))
        found = files.measure(organization_id, rows)
        near = duplicates.measure(create_organization(name="Near", slug="near").id, QUICK_BASES if quick else BASES)
        hidden = redaction.measure()
        figures = figures_of_import(rows, found.imported) | {
            "export_rows_per_s": round(found.total / found.seconds["export jsonl"]),
            "export_again_rows_per_s": round(found.total / found.seconds["export jsonl again"]),
            "publish_peak_mb": round(found.publish_peak_mb),
            "export_peak_mb": round(found.export_peak_mb),
            "cluster_s": round(found.seconds["redact and cluster"], 1),
            "publish_s": round(found.seconds["publish"], 1),
            "redaction_recall": round(hidden.recall, 4),
            "redaction_precision": round(hidden.precision, 4),
            "duplicate_texts": near.texts,
            "duplicate_recall": round(near.recall, 4),
            "duplicate_precision": round(near.precision, 4),
            "duplicate_edited_recall": round(near.edited_recall, 4),
            "duplicate_near_recall": round(near.near_recall, 4),
            "leaks": near.leaks,
            "near_across_splits": near.near_across,
        }
        table = steps(rows, found.seconds, found.imported)
        return Report(title(rows, found.imported), table, figures, notes(near, hidden))


def title(rows: int, came: files.Imported) -> str:
    return f"{rows:,} examples in a file of {came.size_mb:,.0f} MB"


def steps(rows: int, seconds: Mapping[str, float], came: files.Imported) -> list[list[str]]:
    """The table: what each step took."""
    table = [["what", "seconds", "rows/s"]]
    table += [[name, f"{taken:.1f}", f"{rows / taken:,.0f}"] for name, taken in seconds.items()]
    return [*table, ["limit of the import: COPY of such rows", "", f"{came.copied:,.0f}"]]


def figures_of_import(rows: int, came: files.Imported) -> dict[str, float]:
    rate = rows / came.seconds["import"]
    return {
        "rows": rows,
        "import_rows_per_s": round(rate),
        "copy_rows_per_s": round(came.copied),
        "import_ratio": round(rate / came.copied, 4),
        "before_mb": round(came.before_mb),
        "import_peak_mb": round(came.peak_mb),
    }


def notes(near: duplicates.Duplicates, hidden: redaction.Redaction) -> list[str]:
    """What was found in real texts, in sentences."""
    kinds = ", ".join(f"{kind} {share:.0%}" for kind, share in hidden.by_kind.items())
    return [
        f"Redaction, {hidden.texts:,} real sentences, {hidden.texts_per_s:,.0f} a second: recall {hidden.recall:.1%}"
        f" ({kinds}), precision {hidden.precision:.1%}.",
        f"Duplicates, {near.texts:,} real texts: {near.recall:.1%} of {near.planted:,} pairs by a small change share a"
        f" cluster, {near.edited_recall:.1%} of {near.edited:,} sentences with what people made of them,"
        f" {near.near_recall:.1%} of {near.near:,} near pairs; precision {near.precision:.1%}.",
        f"Leaks: {near.leaks} clusters or inputs in two splits; {near.near_across} near pairs, overlooked, in two.",
    ]
