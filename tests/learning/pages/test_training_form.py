"""The form of a training run: what it offers, what it tells before the start, and what it refuses where."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from learning.models import Agent, DatasetVersion, TrainingRun
from learning.services.config_choice import MOST_LISTED
from learning.services.datasets import create_dataset
from organizations.models import Organization
from tests import factories

NEW = "/admin/learning/training/new/"
ESTIMATE = "/admin/learning/training/estimate"
FORM = {"max_calls": 200, "metric": "exact", "goals": ["accuracy"], "rewrites": 0, "seed": 7}


def text(response: Any) -> str:
    assert response.status_code == 200
    return response.content.decode()


def options(page: str) -> dict[str, str]:
    """The versions of the list: key -> what else stands in the tag."""
    (chosen,) = re.findall(r'<select name="version".*?</select>', page, re.S)
    return dict(re.findall(r'<option value="([^"]+)"([^>]*)>', chosen))


def make_versions(agent: Agent, count: int) -> list[DatasetVersion]:
    """Published long ago, large enough for a run."""
    dataset = create_dataset(name=f"Many of {agent.name}", agent=agent)
    return [
        DatasetVersion.objects.create(
            dataset=dataset, number=number, manifest_hash=f"{number:064d}", total=120, train_count=48,
            validation_count=36, test_count=36,
        )
        for number in range(1, count + 1)
    ]  # fmt: skip


def test_the_form_can_be_sent_as_it_is_shown(sign_in: Any, version: DatasetVersion) -> None:
    client = sign_in("admin")
    page = text(client.get(NEW))
    assert options(page) == {str(version.pk): " selected"}
    assert "at most 340" in page and "of Critic" in page
    given = dict(re.findall(r'<input type="number" name="(\w+)" value="(\d+)"', page))
    sent = given | {"version": str(version.pk), "metric": "exact", "goals": ["accuracy"]}
    text(client.post(NEW, sent, follow=True))
    run = TrainingRun.objects.get()
    assert run.config == {"max_calls": 340, "metric": "exact", "goals": ["accuracy"], "rewrites": 0}
    assert run.estimate["calls"] == 340


def test_the_list_is_bounded_and_costs_the_same_however_many_versions_there_are(sign_in: Any, agent: Agent) -> None:
    client = sign_in("admin")
    make_versions(agent, 3)
    counts = []
    for more in (0, 40):
        other = factories.make_agent()
        factories.make_config(other)
        make_versions(other, more)
        client.get(NEW)
        with CaptureQueriesContext(connection) as queries:
            page = text(client.get(NEW))
        counts.append(len(queries))
    assert len(options(page)) == 25
    assert counts[0] == counts[1]


def test_a_version_beyond_the_list_is_found_by_name_and_by_address(sign_in: Any, agent: Agent) -> None:
    (old,) = make_versions(agent, 1)
    make_versions(factories.make_agent(name="Loud"), 30)
    client = sign_in("admin")
    assert str(old.pk) not in options(text(client.get(NEW)))
    for query in ({"find": "many of CRITIC"}, {"find": "critic"}, {"agent": str(agent.pk)}):
        assert list(options(text(client.get(NEW, query)))) == [str(old.pk)], query
    assert options(text(client.get(NEW, {"version": str(old.pk)})))[str(old.pk)] == " selected"
    assert "No dataset and no agent with such a name" in text(client.get(NEW, {"find": "nobody %_\x00"}))


def test_the_agents_page_leads_to_its_optimization(sign_in: Any, agent: Agent, version: DatasetVersion) -> None:
    make_versions(factories.make_agent(name="Other"), 1)
    client = sign_in("admin")
    page = text(client.get(f"/admin/learning/agents/{agent.pk}/"))
    (address,) = re.findall(r'href="([^"]+)" data-testid="optimize-prompt"', page)
    form = text(client.get(address))
    assert "Optimize the prompt of Critic" in form
    assert list(options(form)) == [str(version.pk)]
    assert "optimize-prompt" not in text(sign_in("manager").get(f"/admin/learning/agents/{agent.pk}/"))


def test_an_agent_without_a_version_is_told_what_to_do_first(sign_in: Any, version: DatasetVersion) -> None:
    fresh = factories.make_agent(name="Fresh")
    page = text(sign_in("admin").get(NEW, {"agent": str(fresh.pk)}))
    assert "Fresh has no published dataset version yet" in page
    assert 'type="submit" disabled' in page


def test_an_agent_without_a_config_hears_of_it_before_the_start(sign_in: Any, scope: Organization) -> None:
    bare = factories.make_agent(name="Bare")
    make_versions(bare, 1)
    assert "This agent has no config yet" in text(sign_in("admin").get(NEW))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, "at most 200"),
        ({"max_calls": 90}, "at most 90"),
        ({"max_tokens": 5}, "5 tokens are probably used up before the calls are."),
        ({"max_calls": 3}, "Most calls: Ensure this value is greater than or equal to 80."),
        ({"max_calls": 80, "rewrites": 5}, "from 85 to 100,000"),
        ({"metric": "json_schema"}, "needs this: The JSON schema"),
        ({"metric": "judge", "max_calls": 400}, "20 answers which experts have scored"),
        ({"max_money": "-1"}, "above 0"),
        ({"version": ""}, "Dataset version: This field is required."),
    ],
)
def test_the_estimate_tells_what_the_form_would_do(
    sign_in: Any, version: DatasetVersion, change: dict[str, Any], told: str
) -> None:
    page = text(sign_in("admin").post(ESTIMATE, FORM | {"version": str(version.pk)} | change))
    assert told in page.replace("&#x27;", "'")
    assert "<html" not in page
    assert not TrainingRun.objects.exists()


def test_only_administrators_get_estimates_and_nobody_by_a_link(
    sign_in: Any, version: DatasetVersion, other_organization: Organization
) -> None:
    wish = FORM | {"version": str(version.pk)}
    assert sign_in("manager").post(ESTIMATE, wish).status_code == 403
    assert sign_in("admin").get(ESTIMATE).status_code == 405
    stranger = text(sign_in("admin", inside=other_organization).post(ESTIMATE, wish))
    assert "Select a valid choice" in stranger


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"metric": "json_schema", "json_schema_schema": "{"}, "json_schema_schema"),
        ({"metric": "json_schema", "json_schema_schema": '{"type": 7}'}, "json_schema_schema"),
        ({"metric": "judge", "max_calls": 400}, "metric"),
        ({"max_money": "0.0000001"}, "max_money"),
        ({"max_seconds": 1}, "max_seconds"),
        ({"concurrency": 1000}, "concurrency"),
        ({"strategies": ["magic"]}, "strategies"),
    ],
)
def test_what_is_refused_stands_at_its_field(
    sign_in: Any, version: DatasetVersion, change: dict[str, Any], field: str
) -> None:
    page = text(sign_in("admin").post(NEW, FORM | {"version": str(version.pk)} | change))
    assert f'id="id_{field}_error"' in page
    assert not TrainingRun.objects.exists()


def test_what_was_typed_for_another_metric_is_not_looked_at(sign_in: Any, version: DatasetVersion) -> None:
    wish = FORM | {"version": str(version.pk), "metric": "exact", "json_schema_schema": "{"}
    sign_in("admin").post(NEW, wish)
    assert "metric_options" not in TrainingRun.objects.get().config


def test_what_was_told_to_a_metric_reaches_the_run(sign_in: Any, version: DatasetVersion) -> None:
    wish = {"metric": "json_schema", "json_schema_schema": '{"type": "object"}', "judge_rubric": "Never sent."}
    sign_in("admin").post(
        NEW, FORM | {"version": str(version.pk), "max_money": "0.5", "strategies": ["few_shot"]} | wish
    )
    config = TrainingRun.objects.get().config
    assert config["metric_options"] == {"schema": {"type": "object"}}
    assert (config["max_money"], config["strategies"]) == (0.5, ["few_shot"])


def configs(page: str) -> list[tuple[str, str]]:
    """The configs of the list: key and label, the chosen one's key with a star."""
    (chosen,) = re.findall(r'<select name="base_config".*?</select>', page, re.S)
    found = re.findall(r'<option value="([^"]*)"( selected)?>([^<]*)<', chosen)
    return [(f"*{key}" if selected else key, label) for key, selected, label in found]


