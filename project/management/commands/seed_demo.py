"""`manage.py seed_demo`: the demo's organization with one person for each role."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from project.demo import sign_ins


class Command(BaseCommand):
    help = (
        "Make the organization Demo with one person for each role, and print how to sign in."
        " Doing it again changes nothing."
    )
    requires_system_checks: list[str] = []  # runs at every start, right after the migrations have checked everything

    def handle(self, *args: Any, **options: Any) -> None:
        sign_ins.seed()
        self.stdout.write(sign_ins.read_sign_ins())
