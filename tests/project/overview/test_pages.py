"""The dashboard, the lineage and the numbers of the API."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rest_framework.test import APIClient

from learning.models import AgentConfig, TrainingRun
from learning.services import datasets, publication
from organizations.models import Organization
from tests import factories


def test_the_stats_name_what_clients_rely_on(api: APIClient, scope: Organization) -> None:
    factories.make_example(factories.make_agent())
    assert api.get("/api/learning/stats").json() == {
        "pending_annotations": 1,
        "annotated_today": 0,
        "total_examples": 1,
        "active_experiments": 0,
        "running_training": 0,
    }


def test_the_account_menu_names_everything_once(sign_in: Any) -> None:
    page = sign_in("admin").get("/admin/learning/").content.decode()
    menu = page.partition('class="menu-list"')[2].partition("</details>")[0]
    links = re.findall(r'href="([^"]+)"', menu)
    assert "/admin/learning/keys/" in links
    assert len(links) == len(set(links))


def test_an_empty_organization_is_told_what_to_do_next(sign_in: Any) -> None:
    page = sign_in("member").get("/admin/learning/").content.decode()
    assert "No training run yet" in page
    assert "Nothing is deployed yet" in page


def test_the_dashboard_counts_what_is_there(sign_in: Any, scope: Organization, api: APIClient) -> None:
    factories.make_example(factories.make_agent())
    api.post("/api/learning/feedback", {"agent_id": "shop", "feedback_type": "star_rating", "rating": 5}, format="json")
    page = sign_in("member").get("/admin/learning/").content.decode()
    assert 'data-testid="stat-pending">1<' in page
    assert "Feedback per day" in page


@pytest.fixture
def learned(scope: Organization) -> AgentConfig:
    """A config that a run made from corrections, with the first of them shown to the model."""
    agent = factories.make_agent(name="Reviewer")
    base = factories.make_config(agent)
    for _ in range(12):
        factories.make_example(agent, review_status="approved", original_output="hard to say")
    version = publication.publish_version(dataset=datasets.create_dataset(name="Corrections", agent=agent))
    run = TrainingRun.objects.create(
        name="First run", agent=agent, base_config=base, dataset_version=version, training_type="prompt_optimization"
    )
    item = version.items.exclude(split="test").first()
    assert item is not None
    content = {"examples": [{"input": item.input_text, "output": item.expected_output}]}
    return factories.make_config(agent, content=content, parent=base, training_run=run)


def test_a_config_is_traced_to_the_corrections_that_caused_it(sign_in: Any, learned: AgentConfig) -> None:
    page = sign_in("manager").get(f"/admin/learning/lineage/{learned.pk}/").content.decode()
    for expected in ("First run", "Corrections", "shown to the model", "hard to say", "Text number"):
        assert expected in page, expected


def test_an_example_that_a_config_shows_in_a_template_is_marked(sign_in: Any, learned: AgentConfig) -> None:
    (one,) = learned.content["examples"]
    turn = f"Question: {one['input']}"
    learned.content = {"input_template": "Question: {input}", "examples": [one | {"input": turn}]}
    learned.save(update_fields=["content"])
    assert "shown to the model" in sign_in("manager").get(f"/admin/learning/lineage/{learned.pk}/").content.decode()


@pytest.mark.parametrize("more", [{"input_template": "no place"}, {"nearest_examples": "four"}])
def test_the_lineage_tells_of_a_config_that_cannot_be_read_any_more(
    sign_in: Any, learned: AgentConfig, more: dict[str, str]
) -> None:
    learned.content |= more
    learned.save(update_fields=["content"])
    assert "shown to the model" in sign_in("manager").get(f"/admin/learning/lineage/{learned.pk}/").content.decode()


def test_what_users_and_reviewers_said_is_for_managers(sign_in: Any, learned: AgentConfig) -> None:
    page = sign_in("expert").get(f"/admin/learning/lineage/{learned.pk}/").content.decode()
    assert "First run" in page and "shown to managers" in page
    assert "hard to say" not in page


def test_the_sealed_examples_do_not_appear_in_the_lineage(sign_in: Any, learned: AgentConfig) -> None:
    page = sign_in("manager").get(f"/admin/learning/lineage/{learned.pk}/").content.decode()
    assert learned.training_run is not None
    sealed = learned.training_run.dataset_version.items.filter(split="test")
    assert sealed
    assert not [item for item in sealed if f">{item.input_text}<" in page]


def test_a_config_that_a_person_wrote_says_so(sign_in: Any, scope: Organization) -> None:
    config = factories.make_config(factories.make_agent())
    assert b"no training run made it" in sign_in("member").get(f"/admin/learning/lineage/{config.pk}/").content


def test_the_widget_demo_shows_real_outputs(sign_in: Any, api: APIClient) -> None:
    body = {"agent_id": "shop", "execution_id": "e1", "input": "Where is it?", "output": "On its way."}
    assert api.post("/api/learning/executions", body, format="json").status_code == 201
    assert b"On its way." in sign_in("member").get("/demo/").content
