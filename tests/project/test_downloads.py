"""Downloads hold no connection to the database while their readers take their time."""

from __future__ import annotations

import json

import pytest

from organizations.scope import organization_scope
from tests import factories
from tests.project.web_server import web_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.slow
def test_an_export_comes_to_its_end_where_there_is_one_connection_for_all() -> None:
    organization = factories.make_organization()
    with organization_scope(organization.pk):
        version = factories.make_published_version(factories.make_agent(), examples=20)
    headers = {"Authorization": f"Bearer {factories.make_key(organization)}"}
    with web_server(DB_POOL_SIZE="1") as client:
        answer = client.get(
            f"/api/learning/datasets/{version.dataset_id}/export", params={"format": "jsonl"}, headers=headers
        )
    assert answer.status_code == 200, answer.text
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert len(lines) == version.train_count + version.validation_count
