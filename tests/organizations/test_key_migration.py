"""What the migration does to publishable keys that were made before pages could send feedback only."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import connection

from organizations.keys import create_api_key
from organizations.models import ApiKey, KeyKind
from organizations.scope import organization_scope
from tests import factories
from tests.database import owner_connection

SCOPES = import_module("organizations.migrations.0003_key_life").SCOPES
FORCED = "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'organizations_apikey'"


@pytest.mark.django_db(transaction=True)
def test_publishable_keys_of_every_organization_send_feedback_alone() -> None:
    organizations = [factories.make_organization() for _ in range(2)]
    for organization in organizations:
        with organization_scope(organization.pk):
            create_api_key(name="page", kind=KeyKind.PUBLISHABLE, scopes=["ingest"])
            create_api_key(name="server")
    with owner_connection(connection.settings_dict["NAME"]) as owner:
        owner.execute(SCOPES % "feedback")
        assert owner.execute(FORCED).fetchone() == (True,)
    for organization in organizations:
        with organization_scope(organization.pk):
            assert dict(ApiKey.objects.values_list("name", "scopes")) == {
                "page": ["feedback"], "server": ["ingest", "read", "manage"],
            }  # fmt: skip
