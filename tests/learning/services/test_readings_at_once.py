"""Runs that open test splits at the same time: of two, the later one knows of the earlier one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection

from learning.models import DatasetVersion, TrainingRun
from learning.services.datasets import record_reading
from organizations.models import Organization
from organizations.scope import organization_scope

pytestmark = pytest.mark.django_db(transaction=True)


def read() -> None:
    record_reading(version=DatasetVersion(test_count=1), run=TrainingRun(attempt=1))


def read_elsewhere(organization: Organization) -> None:
    """Another worker does, and waits for nobody."""
    try:
        with organization_scope(organization.pk):
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '20ms'")
            read()
    finally:
        connection.close()


def test_a_run_reads_when_whoever_reads_in_its_organization_has_told_so(
    organization: Organization, other_organization: Organization
) -> None:
    with ThreadPoolExecutor(1) as worker:
        with organization_scope(organization.pk):
            read()
            with pytest.raises(OperationalError, match="lock timeout"):
                worker.submit(read_elsewhere, organization).result()
            worker.submit(read_elsewhere, other_organization).result()
        worker.submit(read_elsewhere, organization).result()