def test_the_approved_configs_are_offered_and_the_one_that_serves_is_chosen(
    sign_in: Any, agent: Agent, version: DatasetVersion
) -> None:
    old = agent.configs.get()
    serving, newest = factories.make_config(agent), factories.make_config(agent)
    factories.make_config(agent, "draft")
    factories.make_config(factories.make_agent())
    agent.serving_config = serving
    agent.save()
    client = sign_in("admin")
    offered = configs(text(client.get(NEW)))
    assert [key for key, _ in offered] == [str(newest.pk), "*", str(old.pk)]
    for (_, label), config in zip(offered, (newest, serving, old), strict=True):
        assert label.startswith(f"Config {config.number} of ")
        assert ("(serves now)" in label) == (config == serving)
    client.post(NEW, FORM | {"version": str(version.pk)})
    assert TrainingRun.objects.get().base_config == serving


def test_a_run_begins_with_the_config_that_was_chosen_and_so_does_its_repetition(
    sign_in: Any, agent: Agent, version: DatasetVersion
) -> None:
    chosen, serving = agent.configs.get(), factories.make_config(agent)
    agent.serving_config = serving
    agent.save()
    client = sign_in("admin")
    wish = FORM | {"version": str(version.pk), "base_config": str(chosen.pk)}
    assert f"config {chosen.number} of Critic" in text(client.post(ESTIMATE, wish))
    client.post(NEW, wish)
    run = TrainingRun.objects.get()
    assert run.base_config == chosen
    client.post(f"/admin/learning/training/{run.pk}/cancel")
    client.post(f"/admin/learning/training/{run.pk}/again")
    assert TrainingRun.objects.get(rerun_of=run).base_config == chosen


