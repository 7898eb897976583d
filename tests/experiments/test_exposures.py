"""Exposures that clients report: each unit once, whatever is sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from experiments.models import Experiment, Exposure
from experiments.services.assignment import arm_of
from experiments.services.lifecycle import start_experiment, stop_experiment
from experiments.services.outcome_keeping import read_in
from experiments.services.testers import force_unit
from learning.models import Agent, Execution
from tests.conftest import api_with
from tests.experiments.audience import report
from tests.factories import make_config, make_key

BATCH = "/api/learning/exposures/batch"


def sent(api: Any, *items: Any) -> list[dict[str, Any]]:
    answer = api.post(BATCH, {"items": list(items)}, format="json")
    assert answer.status_code == 200, answer.json()
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def exposure(experiment: Experiment, unit: str, **values: Any) -> dict[str, Any]:
    arm = arm_of(experiment, list(experiment.variants.all()), unit) if len(unit) <= 200 else "control"
    return {"experiment_id": str(experiment.pk), "unit_id": unit, "variant": arm} | values


def test_the_first_stays_however_often_it_comes(api: Any, experiment: Experiment) -> None:
    first, same = sent(api, exposure(experiment, "u"), exposure(experiment, "u"))
    (again,) = sent(api, exposure(experiment, "u", exposed_at=timezone.now().isoformat()))
    assert first["status"] == same["status"] == again["status"] == 201
    assert first["id"] == same["id"] == again["id"] == str(Exposure.objects.get().pk)
    row = Exposure.objects.get()
    assert (row.propensity, row.crossed_at, row.variant.key) == (0.5, None, exposure(experiment, "u")["variant"])


def test_who_was_shown_a_wrong_arm_is_counted_as_seen_in_several(api: Any, experiment: Experiment) -> None:
    right = exposure(experiment, "u")["variant"]
    wrong = "control" if right == "treatment" else "treatment"
    sent(api, exposure(experiment, "u"))
    assert sent(api, exposure(experiment, "u", variant=wrong))[0]["status"] == 201
    row = Exposure.objects.get()
    assert (row.variant.key, row.crossed_at is None) == (right, False)


def test_a_tester_is_taken_and_not_counted(api: Any, experiment: Experiment) -> None:
    force_unit(experiment=experiment, unit="t", variant="treatment")
    assert sent(api, exposure(experiment, "t", variant="treatment"))[0]["status"] == 201
    assert not Exposure.objects.exists()


def test_each_bad_item_is_refused_by_itself(api: Any, experiment: Experiment) -> None:
    early = (timezone.now() - timedelta(days=2)).isoformat()
    results = sent(
        api,
        exposure(experiment, "good"),
        exposure(experiment, "x" * 1_000_000),
        exposure(experiment, "u", variant="purple"),
        exposure(experiment, "u", exposed_at=early),
        exposure(experiment, "u", experiment_id=str(uuid4())),
        exposure(experiment, "u", weight=2),
        {"unit_id": "u"},
        7,
    )
    told = [(one["status"], one.get("errors", [{}])[0].get("field")) for one in results]
    assert told == [
        (201, None), (400, "unit_id"), (400, "variant"), (400, "exposed_at"), (404, "experiment_id"), (400, "weight"),
        (400, "experiment_id"), (400, "body"),
    ]  # fmt: skip
    assert [row.unit for row in Exposure.objects.all()] == ["good"]


def test_before_the_start_and_after_the_end_nobody_is_exposed(api: Any, draft: Any) -> None:
    experiment = draft()
    (result,) = sent(api, exposure(experiment, "u"))
    assert (result["status"], result["errors"][0]["message"]) == (409, "This experiment has not started.")
    start_experiment(experiment=experiment)
    stop_experiment(experiment=experiment)
    assert sent(api, exposure(experiment, "u"))[0]["status"] == 409
    assert not Exposure.objects.exists()


def test_who_is_outside_of_the_traffic_is_not_exposed(api: Any, draft: Any) -> None:
    experiment = start_experiment(experiment=draft(traffic=1))
    outside = next(f"u{n}" for n in range(100) if exposure(experiment, f"u{n}")["variant"] is None)
    (result,) = sent(api, exposure(experiment, outside, variant="control"))
    assert (result["status"], "does not take part" in result["errors"][0]["message"]) == (400, True)


def test_another_organization_knows_nothing_of_it(other_api: Any, experiment: Experiment) -> None:
    assert sent(other_api, exposure(experiment, "u"))[0]["status"] == 404
    assert not Exposure.objects.exists()


def test_a_key_of_a_page_may_report_and_one_that_reads_may_not(organization: Any, experiment: Experiment) -> None:
    page = api_with(make_key(organization, kind="publishable", scopes=["ingest"]))
    assert sent(page, exposure(experiment, "u"))[0]["status"] == 201
    reader = api_with(make_key(organization, scopes=["read"]))
    assert reader.post(BATCH, {"items": [exposure(experiment, "v")]}, format="json").status_code == 403


def test_sessions_and_executions_can_be_the_units(api: Any, agent: Agent, draft: Any) -> None:
    address = f"/api/learning/agents/{agent.external_id}/config"
    for unit, name in (("session", "session_id"), ("execution", "execution_id")):
        experiment = start_experiment(experiment=draft(unit=unit))
        assert api.get(address, {"user_id": "ada"}).json()["variant"] == ""
        served = api.get(address, {"user_id": "ada", name: "s-1", "expose": "true"}).json()
        assert (served["unit_id"], served["propensity"]) == ("s-1", 0.5)
        assert served["variant"] == exposure(experiment, "s-1")["variant"]
        assert Exposure.objects.get(experiment=experiment).unit == "s-1"
        stop_experiment(experiment=experiment)


def test_executions_expose_the_unit_that_they_name(agent: Agent, draft: Any) -> None:
    by_session = start_experiment(experiment=draft(unit="session"))
    rows = [("e-1", {"context": {"session_id": "s-1"}}), ("e-2", {"metadata": {"session_id": "s-2"}}), ("e-3", {})]
    named = [{"execution_id": name, "variant": "control", "user_id": "ada"} | more for name, more in rows]
    report(agent, named)
    assert exposed_by_executions(by_session) == {"s-1", "s-2"}
    stop_experiment(experiment=by_session)
    by_execution = start_experiment(experiment=draft(unit="execution"))
    report(agent, [row | {"execution_id": f"later {row['execution_id']}"} for row in named])
    assert exposed_by_executions(by_execution) == {"later e-1", "later e-2", "later e-3"}


def test_each_unit_is_exposed_once_in_its_own_arm_however_many_batches_it_takes(
    agent: Agent, experiment: Experiment, monkeypatch: Any
) -> None:
    monkeypatch.setattr("experiments.services.exposures.BATCH", 7)
    users = [f"u-{number}" for number in range(20)]
    report(agent, [{"user_id": user, "variant": "treatment"} for user in users + users])
    report(agent, [{"user_id": "other", "variant": "purple"}, {"user_id": "", "variant": "treatment"}])
    assert exposed_by_executions(experiment) == set(users)
    arms = list(experiment.variants.all())
    for row in Exposure.objects.select_related("variant"):
        assert (row.variant.key, row.propensity) == (arm_of(experiment, arms, row.unit), 0.5)
        assert row.exposed_at == min(Execution.objects.filter(user=row.unit).values_list("created_at", flat=True)), (
            "at its first execution"
        )
    exposed_by_executions(experiment)
    assert Exposure.objects.count() == 20


def test_a_testers_executions_expose_nobody(agent: Agent, experiment: Experiment) -> None:
    force_unit(experiment=experiment, unit="t", variant="treatment")
    report(agent, [{"user_id": user, "variant": "treatment"} for user in ("t", "u")])
    assert exposed_by_executions(experiment) == {"u"}


def test_an_execution_with_another_config_than_the_arms_exposes_nobody(agent: Agent, experiment: Experiment) -> None:
    other = make_config(agent)
    report(agent, [{"user_id": "ada", "variant": "treatment", "config_id": other.pk}])
    assert exposed_by_executions(experiment) == set()


def exposed_by_executions(experiment: Experiment) -> set[str]:
    read_in(experiment=experiment, variants=list(experiment.variants.order_by("position")))
    return set(Exposure.objects.filter(experiment=experiment).values_list("unit", flat=True))
