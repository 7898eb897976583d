"""`manage.py doctor`: is everything there that the product needs? One line each, with what to do about it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from project.services import diagnosis
from project.services.errors import ServiceError
from project.services.external import prepare_database
from project.services.place import Place


class Command(BaseCommand):
    help = (
        "Check Python, disk, database and its role, migrations, broker and model; exit status 1 when one has a problem."
    )
    requires_system_checks: list[str] = []  # they may need the database that is being examined

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--prepare-database",
            action="store_true",
            help="make the database of DATABASE_URL (owner: DATABASE_OWNER_URL) ready for the product",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["prepare_database"]:
            self._prepare_database()
            return
        findings = []
        for finding in examine():
            findings.append(finding)
            self.stdout.write(f"{'OK' if finding.ok else 'PROBLEM':<8} {finding.subject:<11} {finding.text}")
            if not finding.ok:
                self.stdout.write(f"{'':<20} -> {finding.advice}")
        if not all(finding.ok for finding in findings):
            sys.exit(1)

    def _prepare_database(self) -> None:
        url = os.environ.get("DATABASE_URL")
        if not url:
            raise CommandError("DATABASE_URL is not set: the embedded database prepares itself.")
        try:
            for line in prepare_database(url, os.environ.get("DATABASE_OWNER_URL", "")):
                self.stdout.write(f"OK       {line}")
        except ServiceError as error:
            raise CommandError(str(error)) from error


def examine() -> Iterator[diagnosis.Finding]:
    """All looks, the ones that explain later failures first."""
    yield diagnosis.examine_python()
    yield diagnosis.examine_disk(Place(settings.SERVICES_NAME).data)
    database = diagnosis.examine_database(_psycopg_parameters())
    yield database
    if database.ok:
        yield diagnosis.examine_migrations()
    yield diagnosis.examine_broker(settings.CACHES["default"]["LOCATION"])
    yield diagnosis.examine_model(settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY, settings.DEFAULT_MODEL)


def _psycopg_parameters() -> dict[str, Any]:
    """As the application connects, without the pool, which would wait and try again."""
    database = settings.DATABASES["default"]
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    given = {theirs: database[ours] for ours, theirs in names.items() if database.get(ours)}
    return given | {key: value for key, value in database["OPTIONS"].items() if key != "pool"}
