"""The sweep over every route as the owner of the rows: whatever stands in a column of JSON, nothing breaks.

The product writes these columns itself, but an older or a newer version may have written something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from organizations.models import Role
from tests import factories
from tests.architecture.addresses import address, closed_routes
from tests.architecture.rows import fill_every_table
from tests.architecture.test_strangers import rows_of
from tests.clients_in_process import StrangerAPIClient
from tests.database import undone


@pytest.fixture(scope="module")
def filled(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """An organization with a row in every table, made up from the types of the columns alone."""
    with django_db_blocker.unblock(), undone():
        yield fill_every_table(factories.make_organization("Aster"))


@pytest.mark.parametrize("route", closed_routes())
def test_a_route_answers_the_owner_of_made_up_rows(route: str, filled: dict[str, Any], sign_in: Any) -> None:
    key = StrangerAPIClient()
    key.credentials(HTTP_AUTHORIZATION=f"Bearer {factories.make_key(filled['organization'])}")
    person = sign_in(Role.ADMIN, inside=filled["organization"])
    broken = []
    for client in (key, person):
        client.raise_request_exception = False
        for row in rows_of(route, client.get, filled) if "<" in route else [""]:
            answer = client.get(address(route, row))
            if answer.status_code >= 500:
                broken.append(f"{address(route, row)}: {answer.status_code}")
    assert broken == []
