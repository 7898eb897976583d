"""A recommendation from its application to its withdrawal, over HTTP, as an application with the client lives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from agent_learning import AgentConfig, Background, Client
from django.utils import timezone

from experiments.services.deployments import deploy_config
from learning.engines.safety.results import GateResult
from learning.models import Execution, GateReport, Improvement, InsightReport
from learning.services import gate
from learning.services.insight_schedule import follow_all_improvements
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
SHORT = "Keep the answer under 20 words."
Ask = Callable[..., Any]


@pytest.fixture
def served(live_server: Any) -> Organization:
    """An organization whose agent is served a config, with a recommendation that a report made."""
    organization = factories.make_organization("Aster")
    with organization_scope(organization.id):
        agent = factories.make_agent(external_id="bot")
        deploy_config(agent=agent, config=factories.make_config(agent))
        now = timezone.now()
        report = InsightReport.objects.create(agent=agent, number=1, trigger="person", since=now, until=now)
        values = {"agent": agent, "report": report, "title": "Shorter", "reason": "R"}
        Improvement.objects.create(key="k", instruction=SHORT, **values)
        Improvement.objects.create(key="other", **values)
    return organization


@pytest.fixture
def ask(served: Organization, live_server: Any) -> Ask:
    """ask("POST", "apply", 201) -> the answer about the recommendation, checked to have this status."""
    key, address = factories.make_key(served), f"{live_server.url}/api/learning/agents/bot/improvements"

    def asked(method: str, action: str = "", status: int = 200, name: str = "k") -> Any:
        with organization_scope(served.id):
            pk = Improvement.objects.get(key=name).pk
        path = f"/{pk}/{action}" if action else ""
        answer = httpx.request(method, address + path, headers={"Authorization": f"Bearer {key}"}, timeout=60)
        assert answer.status_code == status, answer.text
        return answer.json()

    return asked


def pass_gate(organization: Organization, report_id: str) -> None:
    """The product's checks, and then a person."""
    person = factories.make_user(organization)
    with organization_scope(organization.id):
        report = GateReport.objects.select_related("config").get(pk=report_id)
        work = factories.claim_gate(report)
        assert work is not None and SHORT in report.config.content["system_prompt"]
        assert report.config.status == "draft"
        gate.finish_gate(report_id=report.pk, attempt=work.attempt, result=GateResult(True, (), 1, 1, 1, 0, ()))
        report.refresh_from_db()
        gate.approve_config(report=report, user=person)


def run(organization: Organization, url: str, name: str, liked: int, *, without: bool = False) -> set[str]:
    """Twenty questions, after the first `liked` of which the user is satisfied; the prompts they were answered by."""
    prompts = set()

    def answer(config: AgentConfig) -> str:
        prompts.add(str(config.content["system_prompt"]))
        return "Yes."

    with Client(url, factories.make_key(organization), tries=1, timeout=60, background=Background()) as client:
        agent = client.agent("bot", holdout=0.999999 if without else 0)
        for place in range(20):
            name_of_run = f"{name}-{place}"
            agent.run_with_learning(answer, "May I?", execution_id=name_of_run, user_id="u-1")
            said = client.thumbs_up if place < liked else client.thumbs_down
            said(name_of_run, agent="bot")
    return prompts


def test_an_applied_recommendation_is_counted_and_withdrawn_when_it_harms(
    served: Organization, ask: Ask, live_server: Any
) -> None:
    pass_gate(served, ask("POST", "apply", 201)["gate_report_id"])
    (with_it,) = run(served, live_server.url, "with", liked=2)
    (without,) = run(served, live_server.url, "without", liked=19, without=True)
    assert with_it == f"{without}\n\n{SHORT}"
    with organization_scope(served.id):
        (pk,) = Improvement.objects.filter(key="k").values_list("pk", flat=True)
        logged = dict(Execution.objects.values_list("external_id", "metadata__improvements"))
        assert logged["with-3"] == [str(pk)] and logged["without-3"] == []
        assert [row.pk for row in follow_all_improvements()] == [pk]
    (told,) = [one for one in ask("GET")["improvements"] if one["id"] == str(pk)]
    assert (told["status"], told["times_applied"], told["judged"], told["success_rate"]) == ("withdrawn", 20, 20, 0.1)
    assert told["effect"]["high"] < 0 and "2 of 20" in told["withdrawn_because"]
    assert run(served, live_server.url, "after", liked=0) == {without}
    ask("POST", "withdraw", 409)


def test_one_that_helps_stays_and_one_without_an_instruction_is_for_people(
    served: Organization, ask: Ask, live_server: Any
) -> None:
    ask("POST", "apply", 400, name="other")
    pass_gate(served, ask("POST", "apply", 201)["gate_report_id"])
    ask("POST", "apply", 409)
    run(served, live_server.url, "with", liked=19)
    with organization_scope(served.id):
        assert follow_all_improvements() == []
    (told,) = [one for one in ask("GET")["improvements"] if one["instruction"] == SHORT]
    assert (told["status"], told["success_rate"], told["effect"]["low"]) == ("applied", 0.95, None)
