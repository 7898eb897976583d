"""`manage.py erase_subject`: forget a person, or say what would go."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from learning import job_tasks
from learning.models import ErasureReceipt, JobStatus
from learning.services import erasure
from learning.services.erasure_words import explain
from organizations.errors import Refused
from organizations.scope import organization_scope
from organizations.tasks import find_organization


class Command(BaseCommand):
    help = "Erase everything that a person of an application has said, wherever it went, and print the receipt."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, help="slug of the organization")
        parser.add_argument("--user", required=True, help="the user_id that the application sends")
        parser.add_argument("--dry-run", action="store_true", help="Say what would go, and change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            organization_id = find_organization(options["organization"])
            with organization_scope(organization_id):
                if options["dry_run"]:
                    preview = erasure.preview_erasure(user=options["user"])
                    self._tell(preview.counts, preview.versions, preview.retrain)
                    self.stdout.write("\n".join(preview.notes))
                    return
                job = erasure.request_erasure(user=options["user"])
        except Refused as error:
            raise CommandError(error.message) from error
        job_tasks.run_job(organization_id=str(organization_id), job_id=str(job.pk))
        with organization_scope(organization_id):
            job.refresh_from_db()
            if job.status != JobStatus.COMPLETED:
                raise CommandError(f"The erasure is {job.status}. {job.failure_reason}".strip())
            receipt = ErasureReceipt.objects.get(job_id=job.pk)
            self._tell(receipt.counts, receipt.versions, receipt.retrain)
            self.stdout.write(f"Receipt {receipt.pk}; the person's keyed hash is {receipt.subject}.")

    def _tell(self, counts: dict[str, int], versions: list[dict[str, Any]], retrain: list[dict[str, Any]]) -> None:
        for name, number in sorted(counts.items()):
            if number:
                told = explain(name)
                self.stdout.write(f"{number:>8}  {name}{f': {told}' if told else ''}")
        if not any(counts.values()):
            self.stdout.write("There is nothing of this person.")
        for one in versions:
            instead = f"; use version {one['replaced_by']} instead" if one.get("replaced_by") else ""
            self.stdout.write(f"Dataset {one['dataset']}, version {one['number']}{instead}.")
        for one in retrain:
            serves = " (serves now)" if one["serves"] else ""
            self.stdout.write(f"To be made anew: {one['agent']}, config {one['config']}{serves}.")
