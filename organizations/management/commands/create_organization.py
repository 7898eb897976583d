"""A new organization with its first administrator."""

from __future__ import annotations

from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from organizations.errors import Refused
from organizations.keys import create_api_key
from organizations.models import Role, User
from organizations.scope import organization_scope
from organizations.services import add_member, create_organization


class Command(BaseCommand):
    help = "Make an organization, its first administrator and a secret API key, which is printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("slug")
        parser.add_argument("--admin", required=True, help="user name of the first administrator")
        parser.add_argument("--password", help="asked for when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        password = options["password"] or self._ask_for_password()
        try:
            validate_password(password)
            organization = create_organization(name=options["name"], slug=options["slug"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except Refused as error:
            raise CommandError(error.message) from error
        user = User.objects.filter(username=options["admin"]).first()
        if user is None:
            user = User.objects.create_user(options["admin"], password=password, is_staff=True)
        with organization_scope(organization.id):
            add_member(user=user, role=Role.ADMIN)
            _, key = create_api_key(name="first key")
        self.stdout.write(f"Organization {organization.name} ({organization.slug}) with administrator {user.username}.")
        self.stdout.write(f"Secret API key, shown only now: {key}")

    def _ask_for_password(self) -> str:
        try:
            return getpass("Password of the administrator: ")
        except EOFError as error:
            raise CommandError("There is no terminal to ask for the password: give it with --password.") from error
