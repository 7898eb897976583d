"""The dashboard says what waits for the person who looks, with the page where it is done."""

from __future__ import annotations

from typing import Any

import pytest

from annotation.models import ItemFlag, Slot, SlotKind
from annotation.tasks import fill_queues
from experiments.models import Analysis, Experiment
from learning.models import GateReport, RunStatus, TrainingRun
from learning.services import gate
from organizations.models import Organization
from tests import factories
from tests.learning.services.test_gate import FAILED, PASSED, worked

DASHBOARD = "/admin/learning/"


def waiting(sign_in: Any, role: str = "admin") -> str:
    page = " ".join(sign_in(role).get(DASHBOARD).content.decode().split())
    return page.partition('data-testid="waits-for-you"')[2].partition("</section>")[0]


@pytest.fixture
def report(scope: Organization) -> GateReport:
    return gate.start_gate(config=factories.make_config(factories.make_agent(name="Critic"), status="candidate"))


def test_nothing_waits_at_first(sign_in: Any, scope: Organization) -> None:
    assert waiting(sign_in) == ""


def test_a_passed_gate_waits_for_an_administrator_until_somebody_decides(sign_in: Any, report: GateReport) -> None:
    assert waiting(sign_in) == ""
    worked(report, PASSED)
    assert f'href="/admin/learning/gates/{report.pk}/"' in waiting(sign_in)
    assert "passed its gate: approve or reject it" in waiting(sign_in)
    assert waiting(sign_in, "manager") == ""
    done = GateReport.objects.select_related("config").get()
    gate.approve_config(report=done, user=factories.make_user(report.organization))
    assert waiting(sign_in) == ""


def test_a_failed_gate_waits_to_be_rejected_unless_the_checks_ran_again(sign_in: Any, report: GateReport) -> None:
    worked(report, FAILED)
    assert "failed its gate: reject it or check again" in waiting(sign_in)
    gate.start_gate(config=report.config)
    assert waiting(sign_in) == ""


def test_a_failed_run_waits_until_it_was_tried_again(sign_in: Any, scope: Organization) -> None:
    agent = factories.make_agent()
    base, version = factories.make_config(agent), factories.make_published_version(agent, examples=4)
    values = {"agent": agent, "base_config": base, "dataset_version": version, "training_type": "prompt_optimization"}
    run = TrainingRun.objects.create(name="First run", status=RunStatus.FAILED, **values)
    assert f'href="/admin/learning/training/{run.pk}/"' in waiting(sign_in)
    TrainingRun.objects.create(name="Second run", **values)
    assert waiting(sign_in) == ""


def test_flags_and_disputes_wait_for_a_manager(sign_in: Any, scope: Organization) -> None:
    factories.make_example(factories.make_agent(), prepared_version=1)
    fill_queues()
    ItemFlag.objects.create(slot=Slot.objects.get(), reason="unclear")
    Slot.objects.update(kind=SlotKind.ADJUDICATION)
    for role, count in (("manager", 1), ("admin", 1), ("expert", 0)):
        found = waiting(sign_in, role)
        assert found.count('href="/admin/learning/annotation/flags/"') == count, role
        assert found.count('href="/admin/learning/annotation/adjudication/"') == count, role


def test_a_winner_waits_to_be_deployed(sign_in: Any, scope: Organization) -> None:
    agent = factories.make_agent()
    experiment = Experiment.objects.create(agent=agent, name="Trial", status="running", metrics=[])
    for number, verdict in enumerate(("treatment", "inconclusive", "treatment"), 1):
        Analysis.objects.create(experiment=experiment, number=number, verdict=verdict, hours=1)
        link = f'href="/admin/learning/experiments/{experiment.pk}/"'
        assert (link in waiting(sign_in)) == (verdict == "treatment")


def test_without_stars_the_dashboard_says_so(sign_in: Any, scope: Organization, api: Any) -> None:
    assert b"Nobody gave stars" in sign_in("member").get(DASHBOARD).content
    rating = {"agent_id": "shop", "feedback_type": "star_rating", "rating": 5}
    api.post("/api/learning/feedback", rating, format="json")
    assert b"Nobody gave stars" not in sign_in("member").get(DASHBOARD).content
