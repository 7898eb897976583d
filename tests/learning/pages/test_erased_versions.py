"""A version in which a person was forgotten: its page says so, and nothing offers to use it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone

from learning.models import Agent, DatasetVersion, TrainingRun
from learning.services import training
from organizations.errors import Refused
from organizations.models import Organization
from tests import factories

DATASETS = "/admin/learning/datasets"
NEW_RUN = "/admin/learning/training/new/"
Versions = tuple[DatasetVersion, DatasetVersion, DatasetVersion]


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent(name="Critic")


@pytest.fixture
def versions(agent: Agent) -> Versions:
    """The first was replaced by the second, and that later by the third."""
    first = factories.make_published_version(agent)
    second, third = (factories.publish_with(first, text) for text in ("Something else", "And one thing more"))
    erase(first, second)
    erase(second, third)
    return first, second, third


def erase(version: DatasetVersion, replacement: DatasetVersion | None) -> None:
    DatasetVersion.objects.filter(pk=version.pk).update(erased_at=timezone.now(), replaced_by=replacement)


def page_of(client: Any, address: str, **query: Any) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_page_says_what_happened_when_and_what_replaces_it(sign_in: Any, versions: Versions) -> None:
    root = f"{DATASETS}/{versions[0].dataset_id}/versions"
    page = page_of(sign_in("admin"), f"{root}/1/")
    (said,) = re.findall(r'data-testid="erased"><span>(.*?)</span>', page)
    today = f"{timezone.now():%-d %b %Y}"
    assert f"was forgotten on {today}" in said
    assert f'<a href="{root}/3/">version 3</a> replaces it.' in said, "the second was replaced itself"


def test_the_page_says_so_when_nothing_replaces_it(sign_in: Any, versions: Versions) -> None:
    erase(versions[2], None)
    page = page_of(sign_in("admin"), f"{DATASETS}/{versions[0].dataset_id}/versions/3/")
    assert "nothing was left to replace it." in page


def test_the_page_offers_nothing_that_leads_nowhere(sign_in: Any, versions: Versions) -> None:
    root, client = f"{DATASETS}/{versions[0].dataset_id}", sign_in("admin")
    dead = (NEW_RUN, f"{root}/diff/", "/items/", "verify_dataset")
    whole, erased = page_of(client, f"{root}/versions/3/"), page_of(client, f"{root}/versions/1/")
    assert [one for one in dead if one in erased] == []
    assert [one for one in dead if one not in whole] == [f"{root}/diff/"], "there is no other whole one to compare with"


def test_only_whole_versions_are_compared_with_each_other(sign_in: Any, versions: Versions) -> None:
    root, client = f"{DATASETS}/{versions[0].dataset_id}", sign_in("manager")
    assert "Compare versions" not in page_of(client, f"{root}/")
    assert "nothing to compare yet" in page_of(client, f"{root}/diff/")
    DatasetVersion.objects.filter(pk=versions[0].pk).update(erased_at=None)
    assert "Compare versions" in page_of(client, f"{root}/")
    assert "Version 1 to 3" in page_of(client, f"{root}/diff/")


def test_no_run_can_be_asked_for_on_it(sign_in: Any, versions: Versions) -> None:
    first, _, third = versions
    client = sign_in("admin")
    page = page_of(client, NEW_RUN, version=str(first.pk))
    assert f'value="{third.pk}"' in page and f'value="{first.pk}"' not in page
    form = {"version": str(first.pk), "max_calls": 200, "metric": "exact", "goals": ["accuracy"]}
    assert "Select a valid choice" in client.post(NEW_RUN, form | {"rewrites": 0, "seed": 7}).content.decode()
    assert not TrainingRun.objects.exists()


def test_a_program_that_names_it_for_a_run_is_refused(agent: Agent, versions: Versions) -> None:
    first, _, third = versions
    first.refresh_from_db()
    factories.make_config(agent)
    with pytest.raises(Refused, match="forgotten") as refused:
        training.start_training_run(agent=agent, dataset_version=first)
    assert refused.value.field == "dataset_version_id"
    assert training.start_training_run(agent=agent).dataset_version == third
