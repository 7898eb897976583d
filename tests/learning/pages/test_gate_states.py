"""What a config's gate says, and that every page that names the config leads to it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from learning.engines.safety.results import Case, GateResult, Outcome
from learning.models import Agent, AgentConfig, GateReport
from learning.services import gate
from learning.services.agents import write_config
from tests import factories
from tests.learning.services.test_gate import FAILED, PASSED, worked

CASE = {"input": "What is it?", "wanted": "x", "before": "x", "after": "x", "passed": True}


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


@pytest.fixture
def draft(agent: Agent) -> AgentConfig:
    """Written by hand, so that no training run leads to its gate."""
    config, _ = write_config(agent=agent, content=factories.CONTENT | {"system_prompt": "Be brief."})
    return config


@pytest.fixture
def report(draft: AgentConfig) -> GateReport:
    return GateReport.objects.get(config=draft)


def pages_of(client: Any, config: AgentConfig) -> dict[str, str]:
    addresses = (f"/admin/learning/agents/{config.agent_id}/", f"/admin/learning/lineage/{config.pk}/")
    return {address: text(client.get(address)) for address in addresses}


def test_a_hand_written_config_leads_to_its_gate_until_it_is_decided(sign_in: Any, report: GateReport) -> None:
    client = sign_in("admin")
    link = f'href="/admin/learning/gates/{report.pk}/"'
    for address, page in pages_of(client, report.config).items():
        assert link in page and "Checks running" in page, address
    worked(report, PASSED)
    for address, page in pages_of(client, report.config).items():
        assert link in page and "Waits for your decision" in page, address
    client.post(f"/admin/learning/gates/{report.pk}/approve")
    for address, page in pages_of(client, report.config).items():
        assert link in page and ">Passed<" in page and "Waits for" not in page, address


def test_who_cannot_decide_is_told_who_can(sign_in: Any, report: GateReport) -> None:
    worked(report, PASSED)
    for address, page in pages_of(sign_in("expert"), report.config).items():
        assert "Waits for an administrator" in page, address


def test_the_texts_of_the_cases_are_for_managers(sign_in: Any, report: GateReport) -> None:
    GateReport.objects.filter(pk=report.pk).update(cases=[CASE], status="passed")
    address = f"/admin/learning/gates/{report.pk}/"
    assert "What is it?" in text(sign_in("manager").get(address))
    told = text(sign_in("expert").get(address))
    assert "What is it?" not in told and "1 case; their texts are shown to managers" in told


def test_a_failed_gate_can_be_rejected_and_not_approved_on_its_page(sign_in: Any, report: GateReport) -> None:
    worked(report, FAILED)
    client = sign_in("admin")
    page = text(client.get(f"/admin/learning/gates/{report.pk}/"))
    assert "reject-config" in page and "approve-config" not in page
    assert "is rejected and retired" in text(client.post(f"/admin/learning/gates/{report.pk}/reject", follow=True))


def test_the_number_of_queries_does_not_grow_with_the_configs(sign_in: Any, agent: Agent, draft: AgentConfig) -> None:
    client, address = sign_in("admin"), f"/admin/learning/agents/{agent.pk}/"
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(8):
        write_config(agent=agent, content=factories.CONTENT | {"system_prompt": f"Variant {number}"})
    with CaptureQueriesContext(connection) as many:
        page = text(client.get(address))
    assert page.count("Checks running") == 9
    assert len(many) == len(few)


def test_a_running_gate_says_how_far_it_is(sign_in: Any, report: GateReport) -> None:
    client = sign_in("admin")
    address = f"/admin/learning/gates/{report.pk}/"
    assert "Waiting for a worker" in text(client.get(address))
    work = factories.claim_gate(report)
    assert work is not None
    gate.beat_gate(report_id=report.pk, attempt=work.attempt, step=32, total=86, message="Regression cases: candidate")
    page = text(client.get(address))
    assert "32 of 86 answers" in page and "Regression cases: candidate" in page
    gate.finish_gate(report_id=report.pk, attempt=work.attempt, result=PASSED)
    assert "answers" not in GateReport.objects.get().summary
    assert "hx-trigger" not in text(client.get(address))


def case(outcome: Outcome, **values: Any) -> Case:
    names = {"kind": "regression", "name": "n", "passed": True, "before": "on time", "after": "estimate", "detail": ""}
    return Case(**names | {"outcome": outcome, "input": "Where is my parcel?", "wanted": "late"} | values)


def test_a_case_shows_what_was_asked_and_that_it_is_still_wrong(sign_in: Any, report: GateReport) -> None:
    cases = (case(Outcome.STAYED_RIGHT, input="first stored"), case(Outcome.STILL_WRONG))
    worked(report, GateResult(True, (), 40, 0, 0, 0, cases))
    page = text(sign_in("admin").get(f"/admin/learning/gates/{report.pk}/"))
    for expected in ("Where is my parcel?", ">late<", "still wrong", "Nothing was right before, so this check could"):
        assert expected in page, expected
    assert page.index("Where is my parcel?") < page.index("first stored")


def test_a_check_that_could_fail_does_not_say_otherwise(sign_in: Any, report: GateReport) -> None:
    worked(report, PASSED)
    assert "could not fail" not in text(sign_in("admin").get(f"/admin/learning/gates/{report.pk}/"))


def test_a_report_of_an_older_version_is_still_shown(sign_in: Any, report: GateReport) -> None:
    worked(report, PASSED)
    old = {"kind": "regression", "name": "n", "passed": False, "before": "a", "after": "b", "detail": "wanted: a"}
    GateReport.objects.update(cases=[old, old | {"passed": True}])
    page = text(sign_in("admin").get(f"/admin/learning/gates/{report.pk}/"))
    assert "wanted: a" in page and ">failed<" in page and ">passed<" in page


def test_writing_a_config_wakes_a_worker_at_once(
    sign_in: Any, agent: Agent, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    woken: list[str] = []
    monkeypatch.setattr("learning.gate_tasks.run_gate.delay", lambda **values: woken.append(values["report_id"]))
    form = {"system_prompt": "Be brief.", "input_template": "{input}", "model": "m", "max_tokens": 8, "temperature": 0}
    with django_capture_on_commit_callbacks(execute=True):
        answer = sign_in("admin").post(f"/admin/learning/agents/{agent.pk}/configs/new/", form)
    assert answer.status_code == 302
    assert woken == [str(GateReport.objects.get().pk)]


def test_failed_checks_are_made_again_with_a_button_and_the_old_page_leads_to_the_new(
    sign_in: Any, report: GateReport
) -> None:
    worked(report, FAILED)
    client, old = sign_in("admin"), f"/admin/learning/gates/{report.pk}/"
    assert "check-again" in text(client.get(old))
    answer = client.post(f"{old}again")
    newest = GateReport.objects.order_by("-id").first()
    assert newest is not None and newest.pk != report.pk
    assert answer.status_code == 302 and answer["Location"] == f"/admin/learning/gates/{newest.pk}/"
    page = text(client.get(old))
    assert answer["Location"] in page and "reject-config" not in page and "check-again" not in page
    assert "made again already" in text(client.post(f"{old}again", follow=True))


def test_only_an_administrator_makes_checks_again(sign_in: Any, report: GateReport) -> None:
    worked(report, FAILED)
    assert sign_in("manager").post(f"/admin/learning/gates/{report.pk}/again").status_code == 403
    worked_again = GateReport.objects.filter(config=report.config_id)
    assert worked_again.count() == 1


def test_of_a_graded_metric_the_mean_scores_are_told(sign_in: Any, report: GateReport) -> None:
    result = GateResult(True, (), 40, 0, 0, 1, (case(Outcome.WORSE),), graded=True, mean_before=0.512, mean_after=0.634)
    worked(report, result)
    page = text(sign_in("admin").get(f"/admin/learning/gates/{report.pk}/"))
    for expected in ("Mean score before", "0.51", "0.63", "became worse"):
        assert expected in page, expected
    assert "could not fail" not in page


ESTIMATE = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 90, "cases": 23, "confidence": 0.95}
BEHAVIOR = {
    "checked": 23, "worse": 2, "better": 20, "before": ESTIMATE, "after": ESTIMATE | {"value": 0.66},
    "change": ESTIMATE | {"value": 0.16, "low": 0.11, "high": 0.21}, "notes": ["It was done most often."],
}  # fmt: skip


def test_learned_behavior_is_told_in_its_own_words(sign_in: Any, report: GateReport) -> None:
    worked(report, GateResult(True, (), 0, 0, 0, 0, (), behavior=BEHAVIOR))
    page = text(sign_in("admin").get(f"/admin/learning/gates/{report.pk}/"))
    for expected in ("Learned behavior", "23 held-out demonstrations", "50.0 %", "66.0 %", "+16", "+11 to +21",
                     "It was done most often."):  # fmt: skip
        assert expected in page, expected
    assert "Regression cases" not in page and "could not fail" not in page


def test_the_texts_of_sealed_cases_are_for_administrators(sign_in: Any, report: GateReport) -> None:
    GateReport.objects.filter(pk=report.pk).update(
        cases=[CASE, CASE | {"input": "A sealed request", "sealed": True}], status="passed"
    )
    address = f"/admin/learning/gates/{report.pk}/"
    told = text(sign_in("manager").get(address))
    assert "What is it?" in told and "A sealed request" not in told and "1 more case from the sealed test split" in told
    assert "A sealed request" in text(sign_in("admin").get(address))
