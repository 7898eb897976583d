"""A first administrator from the command line."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from organizations.models import Organization, User


def test_without_a_terminal_the_command_says_how_to_give_the_password(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_terminal(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("organizations.management.commands.create_organization.getpass", no_terminal)
    with pytest.raises(CommandError, match="--password"):
        call_command("create_organization", "Aster", "aster", admin="ada")
    assert not Organization.objects.exists()


def test_an_organization_is_made_with_its_administrator_and_a_key(db: None) -> None:
    said = StringIO()
    call_command("create_organization", "Aster", "aster", admin="ada", password="a long enough password", stdout=said)
    assert "Secret API key, shown only now: sk_" in said.getvalue()
    assert User.objects.get(username="ada").is_staff
