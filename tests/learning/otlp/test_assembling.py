"""What the spans of a trace make up together."""

from __future__ import annotations

from typing import Any

from learning.otlp.assembling import Assembled, Known, assemble
from learning.otlp.messages import ToolCall
from learning.otlp.reading import Reading

TRACE = "t" * 32


def known(number: int, parent: int, kind: str, start: int = 0, **said: Any) -> Known:
    overdue = said.pop("overdue", False)
    name = said.pop("name", f"span {number}")
    reading = Reading(kind=kind, name=name, **said)
    return Known(str(number), str(parent) if parent else "", start * 10**6, (start + 10) * 10**6, reading, overdue)


def only(*spans: Known) -> Assembled:
    (made,) = assemble(TRACE, spans).executions
    return made


def test_tools_that_a_model_asked_for_are_decisions_when_no_span_tells_of_them() -> None:
    asked = [ToolCall("track", "c-1", {"parcel": 7})]
    made = only(
        known(1, 0, "agent", agent="bot"),
        known(2, 1, "llm", 1, asked=asked),
        known(3, 1, "llm", 2, asked=[*asked, ToolCall("mail", "c-2", "x")], answers={"c-1": "Lyon"}),
    )
    assert made.item["decisions"] == [
        {"decision_point": "track", "input": {"parcel": 7}, "output": "Lyon"},
        {"decision_point": "mail", "input": "x"},
    ]


def test_a_tool_that_a_span_tells_of_is_not_counted_again() -> None:
    ran = known(3, 1, "tool", 2, tool=ToolCall("track", "c-1", {"parcel": 7}, "Lyon"))
    asked = known(2, 1, "llm", 1, asked=[ToolCall("track", "c-1", {"parcel": 7})])
    assert len(only(known(1, 0, "agent"), asked, ran).item["decisions"]) == 1
    nameless = known(3, 1, "tool", 2, tool=ToolCall("track", "", {"parcel": 7}, "Lyon"))
    assert len(only(known(1, 0, "agent"), asked, nameless).item["decisions"]) == 1


def test_a_tool_that_failed_says_so() -> None:
    failed = known(2, 1, "tool", tool=ToolCall("track"), failed=True, error={"type": "Timeout"})
    assert only(known(1, 0, "agent"), failed).item["decisions"] == [
        {"decision_point": "track", "output": {"error": {"type": "Timeout"}}}
    ]


def test_an_agent_that_another_one_calls_is_a_decision_and_no_execution() -> None:
    made = only(
        known(1, 0, "agent", agent="planner", input="Plan it", output="Done"),
        known(2, 1, "agent", 1, agent="writer", input="Write", output="Text"),
        known(3, 2, "tool", 2, tool=ToolCall("search", "", "q", "r")),
    )
    assert (made.item["agent_id"], made.item["input"], made.item["output"]) == ("planner", "Plan it", "Done")
    assert [one["decision_point"] for one in made.item["decisions"]] == ["agent: writer", "search"]
    assert list(made.members) == ["1", "2", "3"]


def test_tokens_are_those_of_the_root_or_the_sum_of_the_outer_calls() -> None:
    calls = [
        known(2, 1, "llm", 1, input_tokens=10, output_tokens=1, cost=0.5),
        known(3, 2, "llm", 2, input_tokens=10, output_tokens=1, cost=0.5),  # the provider's own span inside
        known(4, 1, "llm", 3, input_tokens=5, cost=0.25),
    ]
    summed = only(known(1, 0, "agent"), *calls).item
    assert (summed["input_tokens"], summed["output_tokens"], summed["cost"]) == (15, 1, 0.75)
    own = only(known(1, 0, "agent", input_tokens=99), *calls).item
    assert (own["input_tokens"], own["output_tokens"]) == (99, 1)
    assert "input_tokens" not in only(known(1, 0, "agent")).item


def test_an_execution_is_named_after_the_agent_the_service_or_the_span() -> None:
    def agent(*spans: Known) -> str:
        return str(only(*spans).item["agent_id"])

    assert agent(known(1, 0, "chain", service="shop"), known(2, 1, "agent", agent="bot")) == "bot"
    two = known(2, 1, "agent", agent="a"), known(3, 1, "agent", agent="b")
    assert agent(known(1, 0, "chain", service="shop"), *two) == "shop"
    assert agent(known(1, 0, "llm", name="chat small")) == "chat small"
    assert agent(known(1, 0, "llm", name=" ")) == "unnamed"


def test_user_session_and_history_may_be_told_further_in() -> None:
    history = [{"role": "user", "content": "Hello"}]
    made = only(
        known(1, 0, "chain"),
        known(2, 1, "llm", 1, user="u-1", session="s-1", history=history, input="Where?", model="small"),
        known(3, 1, "llm", 2, input="internal", output="Lyon."),
    )
    assert (made.item["user_id"], made.item["input"], made.item["output"]) == ("u-1", "Where?", "Lyon.")
    assert made.item["context"] == {"conversation": history, "session_id": "s-1"}
    assert made.item["metadata"]["model"] == "small"


def test_a_frame_around_agents_is_no_execution() -> None:
    trace = assemble(TRACE, [known(1, 0, ""), known(2, 1, "llm", 5), known(3, 1, "llm", 4)])
    assert [(one.root, one.item["execution_id"]) for one in trace.executions] == [("3", TRACE), ("2", f"{TRACE}-2")]


def test_a_retriever_or_tool_alone_is_no_execution_and_waits_for_nobody() -> None:
    trace = assemble(TRACE, [known(1, 0, "retriever"), known(2, 9, "tool")])
    assert (trace.executions, trace.waiting) == ([], [])


def test_who_waits_is_the_topmost_that_could_be_an_execution() -> None:
    spans = [known(1, 9, ""), known(2, 1, "agent"), known(3, 2, "llm")]
    assert assemble(TRACE, spans).waiting == ["2"]
    late = assemble(TRACE, [known(1, 9, "", overdue=True), *spans[1:]])
    assert (late.waiting, [one.root for one in late.executions]) == ([], ["2"])


def test_running_spans_have_no_duration_and_decisions_are_bounded() -> None:
    running = Known("1", "", 5 * 10**6, 0, Reading(kind="agent"))
    tools = [known(n, 1, "tool", n, tool=ToolCall("t")) for n in range(2, 400)]
    made = only(running, *tools)
    assert "duration_ms" not in made.item
    assert len(made.item["decisions"]) == 200
