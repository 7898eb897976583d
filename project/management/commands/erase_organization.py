"""`manage.py erase_organization`: remove an organization with everything that is its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from learning.services import arrived_answers
from organizations.erasers import erasing
from organizations.errors import Missing
from organizations.models import Membership, Organization
from organizations.removal import remove_organization
from organizations.scope import organization_scope
from organizations.tasks import organization_ids


class Command(BaseCommand):
    help = "Remove an organization and every row and file of it. This cannot be undone; make a backup first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--yes", action="store_true", help="Do it; otherwise nothing is changed.")

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user = 'als_app'")
            if cursor.fetchone()[0]:
                raise CommandError("This must connect as the owner of the tables: run it by manage.py.")
        organization_id, people = self._find(options["slug"])
        if not options["yes"]:
            raise CommandError(f"{options['slug']} has {people} members. Say --yes to remove it with all its data.")
        removed = remove_organization(organization_id=organization_id)
        shutil.rmtree(Path(settings.ARTIFACT_DIR) / str(organization_id), ignore_errors=True)
        arrived_answers.forget_organization(organization_id)
        for table, number in sorted(removed.items()):
            self.stdout.write(f"{number:>8}  {table}")
        self.stdout.write(f"The organization {options['slug']} is gone. The accounts of its members stay.")

    def _find(self, slug: str) -> tuple[Any, int]:
        for organization_id in organization_ids():
            with organization_scope(organization_id), erasing():
                if Organization.objects.filter(pk=organization_id, slug=slug).exists():
                    return organization_id, Membership.objects.count()
        raise CommandError(Missing(f"There is no organization {slug!r}.").message)
