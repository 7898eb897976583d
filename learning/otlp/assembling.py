"""The spans of one trace as executions, with their decisions and retrievals: a function of the set of spans alone.

So it does not matter in which order they came, in how many requests, or how often.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from learning.otlp.messages import ToolCall
from learning.otlp.reading import ROOTS, Document, Reading, bounded

MAX_DECISIONS = 200
MAX_RETRIEVALS = 200
MAX_CONTEXT = 200_000


@dataclass(frozen=True)
class Known:
    """A span that is stored. `overdue`: it came so long ago that a parent that is still missing will not come."""

    span_id: str
    parent_id: str
    started: int  # nanoseconds since 1970
    ended: int  # 0 when it was never said
    reading: Reading
    overdue: bool = False


@dataclass(frozen=True)
class Retrieval:
    """What one query retrieved."""

    span_id: str
    query: str
    documents: Sequence[Document]
    started: int


@dataclass(frozen=True)
class Assembled:
    """One execution. `item` has the fields of the API; `members` are the spans that it was made of, its root first."""

    root: str
    item: dict[str, Any]
    members: Sequence[str]
    retrievals: Sequence[Retrieval] = ()


@dataclass(frozen=True)
class Trace:
    """`waiting` are spans that would be an execution of their own if their parent never came."""

    executions: Sequence[Assembled] = ()
    waiting: Sequence[str] = field(default=())


def assemble(trace_id: str, spans: Iterable[Known]) -> Trace:
    """The executions of a trace, the earliest first. The earliest is named after the trace, the others after their span
    as well, unless the application gave them a name."""
    by_id = {span.span_id: span for span in spans}
    members: dict[str, list[Known]] = {}
    waiting = []
    for span in by_id.values():
        top, open_end = _top(span, by_id)
        if top is None:
            continue
        if open_end:
            if span is top:
                waiting.append(span.span_id)
            continue
        members.setdefault(top.span_id, []).append(span)
    roots = sorted((by_id[root] for root in members), key=_order)
    made = []
    for place, root in enumerate(roots):
        name = trace_id if place == 0 else f"{trace_id}-{root.span_id}"
        made.append(_assembled(root, sorted(members[root.span_id], key=_order), trace_id, name))
    return Trace(made, sorted(waiting))


def _order(span: Known) -> tuple[int, str]:
    return span.started, span.span_id


def _top(span: Known, by_id: Mapping[str, Known]) -> tuple[Known | None, bool]:
    """The highest span above this one (or itself) that can be an execution, and whether a parent is still to come."""
    top, seen, here = None, set(), span
    while True:
        if here.reading.kind in ROOTS:
            top = here
        seen.add(here.span_id)
        above = by_id.get(here.parent_id)
        if above is None or above.span_id in seen:  # a circle is nobody's doing but an attacker's
            return top, bool(here.parent_id) and above is None and not here.overdue
        here = above


def _assembled(root: Known, members: Sequence[Known], trace_id: str, name: str) -> Assembled:
    reading = root.reading
    others = [one for one in members if one is not root]
    models = [one for one in members if one.reading.kind == "llm"]
    item: dict[str, Any] = {
        "agent_id": _agent(root, others),
        "execution_id": reading.execution_id or name,
        "user_id": _first("user", root, others),
        "input": reading.input or _from_models(models, "input"),
        "context": _context(root, models, others),
        "output": reading.output or _from_models(models[::-1], "output"),
        "status": "failed" if reading.failed else "completed",
        "duration_ms": (root.ended - root.started) / 1e6 if root.ended >= root.started and root.ended else None,
        **_usage(root, models, {one.span_id: one for one in members}),
        "metadata": _metadata(root, models, others, trace_id),
        "config_id": _first("config_id", root, others),
        "variant": _first("variant", root, others),
        "started_at": datetime.fromtimestamp(root.started // 1000 / 1e6, UTC),
        "decisions": _decisions(root, others, models)[:MAX_DECISIONS],
    }
    retrievals = [
        Retrieval(one.span_id, one.reading.query, one.reading.documents, one.started)
        for one in others
        if one.reading.kind == "retriever"
    ]
    item = {field: value for field, value in item.items() if value not in (None, "", {}, [])}
    return Assembled(root.span_id, item, [root.span_id, *(one.span_id for one in others)], retrievals[:MAX_RETRIEVALS])


def _agent(root: Known, others: Sequence[Known]) -> str:
    """Its own name; a chain or a model's call is named after the only agent inside it, or else after the service."""
    if root.reading.agent:
        return root.reading.agent
    inside = {one.reading.agent for one in others if one.reading.kind == "agent" and one.reading.agent}
    return (inside.pop() if len(inside) == 1 else "") or root.reading.service or root.reading.name.strip() or "unnamed"


