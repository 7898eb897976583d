"""`manage.py apply_retention`: remove what is past its retention now, or say what would be removed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from learning.retention_tasks import remove_old
from learning.rollup_tasks import catch_up
from learning.services.retention import kept_days, preview_retention
from organizations.models import Organization
from organizations.scope import organization_scope
from organizations.tasks import organization_ids


class Command(BaseCommand):
    help = "Remove feedback, executions and remembered answers of models older than the retention."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Count, and change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        for organization_id in organization_ids():
            with organization_scope(organization_id):
                slug = Organization.objects.values_list("slug", flat=True).get(pk=organization_id)
                days, counts = kept_days(), preview_retention()
            kept = f"{days} days" if days else "for ever"
            told = ", ".join(f"{number} {name}" for name, number in counts.items())
            if options["dry_run"]:
                self.stdout.write(f"{slug}: kept {kept}; {told} would go.")
                continue
            catch_up(organization_id, most=100_000)
            removed = remove_old(organization_id, most=1_000_000)
            self.stdout.write(f"{slug}: kept {kept}; {removed} rows went.")
