"""`manage.py verify_dataset`: whether what is stored of a dataset version is what was published."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from learning.models import TrainingDataset
from learning.services.dataset_exports import find_version
from learning.services.manifests import Verified, verify_version
from organizations.errors import Missing
from organizations.models import Organization
from organizations.scope import organization_scope
from organizations.tasks import organization_ids


class Command(BaseCommand):
    help = "Compute the SHA-256 of a dataset version again from its stored items and compare it with the published one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="The dataset's name.")
        parser.add_argument("--version-number", "--number", dest="number", type=int, help="Left out: the newest.")
        parser.add_argument("--organization", metavar="SLUG", help="Needed where several have such a dataset.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = [self._verify(one, options) for one in organization_ids()]
        checked = [one for one in found if one is not None]
        if not checked:
            raise CommandError(f"There is no such version of a dataset called {options['name']!r}.")
        if len(checked) > 1:
            raise CommandError("Several organizations have such a dataset: name one with --organization.")
        label, result = checked[0]
        self.stdout.write(f"{label}: {result.items:,} items")
        self.stdout.write(f"published  {result.published}\nstored     {result.stored}")
        if not result.holds:
            raise CommandError(f"NOT what was published; the texts of {result.changed:,} items were changed.")
        self.stdout.write("It is what was published.")

    def _verify(self, organization_id: Any, options: dict[str, Any]) -> tuple[str, Verified] | None:
        with organization_scope(organization_id):
            slug = options["organization"]
            if slug and not Organization.objects.filter(pk=organization_id, slug=slug).exists():
                return None
            try:
                dataset = TrainingDataset.objects.get(name=options["name"])
                version = find_version(dataset=dataset, number=options["number"])
            except (TrainingDataset.DoesNotExist, Missing):
                return None
            if version.erased_at:
                raise CommandError("Items of this version were erased when a person was forgotten; nothing to verify.")
            return f"{version.dataset.name}, version {version.number}", verify_version(version=version)
