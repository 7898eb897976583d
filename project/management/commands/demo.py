"""`manage.py demo`: from users' corrections to a measured, deployed improvement, on real text with the real model."""

from __future__ import annotations

import json
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from kombu.exceptions import OperationalError as BrokerError

from learning.engines.errors import EngineError
from organizations.errors import Refused
from project.demo.client import LearningError
from project.demo.learning_loop import Stalled
from project.demo.plan import Plan
from project.demo.result import HONESTY
from project.demo.running import running_product
from project.demo.story import Story
from project.services.errors import ServiceError
from project.services.place import DEMO_MARK, TYPED, Place

BACKGROUND = 5  # niceness: people at the pages come first


class Command(BaseCommand):
    help = (
        "Play the whole loop on real review sentences with the local model: some 13 minutes on two cores."
        " Starts what it needs when the product is not running. Each play makes agents of its own."
    )
    requires_system_checks: list[str] = []  # the database may not be there yet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object as the last line.")
        parser.add_argument("--background", action="store_true", help="Started by the product: it runs already.")
        parser.add_argument("--seed", type=int, default=1, help="Draws other texts and people.")
        parser.add_argument("--quick", action="store_true", help="Fewer texts: faster, with wider intervals.")

    def handle(self, *args: Any, **options: Any) -> None:
        seed = options["seed"]
        plan = Plan.quick(seed) if options["quick"] else Plan(seed=seed)
        if options["background"]:
            os.nice(BACKGROUND)
        self.stdout.write(HONESTY)
        try:
            with running_product(self._say, may_start=not options["background"]) as address:
                result = Story(address, plan, self._say).play()
        except (ServiceError, EngineError, LearningError, Refused, Stalled) as error:
            raise CommandError(str(error)) from error
        except (DatabaseError, BrokerError) as error:
            raise CommandError(
                f"The product went away while the demo played. Start it and play again. ({error})"
            ) from error
        except KeyboardInterrupt:
            raise CommandError(f"The demo was interrupted. `{TYPED} demo` plays it again.") from None
        (Place(settings.SERVICES_NAME).state / DEMO_MARK).touch()
        self.stdout.write("\n".join(result.lines()))
        if options["json"]:
            self.stdout.write(json.dumps(result.as_json()))

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
