"""The pages of experiments and deployments."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from experiments.metrics import CATALOGUE
from experiments.models import Deployment, Experiment
from experiments.services.analysis import analyse_experiment
from experiments.services.deployments import deploy_config
from experiments.services.lifecycle import complete_experiment, start_experiment
from experiments.services.standing import create_aa
from learning.models import Agent, AgentConfig
from organizations.models import Organization, User
from tests import factories
from tests.experiments.audience import report, run_users
from tests.experiments.forms import form_of

BASE = "/admin/learning"


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_from_the_form_to_the_deployed_winner(sign_in: Any, agent: Agent, candidate: AgentConfig) -> None:
    browser = sign_in("admin")
    assert f"config {candidate.number}" in text(browser.get(f"{BASE}/experiments/new/?config={candidate.pk}"))
    made = browser.post(f"{BASE}/experiments/new/", form_of(candidate, minimum_units="100", minimum_hours="0"))
    assert made.status_code == 302, made.content.decode()
    experiment = Experiment.objects.get()
    address = f"{BASE}/experiments/{experiment.pk}/"
    assert (made.status_code, made["Location"], experiment.created_by) == (302, address, browser.user)
    draft = text(browser.get(address))
    assert "Not started" in draft and "5.0 points" in draft and "12,559" in draft
    assert "users are assigned" in text(browser.post(f"{address}start", follow=True))
    experiment.refresh_from_db()
    for wave in range(3):
        run_users(experiment, 130, {"control": 0.3, "treatment": 0.9}, before=f"wave{wave}", seed=wave)
        browser.post(f"{address}look")
    shown = text(browser.get(address))
    assert "Treatment wins: net satisfaction is" in shown
    assert 'class="chart-band"' in shown and "As promised" in shown
    assert 'data-testid="deploy-winner"' in shown
    deployed = text(browser.post(f"{address}deploy", follow=True))
    assert "The winner serves everybody" in deployed
    assert 'data-testid="deploy-winner"' not in deployed
    agent.refresh_from_db()
    assert agent.serving_config == candidate
    listed = text(browser.get(f"{BASE}/experiments/"))
    assert "Trial" in listed and "Treatment wins" in listed


def test_pause_resume_and_stop_are_buttons(sign_in: Any, experiment: Experiment) -> None:
    browser = sign_in("admin")
    address = f"{BASE}/experiments/{experiment.pk}/"
    for step, status in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        assert browser.post(f"{address}{step}").status_code == 302
        experiment.refresh_from_db()
        assert experiment.status == status
    assert "it cannot become" in text(browser.post(f"{address}start", follow=True))
    assert browser.post(f"{address}explode").status_code == 404


def test_a_refused_step_is_said_on_the_page(sign_in: Any, experiment: Experiment) -> None:
    shown = text(sign_in("admin").post(f"{BASE}/experiments/{experiment.pk}/deploy", follow=True))
    assert "No treatment has won" in shown
    experiment.refresh_from_db()
    assert experiment.status == "running"


def test_what_is_missing_is_listed(sign_in: Any, experiment: Experiment) -> None:
    run_users(experiment, 40, {"control": 0.5, "treatment": 0.5})
    analyse_experiment(experiment=experiment)
    shown = text(sign_in("member").get(f"{BASE}/experiments/{experiment.pk}/"))
    assert "60 more users" in shown and "Still missing" in shown
    assert "pause-experiment" not in shown


def test_a_rollback_is_one_click(sign_in: Any, agent: Agent, candidate: AgentConfig) -> None:
    before = agent.serving_config
    deployment = deploy_config(agent=agent, config=candidate)
    browser = sign_in("admin")
    assert text(browser.get(f"{BASE}/deployments/")).count('data-testid="rollback"') == 1
    shown = text(browser.post(f"{BASE}/deployments/{deployment.pk}/rollback", follow=True))
    assert "no longer serves" in shown and "Rolled back" in shown and "Serves again" in shown
    agent.refresh_from_db()
    assert agent.serving_config == before
    assert "cannot become" in text(browser.post(f"{BASE}/deployments/{deployment.pk}/rollback", follow=True))


def test_a_share_is_deployed_and_widened(sign_in: Any, agent: Agent, candidate: AgentConfig) -> None:
    browser = sign_in("admin")
    browser.post(f"{BASE}/deployments/new/", {"config": str(candidate.pk), "share": "20"})
    deployment = Deployment.objects.get(status="ramping")
    listed = text(browser.get(f"{BASE}/deployments/"))
    assert ">20 %<" in listed and ">80 %<" in listed and ">100 %<" not in listed
    assert "Serves everybody else" in listed
    assert ">80 %<" in text(browser.get(f"{BASE}/"))
    assert "must be a number" in text(
        browser.post(f"{BASE}/deployments/{deployment.pk}/promote", {"share": "many"}, follow=True)
    )
    browser.post(f"{BASE}/deployments/{deployment.pk}/promote", {"share": "100"})
    deployment.refresh_from_db()
    assert deployment.status == "serving"


@pytest.mark.parametrize("role", ["member", "expert", "manager"])
def test_only_administrators_change_anything(sign_in: Any, experiment: Experiment, role: str) -> None:
    browser = sign_in(role)
    deployment = Deployment.objects.get()
    for path in ("experiments/new/", "deployments/new/"):
        assert browser.get(f"{BASE}/{path}").status_code == 403
    for path in (f"experiments/{experiment.pk}/stop", f"deployments/{deployment.pk}/rollback"):
        assert browser.post(f"{BASE}/{path}").status_code == 403


def test_a_stranger_finds_no_page(
    sign_in: Any, experiment: Experiment, other_organization: Organization, client: Any
) -> None:
    stranger = sign_in("admin", inside=other_organization)
    assert experiment.name not in text(stranger.get(f"{BASE}/experiments/"))
    assert stranger.get(f"{BASE}/experiments/{experiment.pk}/").status_code == 404
    assert stranger.post(f"{BASE}/experiments/{experiment.pk}/stop").status_code == 404
    assert stranger.post(f"{BASE}/deployments/{Deployment.objects.get().pk}/rollback").status_code == 404
    assert stranger.get(f"{BASE}/experiments/{uuid4()}/").status_code == 404
    assert client.get(f"{BASE}/experiments/").status_code == 302


def test_a_rare_guardrail_shows_its_exact_bounds(sign_in: Any, experiment: Experiment) -> None:
    run_users(experiment, 150, {"control": 0.5, "treatment": 0.5})
    analyse_experiment(experiment=experiment)
    shown = text(sign_in("member").get(f"{BASE}/experiments/{experiment.pk}/"))
    assert "Exact bounds stand where" in shown and "-0.0 points" not in shown


def test_a_verdict_stays_when_somebody_looks_after_the_end(sign_in: Any, experiment: Experiment) -> None:
    browser = sign_in("admin")
    address = f"{BASE}/experiments/{experiment.pk}/"
    browser.post(f"{address}complete")
    assert "nothing new to look at" in text(browser.post(f"{address}look", follow=True))
    assert experiment.analyses.count() == 1


def test_what_cannot_be_stored_is_left_out_of_a_reason(sign_in: Any, agent: Agent, candidate: AgentConfig) -> None:
    deployment = deploy_config(agent=agent, config=candidate)
    sign_in("admin").post(f"{BASE}/deployments/{deployment.pk}/rollback", {"reason": "wr\x00ong"})
    assert deployment.events.order_by("id").last().note == "wrong"


def test_results_of_a_metric_that_is_not_measured_any_more_are_still_shown(
    sign_in: Any, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_users(experiment, 150, {"control": 0.5, "treatment": 0.5})
    analyse_experiment(experiment=experiment)
    monkeypatch.delitem(CATALOGUE, "error_rate")
    shown = text(sign_in("member").get(f"{BASE}/experiments/{experiment.pk}/"))
    assert "Error rate" in shown and "This metric is not measured any more." in shown


def test_the_plan_says_what_it_costs_and_how_likely_it_is_to_end(sign_in: Any, agent: Agent, draft: Any) -> None:
    report(agent, [{"user_id": f"user-{number}"} for number in range(70)])
    shown = text(sign_in("member").get(f"{BASE}/experiments/{draft().pk}/"))
    assert "about 10 users a day" in shown
    assert "5 points" in shown and "are shown with a chance of" in shown


def test_a_report_is_a_file_that_needs_nothing_else(sign_in: Any, experiment: Experiment) -> None:
    run_users(experiment, 150, {"control": 0.2, "treatment": 0.8})
    analysis = analyse_experiment(experiment=experiment)
    browser = sign_in("member")
    told = browser.get(f"{BASE}/experiments/{experiment.pk}/report.json")
    assert told["Content-Disposition"].endswith('-report.json"')
    body = told.json()
    assert (body["result"]["verdict"], body["result"]["sentence"]) == (analysis.verdict, analysis.sentence)
    row = body["metrics"][0]
    assert row["fixed_horizon"]["p"] < row["always_valid_p"] < 0.05
    assert len(body["looks"]) == 2
    page = text(browser.get(f"{BASE}/experiments/{experiment.pk}/report.html"))
    assert "<style>" in page and "<svg" in page and "<link" not in page and "<script" not in page


def test_the_list_shows_those_in_one_state_or_of_one_agent(sign_in: Any, experiment: Experiment, draft: Any) -> None:
    waiting = draft(metrics=[{"name": "rating", "role": "success"}])
    Experiment.objects.filter(pk=waiting.pk).update(name="Waiting")
    browser, stranger = sign_in("member"), factories.make_agent()
    for query, there in (("", {True}), ("?show=live", {False}), ("?show=drafts", {True}), ("?show=ended", {False})):
        assert {"Waiting" in text(browser.get(f"{BASE}/experiments/{query}"))} == there, query
    assert "Waiting" in text(browser.get(f"{BASE}/experiments/?agent={experiment.agent_id}&show=drafts"))
    assert "None of these" in text(browser.get(f"{BASE}/experiments/?agent={stranger.pk}"))


def test_older_experiments_of_the_same_choice_are_one_page_further(
    sign_in: Any, experiment: Experiment, draft: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.pages.experiments.SHOWN", 1)
    older, newer = draft(), draft()
    shown = text(sign_in("member").get(f"{BASE}/experiments/?show=drafts"))
    assert str(newer.pk) in shown and f"/experiments/{older.pk}/" not in shown
    assert f"?show=drafts&amp;before={newer.pk}" in shown
    following = text(sign_in("member").get(f"{BASE}/experiments/?show=drafts&before={newer.pk}"))
    assert f"/experiments/{older.pk}/" in following and f"/experiments/{experiment.pk}/" not in following


def test_the_record_of_aa_checks_stands_under_the_list(sign_in: Any, agent: Agent) -> None:
    checked = start_experiment(experiment=create_aa(agent=agent))
    assert "aa-record" not in text(sign_in("member").get(f"{BASE}/experiments/"))
    complete_experiment(experiment=checked)
    assert "0 of 1 finished ones called a difference" in text(sign_in("member").get(f"{BASE}/experiments/"))


def test_the_tables_of_operators_lead_to_the_page_with_the_buttons(sign_in: Any, experiment: Experiment) -> None:
    browser = sign_in("admin")
    User.objects.filter(pk=browser.user.pk).update(is_staff=True)
    shown = text(browser.get(f"/admin/experiments/experiment/{experiment.pk}/change/"))
    assert f'href="{BASE}/experiments/{experiment.pk}/"' in shown
    for table in ("analysis", "layer", "custommetric", "forcedassignment", "experiment"):
        assert browser.get(f"/admin/experiments/{table}/").status_code == 200


def test_what_was_stopped_for_harm_says_what_is_served_now(sign_in: Any, experiment: Experiment) -> None:
    def failing(arm: str, rng: Any) -> dict[str, Any]:
        return {"status": "failed" if arm == "treatment" and rng.random() < 0.5 else "completed"}

    run_users(experiment, 120, {}, more=failing)
    address = f"{BASE}/experiments/{experiment.pk}/"
    shown = text(sign_in("admin").post(f"{address}look", follow=True))
    assert "It was stopped by itself: everybody gets again what serves." in shown
    assert "Stopped for harm" in shown and "worse than allowed" in shown
    assert "Stopped for harm" in text(sign_in("member").get(f"{BASE}/experiments/"))
