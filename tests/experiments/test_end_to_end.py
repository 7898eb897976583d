"""From a draft to a stored verdict over HTTP: simulated users, and the client that applications install."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest
from agent_learning import Client

from experiments.models import Analysis
from experiments.services.deployments import deploy_config
from experiments.services.outcome_check import find_wrong_outcomes
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
USERS = 160


def live(api: httpx.Client, client: Client, rng: np.random.Generator, before: str, likes: dict[str, float]) -> None:
    """Users ask for their config, use it, and say whether it helped: likes is by the system prompt they were given."""
    used, answers = [], []
    for number in range(USERS):
        config = client.config("support-bot", user_id=f"{before}-{number}")
        name = f"{before}-execution-{number}"
        used.append(
            {
                "agent": "support-bot",
                "execution_id": name,
                "user_id": f"{before}-{number}",
                "input": "?",
                "config": config,
            }
        )
        good = rng.random() < likes[config.messages("?")[0]["content"]]
        kind = "thumbs_up" if good else "thumbs_down"
        answers.append({"agent_id": "support-bot", "execution_id": name, "feedback_type": kind})
    assert {row["status"] for row in client.log_executions(used)} == {201}
    sent = api.post("feedback/batch", json={"items": answers}).raise_for_status().json()["results"]
    assert {row["status"] for row in sent} == {201}


def test_a_real_difference_is_found_and_a_null_one_is_not(live_server: Any, same_salts: None) -> None:
    organization = factories.make_organization("Aster")
    with organization_scope(organization.id):
        agent = factories.make_agent(external_id="support-bot")
        deploy_config(agent=agent, config=factories.make_config(agent, content={"system_prompt": "current"}))
        candidates = [
            (word, str(factories.make_config(agent, content={"system_prompt": word}).pk)) for word in ("better", "same")
        ]
    key = factories.make_key(organization)
    rng = np.random.default_rng(8)
    verdicts = []
    with (
        httpx.Client(base_url=f"{live_server.url}/api/learning/", headers={"Authorization": f"Bearer {key}"}) as api,
    ):
        for word, candidate in candidates:
            plan = {
                "agent_id": "support-bot", "name": "Trial", "candidate_config_id": candidate, "min_samples": 100,
                "min_duration_hours": 0, "planned_units": 200, "metrics": [{"name": "net_satisfaction"}],
            }  # fmt: skip
            made = api.post("experiments", json=plan).raise_for_status().json()
            address = f"experiments/{made['id']}"
            api.post(f"{address}/start").raise_for_status()
            with Client(live_server.url, key, tries=1, local=True) as client:
                live(api, client, rng, word, {"current": 0.25, "better": 0.75, "same": 0.25})
            api.patch(f"{address}/status", json={"status": "completed"}).raise_for_status()
            verdicts.append(api.get(f"{address}/results").raise_for_status().json())
    real, null = verdicts
    assert real["sentence"].startswith("Treatment wins")
    assert (real["verdict"], real["winning_variant"], sum(real["units"].values())) == ("treatment", "treatment", USERS)
    assert real["statistical_significance"] < 0.05
    assert (null["verdict"], null["winning_variant"], sum(null["units"].values())) == ("inconclusive", None, USERS)
    assert [row["of"] for row in real["quality"]] == ["exposed", "matured", "rated"]
    with organization_scope(organization.id):
        assert list(Analysis.objects.order_by("id").values_list("verdict", flat=True)) == ["treatment", "inconclusive"]
        for analysis in Analysis.objects.select_related("experiment"):
            assert find_wrong_outcomes(experiment=analysis.experiment) == []
