"""Spans become executions, whatever the order in which they come."""

from __future__ import annotations

import itertools
import random
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from learning.models import (
    Agent,
    AgentFeedback,
    Decision,
    ExampleRule,
    Execution,
    ExecutionKey,
    LearningExample,
    RetrievalEvent,
    TelemetrySpan,
)
from learning.otlp.spans import Span
from learning.services import telemetry_executions
from learning.services.executions import log_execution
from learning.services.feedback import submit_feedback
from learning.services.telemetry import forget_spans, take_spans, write_overdue_traces
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories
from tests.clients_in_process import outside_scope

pytestmark = pytest.mark.usefixtures("scope")
NOW = time.time_ns() - 60 * 10**9
TRACE = "0af7651916cd43dd8448eb211c80319c"
QUESTION = '[{"role": "user", "parts": [{"type": "text", "content": "Where is it?"}]}]'
ANSWER = '[{"role": "assistant", "parts": [{"type": "text", "content": "In Lyon."}], "finish_reason": "stop"}]'


def span(number: int, parent: int = 0, *, start: int = 0, length: int = 1000, **values: Any) -> Span:
    """Span `number`, from `start` for `length` milliseconds."""
    attributes = values.pop("attributes", {})
    return Span(
        trace_id=values.pop("trace_id", TRACE),
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        name=values.pop("name", f"span {number}"),
        started=NOW + start * 10**6,
        ended=NOW + (start + length) * 10**6,
        attributes=attributes,
        **values,
    )


def whole_trace() -> list[Span]:
    """A web request, an agent in it, two calls of a model, a tool, a retrieval, and a database query."""
    return [
        span(1, name="POST /chat", length=2100),
        span(2, 1, start=10, length=2000, attributes={
            "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support-bot", "user.id": "u-1",
            "gen_ai.conversation.id": "s-1",
        }),
        span(3, 2, start=20, length=500, attributes={
            "gen_ai.operation.name": "chat", "gen_ai.input.messages": QUESTION, "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 4, "gen_ai.request.model": "small",
        }),
        span(4, 2, start=600, length=100, attributes={
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "track", "gen_ai.tool.call.id": "c-1",
            "gen_ai.tool.call.arguments": '{"parcel": 7}', "gen_ai.tool.call.result": "Lyon",
        }),
        span(5, 4, start=610, length=50, name="SELECT"),
        span(6, 2, start=800, length=100, attributes={
            "openinference.span.kind": "RETRIEVER", "input.value": "parcels in Lyon",
            "retrieval.documents.0.document.id": "doc-1", "retrieval.documents.0.document.score": 0.9,
            "retrieval.documents.1.document.content": "Lyon is a city.",
        }),
        span(7, 2, start=1000, length=900, attributes={
            "gen_ai.operation.name": "chat", "gen_ai.output.messages": ANSWER, "gen_ai.usage.input_tokens": 20,
            "gen_ai.usage.output_tokens": 5,
        }),
    ]  # fmt: skip


def stored() -> list[Any]:
    """Everything that was made of the spans, without the ids and times of storing."""
    executions = Execution.objects.order_by("external_id")
    return [
        [
            row.agent.external_id, row.external_id, row.user, row.input, row.output, row.context, row.status,
            row.duration_ms, row.input_tokens, row.output_tokens, row.cost, row.metadata, row.started_at, row.variant,
            list(row.decisions.order_by("position").values_list("position", "decision_point", "input", "output")),
            sorted(RetrievalEvent.objects.filter(execution=row).values_list("external_id", "query")),
            sorted(TelemetrySpan.objects.filter(execution=row).values_list("span_id", "is_root", "waiting")),
        ]
        for row in executions
    ]  # fmt: skip


def forget_everything() -> None:
    for model in (TelemetrySpan, RetrievalEvent, Decision, ExecutionKey, Execution):
        model.objects.all().delete()


def test_a_trace_is_one_execution_with_its_decisions_and_retrievals() -> None:
    assert take_spans(spans=whole_trace()).rejected == []
    execution = Execution.objects.get()
    assert (execution.agent.external_id, execution.external_id, execution.user) == ("support-bot", TRACE, "u-1")
    assert (execution.input, execution.output, execution.status) == ("Where is it?", "In Lyon.", "completed")
    assert (execution.duration_ms, execution.input_tokens, execution.output_tokens) == (2000, 30, 9)
    assert execution.context == {"session_id": "s-1"}
    assert (execution.metadata["source"], execution.metadata["model"]) == ("opentelemetry", "small")
    assert execution.metadata["trace_id"] == TRACE
    decision = Decision.objects.get()
    assert (decision.decision_point, decision.input, decision.output) == ("track", {"parcel": 7}, "Lyon")
    retrieval = RetrievalEvent.objects.get()
    assert (retrieval.execution, retrieval.query) == (execution, "parcels in Lyon")
    assert retrieval.documents[0] == {"id": "doc-1", "rank": 1, "score": 0.9}
    assert retrieval.documents[1]["id"].startswith("sha256:")
    assert ExecutionKey.objects.get().pk == execution.pk


