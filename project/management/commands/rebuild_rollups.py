"""`manage.py rebuild_rollups`: make the sums of feedback anew, or check them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from learning.rollup_tasks import catch_up
from learning.services.rollup_check import find_wrong_sums
from learning.services.rollups import rebuild_rollups
from organizations.scope import organization_scope
from organizations.tasks import organization_ids
from project.services.place import TYPED


class Command(BaseCommand):
    help = "Make the sums of feedback anew from its rows. Statistics stay right meanwhile, and are slower."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Compare with the rows and change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        for organization_id in organization_ids():
            if not options["check"]:
                with organization_scope(organization_id):
                    rebuild_rollups()
                catch_up(organization_id, most=100_000)
            with organization_scope(organization_id):
                places = find_wrong_sums()
            for agent_id, start in places[:20]:
                self.stdout.write(f"Organization {organization_id}, agent {agent_id}: {start.isoformat()} is wrong.")
            wrong += len(places)
        if wrong:
            raise CommandError(f"{wrong} sums differ from the rows. Run `{TYPED} rebuild_rollups`.")
        self.stdout.write("Every sum of feedback is what its rows say.")
