"""`manage.py up`: the whole product in one command."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from project.services import supervisor


class Command(BaseCommand):
    help = (
        "Start database, broker, model, web, worker and beat, and keep them running until Ctrl-C."
        " Environment: HOST, PORT, ALS_MODEL_PORT, DEMO=0;"
        " DATABASE_URL, REDIS_URL, OPENAI_BASE_URL + OPENAI_API_KEY for servers of your own."
    )
    requires_system_checks: list[str] = []  # the database is not there yet

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(supervisor.main())
