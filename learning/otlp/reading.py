"""What one span says, in the words of this product: by the GenAI conventions, OpenInference, or OpenLLMetry."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from learning.otlp.messages import Message, ToolCall, as_text, input_messages, nested, output_messages, parsed
from learning.otlp.spans import MAX_TEXT, Span

MAX_DOCUMENTS = 500
MAX_INTEGER = 2_147_483_647
LONGEST_VALUE = 20_000  # characters of JSON, of what goes into a tool or comes out
LONGEST_HISTORY = 150_000  # characters of all earlier messages together
# Kinds of spans that may be an execution of their own; the others belong to one.
ROOTS = frozenset({"agent", "chain", "llm"})
OPERATIONS = {
    "chat": "llm",
    "text_completion": "llm",
    "generate_content": "llm",
    "completion": "llm",
    "invoke_agent": "agent",
    "invoke_workflow": "chain",
    "execute_tool": "tool",
    "retrieval": "retriever",
    "retrieve": "retriever",
}
OPENINFERENCE = {"LLM": "llm", "AGENT": "agent", "CHAIN": "chain", "TOOL": "tool", "RETRIEVER": "retriever"}
OPENLLMETRY = {"workflow": "chain", "agent": "agent", "task": "chain", "tool": "tool"}
ASKED = ("input", "question", "query", "prompt", "text", "message", "content")
ANSWERED = ("output", "answer", "result", "response", "text", "content")


@dataclass(frozen=True)
class Document:
    """One of the documents that a query retrieved; `rank` counts from 1, `score` is None when it was not told."""

    id: str
    rank: int
    score: float | None = None


@dataclass(frozen=True)
class Reading:
    """What a span says. `kind` "": nothing about an agent, it is only a step between others. Missing texts are "",
    missing numbers None. `history` are the messages before the input; `asked` the tools that the model asked for;
    `answers` what tools answered, by the id of the call."""

    kind: str = ""
    name: str = ""
    agent: str = ""
    service: str = ""
    user: str = ""
    session: str = ""
    execution_id: str = ""
    config_id: str = ""
    variant: str = ""
    input: str = ""
    output: str = ""
    history: Sequence[Mapping[str, str]] = ()
    asked: Sequence[ToolCall] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    tool: ToolCall | None = None
    query: str = ""
    documents: Sequence[Document] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    model: str = ""
    provider: str = ""
    failed: bool = False
    error: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


def read_span(span: Span) -> Reading:
    """Never raises: what is strange is left out."""
    kind = kind_of(span)
    if not kind:
        return Reading(name=span.name)
    said = output_messages(span)
    question, history, since = _around_the_question(input_messages(span))
    return Reading(
        kind=kind,
        name=span.name,
        agent=_name(span.text("gen_ai.agent.name", "agent.name", "gen_ai.agent.id"))
        or _named_by_openllmetry(span, kind),
        service=_service(span),
        user=_name(span.text("user.id", "enduser.id", "traceloop.association.properties.user_id", "gen_ai.user.id")),
        session=_name(span.text("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id")),
        execution_id=_name(span.text("agent_learning.execution_id")),
        config_id=span.text("agent_learning.config_id"),
        variant=span.text("agent_learning.variant")[:100],
        input=question or _plain_text(span.first("input.value", "traceloop.entity.input"), ASKED),
        output=_answer(said) or _plain_text(span.first("output.value", "traceloop.entity.output"), ANSWERED),
        history=_bounded_history(history),
        asked=[_bounded_call(call) for one in [*since, *said] for call in one.calls][-200:],
        answers={one.answers: one.text[:LONGEST_VALUE] for one in since if one.answers},
        tool=_tool(span) if kind == "tool" else None,
        query=_query(span, question) if kind == "retriever" else "",
        documents=_documents(span) if kind == "retriever" else (),
        input_tokens=_count(
            span.first("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")
        ),
        output_tokens=_count(
            span.first("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion")
        ),
        cost=_amount(span.first("gen_ai.usage.cost", "gen_ai.usage.total_cost", "llm.cost.total")),
        model=span.text("gen_ai.response.model", "gen_ai.request.model", "llm.model_name")[:200],
        provider=span.text("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")[:200],
        failed=span.failed,
        error=_error(span),
        metadata=_metadata(span),
    )


def kind_of(span: Span) -> str:
    """agent, chain, llm, tool, retriever, or "" for a span that is none of them."""
    said = str(span.attributes.get("openinference.span.kind", "")).upper()
    if said:
        return OPENINFERENCE.get(said, "")
    operation = str(span.attributes.get("gen_ai.operation.name", ""))
    if operation:
        return OPERATIONS.get(operation, "")
    said = str(span.attributes.get("traceloop.span.kind", ""))
    if said:
        return OPENLLMETRY.get(said, "")
    if "llm.request.type" in span.attributes or (
        "gen_ai.system" in span.attributes and "gen_ai.request.model" in span.attributes
    ):
        return "" if "embedding" in str(span.attributes.get("llm.request.type", "")) else "llm"
    return ""


def to_json(reading: Reading) -> dict[str, Any]:
    """Without what is empty."""
    return {name: value for name, value in asdict(reading).items() if value not in ("", None, (), [], {}, False)}


def from_json(given: Mapping[str, Any]) -> Reading:
    """What to_json gave."""
    values = dict(given)
    if values.get("tool"):
        values["tool"] = ToolCall(**values["tool"])
    values["asked"] = [ToolCall(**call) for call in values.get("asked", ())]
    values["documents"] = [Document(**document) for document in values.get("documents", ())]
    return Reading(**values)


def bounded(value: Any, longest: int = LONGEST_VALUE) -> Any:
    """A JSON value, or a text of its beginning when it is too long."""
    encoded = json.dumps(value, ensure_ascii=False, default=str)
    return value if len(encoded) <= longest else encoded[: longest // 2]


def _name(text: str) -> str:
    return text.strip()[:200].strip()


def _named_by_openllmetry(span: Span, kind: str) -> str:
    return _name(span.text("traceloop.entity.name")) if kind == "agent" else ""


def _service(span: Span) -> str:
    """The SDKs call a service without a name unknown_service:PROGRAM."""
    name = str(span.resource.get("service.name") or "")
    return "" if name.startswith("unknown_service") else _name(name)


def _around_the_question(given: Sequence[Message]) -> tuple[str, Sequence[Message], Sequence[Message]]:
    """The last user's turn, what came before it, and what came since: tools that belong to this run."""
    for place in range(len(given) - 1, -1, -1):
        if given[place].role == "user":
            return given[place].text[:MAX_TEXT], given[:place], given[place + 1 :]
    return "", given, ()


