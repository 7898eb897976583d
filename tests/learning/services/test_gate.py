"""Checks by the product, then a person's decision: nothing goes before users without both."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from learning.engines.safety.results import GateResult
from learning.engines.types import Cost, Demonstration, Example, Prompt, Split
from learning.models import TEST_SPLIT_READ, AgentConfig, GateReport
from learning.models import Demonstration as ShownSteps
from learning.services import gate
from learning.services.gate_work import GateWork, fitting_metric, not_shown
from organizations.errors import Conflict
from organizations.models import AuditEvent, Organization
from tests import factories

PASSED = GateResult(True, (), 1, 1, 1, 0, ())
FAILED = GateResult(False, ("worse",), 1, 1, 0, 1, ())


@pytest.fixture
def config(scope: Organization) -> AgentConfig:
    return factories.make_config(factories.make_agent(), status="candidate")


@pytest.fixture
def report(config: AgentConfig) -> GateReport:
    return gate.start_gate(config=config)


def worked(report: GateReport, result: GateResult) -> GateReport:
    work = factories.claim_gate(report)
    assert work is not None
    gate.finish_gate(report_id=report.pk, attempt=work.attempt, result=result)
    return GateReport.objects.select_related("config").get(pk=report.pk)


def test_a_passed_gate_and_a_person_let_the_config_go_before_users(report: GateReport, scope: Organization) -> None:
    user = factories.make_user(scope)
    config = gate.approve_config(report=worked(report, PASSED), user=user, note="looks right")
    gate.require_approved(config=config)
    stored = GateReport.objects.get(pk=report.pk)
    assert (stored.approved, stored.decided_by, stored.decision_note) == (True, user, "looks right")
    actions = AuditEvent.objects.filter(target_id=str(report.pk)).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["gatereport.started", "gatereport.claimed", "gatereport.passed", "gatereport.approved"]


def test_without_an_approval_a_passed_config_stays_back(report: GateReport) -> None:
    config = worked(report, PASSED).config
    with pytest.raises(Conflict, match="must pass the gate and be approved"):
        gate.require_approved(config=config)


def test_a_failed_gate_cannot_be_approved(report: GateReport, scope: Organization) -> None:
    with pytest.raises(Conflict, match="has not passed"):
        gate.approve_config(report=worked(report, FAILED), user=factories.make_user(scope))


def test_a_rejected_config_is_retired(report: GateReport, scope: Organization) -> None:
    assert gate.reject_config(report=worked(report, PASSED), user=factories.make_user(scope)).status == "retired"


def test_a_decision_is_taken_once(report: GateReport, scope: Organization) -> None:
    done = worked(report, PASSED)
    stale = GateReport.objects.select_related("config").get(pk=report.pk)
    gate.approve_config(report=done, user=factories.make_user(scope))
    with pytest.raises(Conflict):
        gate.reject_config(report=stale, user=factories.make_user(scope))


def test_a_gate_is_claimed_once(report: GateReport) -> None:
    assert factories.claim_gate(report) is not None
    assert factories.claim_gate(report) is None


def test_a_worker_that_was_thought_dead_writes_nothing(report: GateReport) -> None:
    first = factories.claim_gate(report)
    assert first is not None
    GateReport.objects.update(heartbeat_at="2020-01-01T00:00Z")
    second = factories.claim_gate(report)
    assert second is not None
    gate.finish_gate(report_id=report.pk, attempt=first.attempt, result=PASSED)
    assert GateReport.objects.get(pk=report.pk).status == "running"


def test_a_gate_whose_workers_keep_dying_fails_with_a_reason(report: GateReport) -> None:
    for _ in range(gate.MOST_ATTEMPTS):
        assert factories.claim_gate(report) is not None
        GateReport.objects.update(heartbeat_at="2020-01-01T00:00Z")
    assert gate.open_gates() == []
    stored = GateReport.objects.get(pk=report.pk)
    assert (stored.status, stored.summary["passed"]) == ("failed", False)


def test_the_database_itself_refuses_an_approval_without_a_passed_gate(report: GateReport) -> None:
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError, match="only_passed_is_approved"), transaction.atomic():
        GateReport.objects.filter(pk=report.pk).update(approved=True)


def test_an_approved_config_does_not_go_through_the_gate_again(scope: Organization) -> None:
    with pytest.raises(Conflict, match="drafts and candidates"):
        gate.start_gate(config=factories.make_config(factories.make_agent()))


def test_checks_that_failed_can_be_made_again_and_the_old_report_stays(report: GateReport) -> None:
    failed = worked(report, FAILED)
    again = gate.check_again(report=failed)
    assert again.pk != failed.pk and again.is_open and again.config_id == failed.config_id
    assert GateReport.objects.get(pk=failed.pk).status == "failed"
    assert gate.newest_report(failed.config_id) == again
    with pytest.raises(Conflict, match="made again already"):
        gate.check_again(report=failed)


def test_only_failed_and_undecided_checks_are_made_again(report: GateReport, scope: Organization) -> None:
    with pytest.raises(Conflict, match="that failed"):
        gate.check_again(report=report)
    failed = worked(report, FAILED)
    gate.reject_config(report=failed, user=factories.make_user(scope))
    with pytest.raises(Conflict, match="nobody has decided"):
        gate.check_again(report=GateReport.objects.get(pk=failed.pk))


def test_what_the_checks_took_is_added_up_over_all_attempts(report: GateReport) -> None:
    for _ in range(2):
        assert factories.claim_gate(report) is not None
        gate.count_calls(report_id=report.pk, calls=40, cost=Cost(0, 0, 900, 80, Decimal("0.02")))
        GateReport.objects.update(heartbeat_at="2020-01-01T00:00Z")
    stored = GateReport.objects.get(pk=report.pk)
    assert (stored.llm_calls, stored.input_tokens, stored.output_tokens) == (80, 1800, 160)
    assert stored.cost == Decimal("0.04")
    gate.count_calls(report_id=report.pk, calls=1, cost=Cost(money=None))
    assert GateReport.objects.get(pk=report.pk).cost is None, "a part of it has no price"


@pytest.mark.parametrize("content", [{"examples": "none"}, {"input_template": "no place"}])
def test_a_gate_that_cannot_be_read_fails_with_the_reason_and_is_not_claimed_again(
    report: GateReport, content: dict[str, str]
) -> None:
    AgentConfig.objects.filter(pk=report.config_id).update(content=factories.CONTENT | content)
    assert factories.claim_gate(report) is None
    stored = GateReport.objects.get(pk=report.pk)
    assert (stored.status, stored.attempt) == ("failed", 1)
    assert stored.summary["reasons"][0].startswith("What is to be checked cannot be read any more: ")
    assert gate.open_gates() == []


def test_a_gate_that_was_put_back_often_is_still_checked(report: GateReport) -> None:
    GateReport.objects.update(attempt=gate.MOST_ATTEMPTS)
    assert gate.open_gates() == [report.pk]
    assert factories.claim_gate(report) is not None


def test_a_worker_that_was_thought_dead_leaves_at_its_next_step(report: GateReport) -> None:
    first = factories.claim_gate(report)
    assert first is not None
    gate.beat_gate(report_id=report.pk, attempt=first.attempt)
    GateReport.objects.update(heartbeat_at="2020-01-01T00:00Z")
    assert factories.claim_gate(report) is not None
    with pytest.raises(gate.LostGate):
        gate.beat_gate(report_id=report.pk, attempt=first.attempt)


def test_the_test_split_is_opened_only_for_a_config_that_behaves_in_another_way(scope: Organization) -> None:
    agent = factories.make_agent()
    version = factories.make_published_version(agent)
    steps = version.items.exclude(split="test").first()
    assert steps is not None
    ShownSteps.objects.create(agent=agent, example_id=steps.example_id, source="api")
    learned = factories.CONTENT | {"behavior": {"rules": []}}
    base = factories.make_config(agent, content=learned)

    def work_of(content: dict[str, Any]) -> GateWork:
        draft = factories.make_config(agent, "draft", parent=base, content=content | {"system_prompt": "Be brief."})
        work = factories.claim_gate(gate.start_gate(config=draft))
        assert work is not None and work.examples
        assert str(steps.example_id) not in {one.key for one in work.examples}, "a list of steps is no answer"
        return work

    assert work_of(learned).behavior is None
    assert not AuditEvent.objects.filter(action=TEST_SPLIT_READ).exists()
    assert work_of(learned | {"behavior": {"rules": [{"text": "Ask."}]}}).behavior is not None
    assert AuditEvent.objects.get(action=TEST_SPLIT_READ).after["gate"]


def test_where_all_examples_are_steps_a_config_that_learned_nothing_is_still_asked_about_them(
    scope: Organization,
) -> None:
    agent = factories.make_agent()
    base = factories.make_config(agent)
    version = factories.make_published_version(agent)
    ShownSteps.objects.bulk_create(
        ShownSteps(agent=agent, example_id=key, source="api")
        for key in version.items.values_list("example_id", flat=True)
    )
    for more, expected in (({}, True), ({"behavior": {"rules": []}}, False)):
        draft = factories.make_config(agent, "draft", parent=base, content=factories.CONTENT | more)
        work = factories.claim_gate(gate.start_gate(config=draft))
        assert work is not None and bool(work.examples) is expected


@pytest.mark.parametrize("template", ["{input}", "Review: {input}"])
@pytest.mark.parametrize("shows", ["base", "draft"])
def test_a_gate_asks_nothing_that_one_of_the_configs_shows_with_its_answer(
    scope: Organization, template: str, shows: str
) -> None:
    agent = factories.make_agent()
    version = factories.make_published_version(agent)
    train = list(version.items.filter(split="train"))
    shown = [{"input": template.replace("{input}", one.input_text), "output": one.expected_output} for one in train]
    content = factories.CONTENT | {"input_template": template}
    contents = {"base": content, "draft": content} | {shows: content | {"examples": shown, "nearest_examples": 4}}
    base = factories.make_config(agent, content=contents["base"])
    draft = factories.make_config(agent, "draft", parent=base, content=contents["draft"])
    work = factories.claim_gate(gate.start_gate(config=draft))
    assert work is not None and work.examples
    assert {one.key for one in work.examples}.isdisjoint(str(one.example_id) for one in train)


def test_near_duplicates_of_what_is_shown_are_no_cases_either() -> None:
    said = [("Where is my parcel?", "g"), ("where is my parcel", "g"), ("A refund, please", "")]
    examples = [Example(text, text, "Team 1 ", Split.TRAIN, group=group) for text, group in said]
    prompt = Prompt(examples=(Demonstration("Where is my parcel?", "Team 1"),))
    assert not_shown(examples, prompt) == examples[2:]
    assert not_shown(examples, Prompt()) == examples


@pytest.mark.parametrize(
    ("expected", "metric"),
    [
        (["positive", "negative", "mixed feelings"], "exact"),
        (["It left our warehouse today and arrives on Friday.", "Please restart the router, then wait."], "chrf"),
        ([], "exact"),
    ],
)
def test_a_config_that_no_run_made_is_judged_as_fits_the_wanted_answers(expected: list[str], metric: str) -> None:
    examples = [Example(str(place), "in", one, Split.TRAIN) for place, one in enumerate(expected)]
    assert fitting_metric(examples) == metric
