"""The embedded servers of the suite, and the fixtures that everybody uses."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.test import TransactionTestCase
from hypothesis import settings as property_settings

from organizations.models import Organization
from organizations.scope import organization_scope
from project.services.cluster import throwaway_cluster
from project.services.seeds import is_migrated, keep_seed, seed_path
from tests import database, factories
from tests.clients_in_process import StrangerAPIClient, StrangerClient, find_static_files_once

# A property is about values. How long one example takes depends on what else the machine does.
property_settings.register_profile("no deadline", deadline=None)
property_settings.load_profile("no deadline")
find_static_files_once()


def pytest_configure(config: pytest.Config) -> None:
    """The first process starts the servers and migrates; parallel workers copy its database."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    stack = ExitStack()
    cluster = stack.enter_context(throwaway_cluster("test", seed=seed_path()))
    config.add_cleanup(stack.close)
    if not is_migrated(cluster):
        database.migrate_template()
        keep_seed(cluster)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests first, so that none of them is alone at the end while the other processes have nothing to do."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """What is loaded by now stays; the collector of garbage need not go through it with every test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        database.copy_template(f"als_{os.environ.get('PYTEST_XDIST_WORKER', 'single')}")
    TransactionTestCase._fixture_teardown = lambda self: database.empty_tables()


@pytest.fixture
def organization(db: None) -> Organization:
    return factories.make_organization("Aster")


@pytest.fixture
def other_organization(db: None) -> Organization:
    return factories.make_organization("Birch")


@pytest.fixture
def scope(organization: Organization) -> Iterator[Organization]:
    """The test works inside `organization`; the clients below still ask as strangers."""
    with organization_scope(organization.id):
        yield organization


@pytest.fixture
def api(organization: Organization) -> StrangerAPIClient:
    """An application with a secret key that may do everything."""
    return api_with(factories.make_key(organization))


@pytest.fixture
def other_api(other_organization: Organization) -> StrangerAPIClient:
    return api_with(factories.make_key(other_organization))


@pytest.fixture
def anonymous_api(db: None) -> StrangerAPIClient:
    return StrangerAPIClient()


@pytest.fixture
def sign_in(organization: Organization) -> Any:
    """sign_in("expert") -> a browser-like client of a member with that role."""

    def signed_in(role: str = "admin", inside: Organization | None = None) -> StrangerClient:
        client = StrangerClient()
        client.user = factories.make_user(inside or organization, role)
        client.force_login(client.user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return signed_in


def api_with(key: str) -> StrangerAPIClient:
    client = StrangerAPIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client
