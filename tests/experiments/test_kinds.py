"""A/A experiments and bandits."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from experiments import tasks
from experiments.models import Analysis, Experiment, Exposure, MetricResult, WeightsUpdate
from experiments.services.analysis import analyse_experiment
from experiments.services.assignment import config_for_user
from experiments.services.bandits import move_shares, shares_at, update_weights, whole_buckets
from experiments.services.deployments import deploy_config
from experiments.services.lifecycle import complete_experiment, start_experiment, stop_experiment
from experiments.services.standing import aa_record, create_aa, renew_if_full
from experiments.services.winner import deploy_winner
from learning.models import Agent, AgentConfig
from organizations.errors import Conflict, Refused
from organizations.transitions import move
from tests import factories
from tests.clients_in_process import outside_scope
from tests.experiments.audience import rate, report
from tests.experiments.forms import form_of


@pytest.fixture
def aa(agent: Agent) -> Experiment:
    draft = create_aa(agent=agent, planned_units=60, minimum_units=60, minimum_hours=0)
    return start_experiment(experiment=draft)


def test_an_aa_serves_nothing_and_runs_beside_what_decides(
    agent: Agent, aa: Experiment, experiment: Experiment
) -> None:
    served = config_for_user(agent=agent, user_id="user-1")
    assert served.experiment == experiment
    stop_experiment(experiment=experiment)
    assert config_for_user(agent=agent, user_id="user-1").experiment is None


def test_an_aa_keeps_no_deployment_from_anybody(agent: Agent, candidate: AgentConfig, aa: Experiment) -> None:
    deploy_config(agent=agent, config=candidate, share=10)
    aa.refresh_from_db()
    assert aa.status == "running"
    with pytest.raises(Conflict, match="nothing to deploy"):
        deploy_winner(experiment=aa)


def test_an_aa_deals_all_units_whatever_they_were_served_and_the_next_follows(
    agent: Agent, aa: Experiment, experiment: Experiment
) -> None:
    rows: list[dict[str, Any]] = [{"user_id": f"u{n}"} for n in range(30)]
    rows += [{"user_id": f"v{n}", "variant": "treatment"} for n in range(30)]
    for execution in report(agent, rows):
        rate(execution)
    analysis = analyse_experiment(experiment=aa)
    assert (analysis.total_units, analysis.crossed_units, analysis.verdict) == (60, 0, "inconclusive")
    assert min(analysis.counted.values()) > 15
    assert aa_record().rate is None
    following = renew_if_full(experiment=aa, analysis=analysis)
    assert following is not None
    assert (following.status, following.kind, following.salt == aa.salt) == ("running", "aa", False)
    assert (aa_record().finished, aa_record().false_positives) == (1, 0)


def test_an_aa_that_cannot_be_renewed_keeps_no_other_from_its_look(
    agent: Agent, aa: Experiment, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise Conflict("Somebody was quicker.")

    monkeypatch.setattr(tasks, "renew_if_full", refuse)
    with outside_scope():
        assert tasks.analyse_running_experiments() == 2
    assert Analysis.objects.filter(experiment=experiment).count() == 1


@pytest.mark.parametrize("replaced", [True, False])
def test_an_aa_whose_config_was_retired_ends_by_its_plan_and_the_next_has_what_serves(
    agent: Agent, candidate: AgentConfig, aa: Experiment, replaced: bool
) -> None:
    before = agent.serving_config
    if replaced:
        deploy_config(agent=agent, config=candidate)
    move(before, "retired")
    report(agent, [{"user_id": f"u{n}"} for n in range(60)])
    with outside_scope():
        tasks.analyse_running_experiments()
    aa.refresh_from_db()
    following = Experiment.objects.exclude(pk=aa.pk).get()
    assert (aa.status, following.status, following.kind) == ("completed", "running", "aa")
    arms = {arm.config for arm in following.variants.select_related("config")}
    assert arms == {candidate if replaced else before}


def test_a_draft_of_an_aa_starts_also_when_its_config_was_retired(agent: Agent) -> None:
    draft = create_aa(agent=agent)
    move(agent.serving_config, "retired")
    assert start_experiment(experiment=draft).status == "running"


def test_an_aa_of_an_agent_that_serves_nothing_is_told_what_to_do(api: Any, sign_in: Any, agent: Agent) -> None:
    bare = factories.make_agent()
    body = {"agent_id": bare.external_id, "name": "Always", "kind": "aa"}
    answer = api.post("/api/learning/experiments", body, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "agent_id")
    assert "Tell what the agent does today, on its page under Agents" in answer.json()["detail"]
    with pytest.raises(Refused, match="page under Agents"):
        create_aa(agent=bare)
    form = form_of(None, kind="aa", agent=str(bare.pk))
    shown = sign_in("admin").post("/admin/learning/experiments/new/", form).content.decode()
    assert "Nothing serves this agent yet. Tell what it does today, on its page under Agents." in shown


def test_the_dashboard_says_how_often_an_aa_called_a_difference(sign_in: Any, agent: Agent, aa: Experiment) -> None:
    assert b"aa-record" not in sign_in("member").get("/admin/learning/").content
    complete_experiment(experiment=aa)
    assert b"0 of 1 A/A runs called a difference" in sign_in("member").get("/admin/learning/").content


def test_one_aa_at_a_time_looks_at_an_agent(agent: Agent, aa: Experiment) -> None:
    with pytest.raises(Conflict):
        start_experiment(experiment=create_aa(agent=agent))


def test_an_aa_over_http_needs_no_configs(api: Any, agent: Agent, candidate: AgentConfig) -> None:
    body = {"agent_id": agent.external_id, "name": "Always", "kind": "aa"}
    made = api.post("/api/learning/experiments", body, format="json")
    assert (made.status_code, made.json()["kind"]) == (201, "aa")
    assert len({arm["config_id"] for arm in made.json()["variants"]}) == 1
    different = [
        {"key": "control", "config_id": str(agent.serving_config_id), "percentage": 50},
        {"key": "treatment", "config_id": str(candidate.pk), "percentage": 50},
    ]
    assert api.post("/api/learning/experiments", body | {"variants": different}, format="json").status_code == 400


def test_an_aa_over_http_has_no_config_but_the_one_that_serves(api: Any, agent: Agent, candidate: AgentConfig) -> None:
    def post(**more: Any) -> tuple[int, str]:
        body = {"agent_id": agent.external_id, "name": "Always", "kind": "aa"}
        answer = api.post("/api/learning/experiments", body | more, format="json")
        return answer.status_code, answer.json().get("errors", [{"field": ""}])[0]["field"]

    def variants(config: AgentConfig) -> list[dict[str, Any]]:
        return [{"key": key, "config_id": str(config.pk), "percentage": 50} for key in ("control", "treatment")]

    for config in (candidate, factories.make_config(agent, status="draft")):
        assert post(variants=variants(config)) == (400, "variants")
    for field in ("candidate_config_id", "control_config_id"):
        assert post(**{field: str(candidate.pk)}) == (400, field)
    assert post(variants=variants(agent.serving_config)) == (201, "")


@pytest.fixture
def bandit(draft: Any) -> Experiment:
    return start_experiment(experiment=draft(kind="bandit"))


def test_nobody_changes_arms_when_the_shares_of_a_bandit_move(agent: Agent, bandit: Experiment) -> None:
    users = [f"u{n}" for n in range(20)]
    before = {user: config_for_user(agent=agent, user_id=user) for user in users}
    update_weights(experiment=bandit, shares={"control": 0.01, "treatment": 0.99})
    after = {user: config_for_user(agent=agent, user_id=user) for user in users}
    assert {user: (one.variant, one.propensity) for user, one in before.items()} == {
        user: (one.variant, one.propensity) for user, one in after.items()
    }
    later = [config_for_user(agent=agent, user_id=f"v{n}") for n in range(30)]
    assert Counter(one.variant for one in later)["treatment"] > 22
    assert {one.propensity for one in later} <= {0.05, 0.95}
    assert set(Exposure.objects.values_list("revision", flat=True)) == {0, 1}
    assert shares_at(bandit, 0) == {"control": 0.5, "treatment": 0.5}
    assert shares_at(bandit, 1) == {"control": 0.05, "treatment": 0.95}


def test_after_a_look_the_better_arm_of_a_bandit_gets_more(agent: Agent, bandit: Experiment) -> None:
    analysis = analyse_experiment(experiment=bandit)
    assert move_shares(experiment=bandit, analysis=analysis) is None, "nobody has been there"
    arms = {variant.key: variant for variant in bandit.variants.all()}
    told = Analysis.objects.create(experiment=bandit, number=99)
    MetricResult.objects.create(
        analysis=told, variant=arms["treatment"], metric="net_satisfaction", role="success", control_n=100,
        control_mean=0.1, control_m2=80, treatment_n=100, treatment_mean=0.6, treatment_m2=80,
    )  # fmt: skip
    update = move_shares(experiment=bandit, analysis=told)
    assert update is not None
    assert update.buckets["treatment"] > 9000
    assert (sum(update.buckets.values()), min(update.buckets.values()) >= 500) == (10_000, True)


def test_who_only_looks_at_a_bandit_is_not_assigned(agent: Agent, bandit: Experiment) -> None:
    config_for_user(agent=agent, user_id="u", looks_only=True)
    assert not Exposure.objects.exists()


def test_the_shares_of_a_bandit_keep_their_floor_and_sum_to_all() -> None:
    assert whole_buckets({"a": 1, "b": 0}) == {"a": 9500, "b": 500}
    assert whole_buckets({"a": 0.05, "b": 0.61234, "c": 0.33766}) == {"a": 500, "b": 6123, "c": 3377}
    for shares in ({"a": 1, "b": 1, "c": 1}, {"a": 0.2, "b": 0.7, "c": 0.1}, {"a": 3, "b": 0, "c": 1e-9}):
        buckets = whole_buckets(shares)
        assert (sum(buckets.values()), min(buckets.values()) >= 500) == (10_000, True)
    with pytest.raises(Refused):
        whole_buckets({"a": 0, "b": 0})


def test_the_same_shares_are_no_new_revision(bandit: Experiment) -> None:
    assert update_weights(experiment=bandit, shares={"control": 1, "treatment": 1}) is None
    assert not WeightsUpdate.objects.exists()
    with pytest.raises(Refused, match="each variant"):
        update_weights(experiment=bandit, shares={"control": 1})


def test_the_shares_of_any_other_experiment_are_frozen(experiment: Experiment) -> None:
    with pytest.raises(Conflict, match="bandit"):
        update_weights(experiment=experiment, shares={"control": 1, "treatment": 2})
    with pytest.raises(IntegrityError, match="bandit"), transaction.atomic():
        Experiment.objects.filter(pk=experiment.pk).update(weights={"revision": 1})


@pytest.mark.parametrize(
    "change", [{"kind": "bandit"}, {"unit": "session"}, {"layer_buckets": 10}, {"layer_start": 0}], ids=str
)
def test_kind_unit_and_layer_are_frozen_by_the_start(experiment: Experiment, change: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        Experiment.objects.filter(pk=experiment.pk).update(**change)


def test_a_bandit_takes_no_exposures_from_clients(api: Any, bandit: Experiment) -> None:
    item = {"experiment_id": str(bandit.pk), "unit_id": "u", "variant": "control"}
    (result,) = api.post("/api/learning/exposures/batch", {"items": [item]}, format="json").json()["results"]
    assert (result["status"], "on the server" in result["errors"][0]["message"]) == (409, True)


def test_the_sweep_looks_at_every_kind(aa: Experiment, bandit: Experiment) -> None:
    assert set(tasks.due_experiments()) == {aa.pk, bandit.pk}