def test_an_agent_of_a_trace_whose_name_fits_no_address_gets_one_that_does() -> None:
    take_spans(spans=[span(1, attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "shop/bot"})])
    assert Execution.objects.get().agent.external_id == "shop-bot"


def test_the_order_the_split_and_repetitions_make_no_difference() -> None:
    take_spans(spans=whole_trace())
    expected = stored()
    assert expected[0][2] == "u-1"
    chance = random.Random(7)
    for _ in range(40):
        forget_everything()
        spans = whole_trace() + chance.sample(whole_trace(), 3)
        chance.shuffle(spans)
        while spans:
            size = chance.randint(1, 4)
            take_spans(spans=spans[:size])
            spans = spans[size:]
        assert stored() == expected


def test_a_trace_with_several_agents_is_named_after_the_earliest_in_any_order() -> None:
    agents = [
        span(1, length=5000),
        *(
            span(n, 1, start=n, attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": f"agent {n}"})
            for n in (2, 3, 4)
        ),
    ]
    take_spans(spans=agents)
    expected = stored()
    assert [row[0:2] for row in expected] == [
        ["agent 2", TRACE], ["agent 3", f"{TRACE}-{3:016x}"], ["agent 4", f"{TRACE}-{4:016x}"],
    ]  # fmt: skip
    for order in itertools.permutations(agents):
        forget_everything()
        for one in order:
            take_spans(spans=[one])
        assert stored() == expected


def test_a_child_alone_waits_for_its_parent() -> None:
    spans = whole_trace()
    take_spans(spans=spans[2:3])
    assert not Execution.objects.exists()
    assert TelemetrySpan.objects.get().waiting
    assert write_overdue_traces() == 0
    take_spans(spans=spans[:2])
    assert Execution.objects.get().input == "Where is it?"
    assert not TelemetrySpan.objects.filter(waiting=True).exists()


def let_time_pass(**ago: int) -> None:
    TelemetrySpan.objects.update(created_at=timezone.now() - timedelta(**ago))


def test_a_parent_that_never_comes_is_not_waited_for_for_ever() -> None:
    take_spans(spans=whole_trace()[1:])  # the web server sends its spans elsewhere
    assert not Execution.objects.exists()
    let_time_pass(seconds=31)
    assert write_overdue_traces() == 1
    assert Execution.objects.get().agent.external_id == "support-bot"
    assert write_overdue_traces() == 0


def test_a_parent_that_comes_very_late_takes_over_what_was_said_of_its_children() -> None:
    spans = whole_trace()
    take_spans(spans=spans)
    expected = stored()
    forget_everything()
    take_spans(spans=[spans[2], spans[6]])
    let_time_pass(seconds=31)
    write_overdue_traces()
    first, second = Execution.objects.order_by("started_at")
    for execution, text in ((first, "one"), (second, "two")):
        item = {"agent_id": str(execution.agent_id), "execution_id": execution.external_id}
        submit_feedback(item=item | {"feedback_type": "correction", "correction_text": text})
    for one in (spans[3], spans[5], spans[4], spans[1], spans[0]):
        take_spans(spans=[one])
    assert stored() == expected
    execution = Execution.objects.get()
    assert set(AgentFeedback.objects.values_list("execution_id", "agent__external_id")) == {
        (execution.pk, "support-bot")
    }
    assert set(LearningExample.objects.values_list("source_execution_id", "agent__external_id")) == {
        (execution.pk, "support-bot")
    }


def test_examples_that_one_rule_made_of_several_children_lose_no_spans() -> None:
    spans = whole_trace()
    take_spans(spans=[spans[2], spans[6]])
    let_time_pass(seconds=31)
    write_overdue_traces()
    first, second = Execution.objects.order_by("started_at")
    rules = [
        ExampleRule.objects.create(name=name, source="execution_log", example_type="edge_case") for name in ("a", "b")
    ]
    for execution, rule in ((first, rules[0]), (second, rules[0]), (second, rules[1])):
        factories.make_example(execution.agent, source_execution=execution, rule=rule)
    assert take_spans(spans=[*spans[:2], *spans[3:6]]).warnings == []
    whole = Execution.objects.get(pk=first.pk)
    assert (whole.input, whole.output, whole.decisions.count()) == ("Where is it?", "In Lyon.", 1)
    rows = LearningExample.objects.order_by("id").values_list("rule__name", "source_execution_id", "agent__external_id")
    made = list(rows)
    assert made[0] == ("a", first.pk, "support-bot")
    assert made[1][:2] == ("a", second.pk), "a rule makes one example of an execution; this one stays where it is"
    assert made[2] == ("b", first.pk, "support-bot")
    assert TelemetrySpan.objects.filter(execution=first).count() == 6  # all but the web server's


def test_children_that_cannot_be_joined_lose_no_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    spans = whole_trace()
    take_spans(spans=[spans[2], spans[6]])
    let_time_pass(seconds=31)
    write_overdue_traces()
    first, second = Execution.objects.order_by("started_at")

    def collide(executions: list[Any], *to: Any) -> None:
        if second.pk in executions:
            Execution.objects.create(id=first.pk, agent=first.agent, started_at=first.started_at)

    monkeypatch.setattr(telemetry_executions, "_hand_over", collide)
    taken = take_spans(spans=[*spans[:2], *spans[3:6]])
    assert "could not be joined" in taken.warnings[0]
    assert TelemetrySpan.objects.filter(execution=first).count() == 6  # all but the web server's
    assert Execution.objects.filter(pk=second.pk).exists()


def test_a_later_version_of_a_span_wins_in_any_order() -> None:
    running = span(2, attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a"}, length=0)
    done = span(
        2,
        attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a", "output.value": "done"},
        length=700,
    )
    for order in ([running, done], [done, running], [done, running, done]):
        forget_everything()
        for one in order:
            take_spans(spans=[one])
        assert Execution.objects.get().output == "done"
        assert Execution.objects.get().duration_ms == 700
    forget_everything()
    take_spans(spans=[done, running])
    assert Execution.objects.get().output == "done"


def test_two_executions_of_an_agent_change_names_when_a_later_version_began_earlier() -> None:
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a"}
    frame = span(1, length=9000)
    take_spans(spans=[frame, span(2, 1, start=20, attributes=agent), span(3, 1, start=30, attributes=agent)])
    assert take_spans(spans=[span(3, 1, start=10, length=2000, attributes=agent)]).warnings == []
    names = Execution.objects.order_by("started_at").values_list("metadata__span_id", "external_id")
    assert [tuple(one) for one in names] == [(f"{3:016x}", TRACE), (f"{2:016x}", f"{TRACE}-{2:016x}")]
    assert set(ExecutionKey.objects.values_list("id", "external_id")) == set(
        Execution.objects.values_list("id", "external_id")
    )


def test_feedback_that_came_first_is_joined() -> None:
    item = {"agent_id": "support-bot", "execution_id": TRACE, "feedback_type": "thumbs_down"}
    submit_feedback(item=item, may_register=True)
    take_spans(spans=whole_trace())
    assert AgentFeedback.objects.get().execution == Execution.objects.get()


def test_the_application_names_execution_config_and_variant() -> None:
    agent = factories.make_agent(external_id="support-bot")
    config = factories.make_config(agent)
    own = {"agent_learning.execution_id": "exec-9", "agent_learning.config_id": str(config.pk)}
    base = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support-bot"}
    take_spans(spans=[span(1, attributes=base | own | {"agent_learning.variant": "treatment"})])
    execution = Execution.objects.get()
    assert (execution.external_id, execution.config, execution.variant) == ("exec-9", config, "treatment")
    other = {"agent_learning.config_id": str(execution.pk), "agent_learning.variant": "x"}
    nonsense = {"agent_learning.config_id": "not a uuid"}
    take_spans(spans=[span(1, trace_id="a" * 32, attributes=base | other)])
    take_spans(spans=[span(1, trace_id="b" * 32, attributes=base | nonsense)])
    assert Execution.objects.filter(config=None, variant="").count() == 2


def test_an_execution_that_the_application_logged_itself_is_left_as_it_is() -> None:
    log_execution(item={"agent_id": "support-bot", "execution_id": TRACE, "input": "mine"}, may_register=True)
    taken = take_spans(spans=whole_trace())
    assert taken.rejected == []
    assert "is stored already" in taken.warnings[0]
    assert Execution.objects.get().input == "mine"
    assert not Decision.objects.exists()


@pytest.mark.parametrize("wrong", [{"start": -(40 * 365 * 86400 * 1000)}, {"start": 3 * 86400 * 1000}])
def test_a_span_of_another_time_is_left_out(wrong: dict[str, int]) -> None:
    good = whole_trace()
    taken = take_spans(spans=[*good, span(9, 2, **wrong)])
    assert "must start between" in taken.rejected[0]
    assert Execution.objects.count() == 1


def test_steps_without_any_agent_make_no_execution() -> None:
    take_spans(spans=[span(1, name="GET /"), span(2, 1, attributes={"openinference.span.kind": "TOOL"})])
    assert not Execution.objects.exists()
    assert not Agent.objects.exists()


def test_spans_that_are_each_others_parents_end_nowhere() -> None:
    chat = {"gen_ai.operation.name": "chat"}
    take_spans(spans=[span(1, 2, attributes=chat), span(2, 1, attributes=chat), span(3, 3, attributes=chat)])
    let_time_pass(seconds=31)
    write_overdue_traces()
    assert Execution.objects.count() <= 3


def test_spans_are_forgotten_after_a_day_and_executions_stay() -> None:
    take_spans(spans=whole_trace())
    assert forget_spans() == 0
    let_time_pass(hours=25)
    assert forget_spans() == 7
    assert Execution.objects.count() == 1
    assert take_spans(spans=whole_trace()).rejected == []
    assert (Execution.objects.count(), Decision.objects.count(), RetrievalEvent.objects.count()) == (1, 1, 1)


def test_two_organizations_with_the_same_trace_share_nothing(other_organization: Organization) -> None:
    take_spans(spans=whole_trace())
    with outside_scope(), organization_scope(other_organization.id):
        take_spans(spans=whole_trace())
        assert Execution.objects.count() == 1
    assert Execution.objects.count() == 1