def test_a_config_of_another_agent_and_one_that_nobody_approved_are_refused_at_their_field(
    sign_in: Any, agent: Agent, version: DatasetVersion
) -> None:
    client, wish = sign_in("admin"), FORM | {"version": str(version.pk)}
    for config in (factories.make_config(factories.make_agent()), factories.make_config(agent, "draft")):
        page = text(client.post(NEW, wish | {"base_config": str(config.pk)}))
        assert 'id="id_base_config_error"' in page
        assert [key for key, _ in configs(page)] == ["*"], "the agent's own are offered, and the default is chosen"
        assert "Start from: " in text(client.post(ESTIMATE, wish | {"base_config": str(config.pk)}))
    assert not TrainingRun.objects.exists()


def test_the_list_of_configs_is_bounded_and_holds_the_serving_and_the_chosen_one(
    sign_in: Any, agent: Agent, version: DatasetVersion
) -> None:
    serving, chosen = agent.configs.get(), factories.make_config(agent)
    agent.serving_config = serving
    agent.save()
    for _ in range(MOST_LISTED):
        factories.make_config(agent)
    client, wish = sign_in("admin"), FORM | {"version": str(version.pk)}
    assert [key for key, _ in configs(text(client.get(NEW)))][MOST_LISTED:] == ["*"]
    page = text(client.post(NEW, wish | {"base_config": str(chosen.pk), "max_calls": 1}))
    assert [key for key, _ in configs(page)][MOST_LISTED:] == [f"*{chosen.pk}", ""]
