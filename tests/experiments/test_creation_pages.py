"""The form of an experiment, with what its plan can see, and the change of a draft."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.models import Experiment
from experiments.services.deployments import deploy_config
from experiments.services.layers import create_layer
from experiments.services.lifecycle import start_experiment
from experiments.services.reported import create_metric
from learning.models import Agent, AgentConfig
from tests import factories
from tests.experiments.audience import report
from tests.experiments.forms import form_of

NEW = "/admin/learning/experiments/new/"
PLAN = "/admin/learning/experiments/plan/"


def send(browser: Any, form: dict[str, str], address: str = NEW) -> str:
    """What the page says; empty when it was done."""
    answer = browser.post(address, form)
    assert answer.status_code in (200, 302)
    return str(answer.content.decode())


def test_a_draft_is_what_the_form_says(sign_in: Any, agent: Agent, candidate: AgentConfig) -> None:
    layer = create_layer(name="Tone", holdout=10)
    create_metric(name="solved", label="solved", shape="binary")
    form = form_of(
        candidate, unit="session", kind="bandit", layer=str(layer.pk), layer_percentage="45", traffic="80",
        share="30", planned_units="2500", alpha="0.01", **{"solved-role": "success", "solved-hours": "24"},
        **{"latency-role": "guardrail", "latency-margin": "250", "latency-high": "30000"},
    )  # fmt: skip
    assert send(sign_in("admin"), form) == ""
    made = Experiment.objects.get()
    assert (made.kind, made.unit, made.layer, made.layer_share, made.share) == ("bandit", "session", layer, 45, 80)
    assert (made.planned_units, made.alpha) == (2500, 0.01)
    assert [(row.key, row.share) for row in made.variants.order_by("position")] == [("control", 70), ("treatment", 30)]
    metrics = {item["name"]: item for item in made.metrics}
    assert set(metrics) == {"net_satisfaction", "solved", "error_rate", "latency"}
    assert metrics["error_rate"]["margin"] == 0.05
    assert (metrics["latency"]["margin"], metrics["latency"]["winsorise"]) == (250, [None, 30000])
    assert metrics["solved"]["maturity_hours"] == 24
    assert metrics["solved"]["definition"]["shape"] == "binary"


def test_several_candidates_get_equal_parts_unless_told(sign_in: Any, agent: Agent, candidate: AgentConfig) -> None:
    second = factories.make_config(agent)
    assert send(sign_in("admin"), form_of(candidate, config_2=str(second.pk))) == ""
    found = {row.key: row.share for row in Experiment.objects.get().variants.all()}
    assert found == {"control": 33.34, f"config-{candidate.number}": 33.33, f"config-{second.number}": 33.33}


def test_an_aa_check_asks_for_an_agent_alone(sign_in: Any, agent: Agent) -> None:
    browser = sign_in("admin")
    assert "Choose the agent" in send(browser, form_of(None, kind="aa"))
    assert send(browser, form_of(None, kind="aa", agent=str(agent.pk), name="")) == ""
    made = Experiment.objects.get()
    assert (made.kind, made.name) == ("aa", f"A/A of {agent.name}")
    assert {row.config_id for row in made.variants.all()} == {agent.serving_config_id}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"config": ""}, "Choose what is compared with what serves now."),
        ({"name": ""}, "This field is required."),
        ({"net_satisfaction-role": ""}, "Choose at least one metric that must get better."),
        ({"error_rate-margin": ""}, "Say by how much it may get worse."),
        ({"error_rate-margin": "-1"}, "greater than or equal to 0"),
        ({"latency-role": "success", "latency-low": "9", "latency-high": "9"}, "lower limit lies below"),
        ({"minimum_units": "9" * 12}, "less than or equal to 100000000"),
        ({"share": "100"}, "less than or equal to 99.99"),
        ({"traffic": "0.001"}, "greater than or equal to 0.01"),
        ({"traffic": "33.333"}, "in steps of 0.01"),
        ({"layer": "00000000-0000-0000-0000-000000000000"}, "Select a valid choice"),
        ({"unit": "planet"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    sign_in: Any, candidate: AgentConfig, change: dict[str, str], words: str
) -> None:
    assert words in send(sign_in("admin"), form_of(candidate) | change)
    assert not Experiment.objects.exists()


def test_candidates_share_an_agent_and_leave_something_for_control(
    sign_in: Any, agent: Agent, candidate: AgentConfig
) -> None:
    browser, second = sign_in("admin"), factories.make_config(agent)
    other = factories.make_agent()
    deploy_config(agent=other, config=factories.make_config(other))
    stranger = factories.make_config(other)
    both = {"config_2": str(second.pk)}
    assert "All candidates belong to one agent" in send(browser, form_of(candidate, config_2=str(stranger.pk)))
    assert "or to none" in send(browser, form_of(candidate, **both, share="20"))
    assert "Leave a part for control" in send(browser, form_of(candidate, **both, share="50", share_2="50"))
    assert "Each candidate is another config" in send(browser, form_of(candidate, config_2=str(candidate.pk)))
    assert not Experiment.objects.exists()


def test_what_is_typed_for_a_metric_that_is_not_measured_does_not_matter(sign_in: Any, candidate: AgentConfig) -> None:
    assert send(sign_in("admin"), form_of(candidate, **{"latency-margin": "many", "latency-low": "x"})) == ""
    assert [item["name"] for item in Experiment.objects.get().metrics] == ["net_satisfaction", "error_rate"]


def test_long_tails_are_cut_where_the_past_says_and_rare_rates_are_judged_exactly(
    sign_in: Any, agent: Agent, candidate: AgentConfig
) -> None:
    browser = sign_in("admin")
    form = form_of(candidate, **{"latency-role": "success", "latency-tail": "10", "error_rate-exact": "on"})
    assert "No limit can be found for latency" in send(browser, form)
    report(agent, [{"user_id": f"user-{number}", "duration_ms": number} for number in range(1, 101)])
    assert "Give either limits, or the part to cut." in send(browser, form | {"latency-high": "9"})
    assert send(browser, form) == ""
    metrics = {item["name"]: item for item in Experiment.objects.get().metrics}
    assert 85 <= metrics["latency"]["winsorise"][1] <= 95 and metrics["error_rate"]["exact"]


def test_a_metric_of_ones_own_is_planned_too(sign_in: Any, candidate: AgentConfig) -> None:
    create_metric(name="solved", label="ticket solved", shape="binary")
    form = form_of(candidate, **{"net_satisfaction-role": "", "solved-role": "success"})
    assert "Ticket solved. At most" in send(sign_in("admin"), form, PLAN)


def test_the_plan_follows_the_form_before_there_is_a_draft(sign_in: Any, candidate: AgentConfig) -> None:
    browser = sign_in("admin")
    told = send(browser, form_of(candidate, name="", unit="session", planned_units="6000"), PLAN)
    assert "12,559" in told and "Planned for 6,000 sessions" in told and 'class="chart"' in told
    assert "Choose what is compared" in send(browser, form_of(None), PLAN)
    assert not Experiment.objects.exists()


def test_the_button_plan_needs_no_script(sign_in: Any, candidate: AgentConfig) -> None:
    shown = send(sign_in("admin"), form_of(candidate, name="", traffic="12.5", plan="1"))
    assert "12,559" in shown and 'value="12.5"' in shown and 'class="error"' not in shown
    assert not Experiment.objects.exists()


def test_the_plan_of_a_draft_is_changed(sign_in: Any, draft: Any) -> None:
    made = draft(metrics=[{"name": "rating", "role": "success"}, {"name": "cost", "role": "guardrail", "margin": 0.2}])
    address = f"/admin/learning/experiments/{made.pk}/change/"
    browser = sign_in("admin")
    shown = browser.get(address).content.decode()
    assert 'value="0.2"' in shown and made.name in shown
    form = form_of(None, name="Better name", unit="execution", minimum_units="150", planned_units="")
    assert browser.post(address, form).status_code == 302
    made.refresh_from_db()
    assert (made.name, made.unit, made.minimum_units, made.planned_units) == ("Better name", "execution", 150, 200)
    assert [item["name"] for item in made.metrics] == ["net_satisfaction", "error_rate"]


def test_the_plan_of_a_started_experiment_stays(sign_in: Any, draft: Any) -> None:
    started = start_experiment(experiment=draft())
    browser, address = sign_in("admin"), f"/admin/learning/experiments/{started.pk}/"
    assert browser.get(f"{address}change/")["Location"] == address
    shown = browser.post(f"{address}change/", form_of(None, name="Late"), follow=True)
    assert "is frozen" in shown.content.decode()
    started.refresh_from_db()
    assert started.name != "Late"


def test_a_config_that_is_older_than_the_list_can_be_asked_for(
    sign_in: Any, agent: Agent, candidate: AgentConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.make_config(agent)
    monkeypatch.setattr("experiments.pages.experiment_form.MOST_LISTED", 1)
    browser = sign_in("admin")
    assert f'value="{candidate.pk}"' not in browser.get(NEW).content.decode()
    assert f'value="{candidate.pk}" selected' in browser.get(f"{NEW}?config={candidate.pk}").content.decode()
    assert send(browser, form_of(candidate)) == ""
