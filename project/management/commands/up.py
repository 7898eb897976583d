"""`manage.py up`: the whole product in one command (this is what `make run` starts)."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from django.core.management import get_commands
from django.core.management.base import BaseCommand, CommandError

from project.services.errors import ServiceError
from project.services.options import Options
from project.services.processes import die_with_parent
from project.services.supervisor import Supervisor


class Command(BaseCommand):
    help = (
        "Start database, broker, model, web, worker and beat, and keep them running until Ctrl-C."
        " Environment: HOST, PORT, ALS_MODEL_PORT, DEMO=0;"
        " DATABASE_URL, REDIS_URL, OPENAI_BASE_URL + OPENAI_API_KEY for servers of your own."
    )
    requires_system_checks: list[str] = []  # the database is not there yet

    def handle(self, *args: Any, **options: Any) -> None:
        if os.environ.get("ALS_DIE_WITH_PARENT"):  # `make run`: when make is killed, nothing stays behind
            die_with_parent(signal.SIGTERM)
        try:
            supervisor = Supervisor(Options.from_environment(), get_commands())
        except ServiceError as error:
            raise CommandError(str(error)) from error
        sys.exit(supervisor.run())