def _bounded_history(history: Sequence[Message]) -> list[dict[str, str]]:
    """The newest of it, as much as is kept."""
    kept: list[dict[str, str]] = []
    size = 0
    for one in reversed(history):
        size += len(one.text) + 50
        if size > LONGEST_HISTORY:
            break
        kept.append({"role": one.role, "content": one.text})
    return kept[::-1]


def _answer(said: Sequence[Message]) -> str:
    texts = [one.text for one in said if one.text]
    return texts[0][:MAX_TEXT] if texts else ""


def _plain_text(value: Any, likely: Sequence[str]) -> str:
    """The text inside of what frameworks write down: a text, or JSON around one."""
    inner = parsed(value)
    for _ in range(4):
        if isinstance(inner, Mapping) and isinstance(inner.get("messages"), list) and inner["messages"]:
            inner = inner["messages"][-1]
        elif isinstance(inner, Mapping):
            found = [inner[name] for name in likely if inner.get(name) not in (None, "")]
            if not found and len(inner) == 1:
                found = list(inner.values())
            if not found:
                break
            inner = parsed(found[0])
        elif isinstance(inner, list) and len(inner) == 1:
            inner = inner[0]
        else:
            break
    return inner[:MAX_TEXT] if isinstance(inner, str) else as_text(value)[:MAX_TEXT]


def _tool(span: Span) -> ToolCall:
    name = span.text("gen_ai.tool.name", "tool.name", "traceloop.entity.name") or span.name.removeprefix(
        "execute_tool "
    )
    given = span.first("gen_ai.tool.call.arguments", "tool.parameters", "input.value", "traceloop.entity.input")
    got = span.first("gen_ai.tool.call.result", "output.value", "traceloop.entity.output")
    call_id = span.text("gen_ai.tool.call.id", "tool_call.id", "tool.id")
    return _bounded_call(ToolCall(name, call_id, parsed(given), parsed(got)))


def _bounded_call(call: ToolCall) -> ToolCall:
    return ToolCall(_name(call.name) or "tool", call.id[:200], bounded(call.input), bounded(call.output))


def _query(span: Span, question: str) -> str:
    value = span.first("gen_ai.retrieval.query.text", "gen_ai.retrieval.query", "input.value", "traceloop.entity.input")
    return (_plain_text(value, ASKED) if value is not None else question)[:MAX_TEXT]


def _documents(span: Span) -> list[Document]:
    given = parsed(span.first("gen_ai.retrieval.documents")) or nested(span.attributes, "retrieval.documents")
    found: list[Document] = []
    for one in given[:MAX_DOCUMENTS] if isinstance(given, list) else ():
        document = one.get("document", one) if isinstance(one, Mapping) else {"content": one}
        if not isinstance(document, Mapping):
            continue
        identity = _name(str(document.get("id") or "")) or _fingerprint(as_text(document.get("content")))
        if identity:
            found.append(Document(identity, len(found) + 1, _number(document.get("score"))))
    return found


def _fingerprint(content: str) -> str:
    """Documents without an id are told apart by their text, which is not kept."""
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()[:32]}" if content else ""


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _count(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and 0 <= number <= MAX_INTEGER else None


def _amount(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= 999_999 else None


def _error(span: Span) -> dict[str, str]:
    if not span.failed:
        return {}
    raised = next((event.attributes for event in reversed(span.events) if event.name == "exception"), {})
    kind = span.text("error.type") or str(raised.get("exception.type") or "")
    message = span.problem or str(raised.get("exception.message") or "")
    return {name: text[:2000] for name, text in (("type", kind), ("message", message)) if text}


def _metadata(span: Span) -> dict[str, Any]:
    """What the application says of its own, and the tags."""
    own = parsed(span.first("metadata"))
    found = dict(own) if isinstance(own, Mapping) else {}
    tags = parsed(span.first("tag.tags"))
    if isinstance(tags, list):
        found["tags"] = tags[:50]
    reasons = parsed(span.first("gen_ai.response.finish_reasons"))
    if isinstance(reasons, list):
        found["finish_reasons"] = reasons[:10]
    return found if len(json.dumps(found, default=str)) <= 10_000 else {}