def _first(name: str, root: Known, others: Sequence[Known]) -> str:
    return next((value for one in (root, *others) if (value := getattr(one.reading, name))), "")


def _from_models(models: Sequence[Known], name: str) -> str:
    return next((value for one in models if (value := getattr(one.reading, name))), "")


def _context(root: Known, models: Sequence[Known], others: Sequence[Known]) -> dict[str, Any]:
    history = root.reading.history or next((one.reading.history for one in models if one.reading.input), ())
    session = _first("session", root, others)
    return ({"conversation": list(history)} if history else {}) | ({"session_id": session} if session else {})


def _usage(root: Known, models: Sequence[Known], by_id: Mapping[str, Known]) -> dict[str, Any]:
    """What the root says, or else the sum over the calls of models (an outer one counts, not those inside it)."""
    outer = [one for one in models if not _inside_a_model(one, by_id)]
    usage: dict[str, Any] = {}
    for name in ("input_tokens", "output_tokens", "cost"):
        own = getattr(root.reading, name)
        parts = [value for one in outer if (value := getattr(one.reading, name)) is not None]
        usage[name] = own if own is not None else (sum(parts) if parts else None)
    return usage


def _inside_a_model(span: Known, by_id: Mapping[str, Known]) -> bool:
    seen = {span.span_id}
    above = by_id.get(span.parent_id)
    while above is not None and above.span_id not in seen:
        if above.reading.kind == "llm":
            return True
        seen.add(above.span_id)
        above = by_id.get(above.parent_id)
    return False


def _decisions(root: Known, others: Sequence[Known], models: Sequence[Known]) -> list[dict[str, Any]]:
    """Tools that ran, agents that were called, and tools that a model asked for and no span tells of."""
    found: list[dict[str, Any]] = []
    ran_ids: set[str] = set()
    ran_names: set[str] = set()
    for one in others:
        call = one.reading.tool
        if one.reading.kind == "tool" and call is not None:
            ran_ids.add(call.id)
            ran_names.add(call.name)
            failed = {"error": dict(one.reading.error)} if one.reading.failed and call.output is None else None
            found.append(_decision(call.name, call.input, failed or call.output))
        elif one.reading.kind == "agent" and one.reading.agent not in ("", root.reading.agent):
            found.append(_decision(f"agent: {one.reading.agent}"[:200], one.reading.input, one.reading.output))
    answers = {name: text for one in models for name, text in one.reading.answers.items()}
    for call in _asked(models):
        if not (call.id in ran_ids if call.id in ran_ids or not ran_names else call.name in ran_names):
            found.append(_decision(call.name, call.input, answers.get(call.id) if call.id else None))
    return found


def _asked(models: Sequence[Known]) -> list[ToolCall]:
    """Each tool that a model asked for, once: later calls repeat the conversation before them."""
    found: dict[Any, ToolCall] = {}
    for one in models:
        for call in one.reading.asked:
            found.setdefault(call.id or (call.name, repr(call.input)), call)
    return list(found.values())


def _decision(point: str, given: Any, got: Any) -> dict[str, Any]:
    decision = {"decision_point": point, "input": given, "output": got}
    return {name: value for name, value in decision.items() if value not in (None, "")}


def _metadata(root: Known, models: Sequence[Known], others: Sequence[Known], trace_id: str) -> dict[str, Any]:
    told = {
        "source": "opentelemetry",
        "trace_id": trace_id,
        "span_id": root.span_id,
        "service": root.reading.service,
        "model": root.reading.model or _from_models(models, "model"),
        "provider": root.reading.provider or _from_models(models, "provider"),
        "session_id": _first("session", root, others),
        "error": dict(root.reading.error),
    }
    found = {name: value for name, value in told.items() if value not in ("", {})}
    own = bounded(dict(root.reading.metadata), 12_000)
    return (own if isinstance(own, dict) else {}) | found
