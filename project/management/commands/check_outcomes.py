"""`manage.py check_outcomes`: compare the sums of live experiments with what they are sums of, or make them anew."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from experiments.models import Experiment
from experiments.models.experiments import LIVE
from experiments.services.outcome_check import find_wrong_outcomes, rebuild_outcomes
from organizations.scope import organization_scope
from organizations.tasks import organization_ids
from project.services.place import TYPED


class Command(BaseCommand):
    help = "Compare the outcomes of live experiments, and their sums, with everything that they are made of."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rebuild", action="store_true", help="Make them anew first.")

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = checked = 0
        for organization_id in organization_ids():
            with organization_scope(organization_id):
                live = list(Experiment.objects.filter(status__in=LIVE))
            for experiment in live:
                with organization_scope(organization_id):
                    if options["rebuild"]:
                        rebuild_outcomes(experiment=experiment)
                    found = find_wrong_outcomes(experiment=experiment)
                for words in found:
                    self.stdout.write(f"Organization {organization_id}, experiment {experiment.pk}: {words}.")
                wrong += bool(found)
                checked += 1
        if wrong:
            raise CommandError(f"{wrong} experiments have wrong sums. Run `{TYPED} check_outcomes --rebuild`.")
        self.stdout.write(f"The sums of {checked} live experiments are what their units say.")
