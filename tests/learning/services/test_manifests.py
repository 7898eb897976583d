"""A version can be checked against its manifest, whoever computed it: publishing, or what was left after an erasure."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from learning.models import DatasetExample, DatasetVersion
from learning.services.erased_versions import erase_from_version
from learning.services.manifests import verify_version
from organizations.erasers import Person, erasing
from organizations.models import Organization
from tests import factories
from tests.clients_in_process import outside_scope


@pytest.fixture
def version(scope: Organization) -> DatasetVersion:
    return factories.make_published_version(factories.make_agent(), examples=20)


def verify(name: str, **options: Any) -> str:
    told = StringIO()
    with outside_scope():
        call_command("verify_dataset", name, stdout=told, **options)
    return told.getvalue()


def test_what_was_published_verifies(version: DatasetVersion) -> None:
    checked = verify_version(version=version)
    assert (checked.holds, checked.items, checked.stored) == (True, 20, version.manifest_hash)


def test_what_is_left_after_an_erasure_verifies_under_its_own_manifest(version: DatasetVersion) -> None:
    gone = version.items.values_list("example_id", flat=True)[:3]
    erase_from_version(version=version, person=Person("ada", example_ids=tuple(gone)))
    version.refresh_from_db()
    rest = version.replaced_by
    assert rest is not None and rest.manifest_hash != version.manifest_hash
    checked = verify_version(version=rest)
    assert (checked.holds, checked.items) == (True, 17)


def test_an_item_that_is_missing_is_noticed(version: DatasetVersion) -> None:
    with erasing():
        DatasetExample.objects.filter(pk=version.items.values("pk")[:1]).delete()
    checked = verify_version(version=version)
    assert (checked.holds, checked.items) == (False, 19)


def test_the_command_finds_a_version_by_name_and_number(version: DatasetVersion) -> None:
    name = version.dataset.name
    assert "It is what was published." in verify(name)
    assert f"{name}, version 1: 20 items" in verify(name, number=1)
    for unknown, number in (("Nothing", None), (name, 9)):
        with pytest.raises(CommandError, match="no such version"):
            verify(unknown, number=number)
