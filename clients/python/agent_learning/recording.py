"""One run of an agent while it happens: what goes in, what comes out, the decisions on the way, how long it takes."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from agent_learning.configs import AgentConfig
from agent_learning.fields import Status

log = logging.getLogger("agent_learning")
LONGEST_TEXT = 100_000  # characters that the server takes
LONGEST_VALUE = 20_000  # characters of JSON, of what goes into a decision or comes out
MOST_DECISIONS = 200
_current: ContextVar[Recording | None] = ContextVar("agent_learning_recording", default=None)


def current() -> Recording | None:
    """The execution that is being recorded here, to add to it from deep inside; None outside of any."""
    return _current.get()


class Decision:
    """A choice inside an execution: a tool call, a route taken, what was retrieved."""

    def __init__(self, decision_point: str, **values: Any) -> None:
        self.decision_point = decision_point
        self.input: Any = values.pop("input", None)
        self.output: Any = values.pop("output", None)
        self.reasoning: str = values.pop("reasoning", "") or ""
        self.confidence: float | None = values.pop("confidence", None)
        self.alternatives: list[Any] = list(values.pop("alternatives", None) or [])
        if values:
            raise TypeError(f"unknown: {', '.join(sorted(values))}")

    def body(self) -> dict[str, Any]:
        given = {
            "decision_point": self.decision_point[:200],
            "input": bounded(self.input),
            "output": bounded(self.output),
            "reasoning": self.reasoning[:LONGEST_TEXT] or None,
            "confidence": self.confidence,
            "alternatives": self.alternatives[:100] or None,
        }
        return {name: value for name, value in given.items() if value is not None}


class Recording:
    """A context manager, for `with` and `async with`. Set its attributes while it runs; it is sent when it ends.

    An exception ends it as "failed", a cancelled task or a closed stream as "cancelled"; both go on their way.
    """

    def __init__(self, send: Callable[[dict[str, Any]], object], *, agent: str, **values: Any) -> None:
        self._send, self.agent = send, agent
        self.id: str = values.pop("execution_id", None) or str(uuid.uuid4())
        self.input: Any = values.pop("input", None)
        self.output: Any = values.pop("output", None)
        self.user_id: str | None = values.pop("user_id", None)
        self.config: AgentConfig | None = values.pop("config", None)
        self.context: Mapping[str, Any] | None = values.pop("context", None)
        self.status: Status | None = values.pop("status", None)
        self.input_tokens: int | None = values.pop("input_tokens", None)
        self.output_tokens: int | None = values.pop("output_tokens", None)
        self.cost: float | None = values.pop("cost", None)
        self.confidence: float | None = values.pop("confidence", None)
        self.metadata: dict[str, Any] = dict(values.pop("metadata", None) or {})
        self.decisions: list[Decision] = []
        if values:
            raise TypeError(f"unknown: {', '.join(sorted(values))}")
        self._token: Token[Recording | None] | None = None

    def decide(self, decision_point: str, **values: Any) -> Decision:
        """Add a decision: input, output, reasoning, confidence (0 to 1), alternatives. The first 200 are kept."""
        decision = Decision(decision_point, **values)
        self.add(decision)
        return decision

    def add(self, decision: Decision) -> None:
        if len(self.decisions) < MOST_DECISIONS:
            self.decisions.append(decision)

    def begin(self) -> None:
        """Start the clock. `with` does it."""
        above = _current.get()
        if above is not None:
            self.metadata.setdefault("parent_execution_id", above.id)
        self._started_at = datetime.now(UTC)
        self._clock = time.perf_counter()

    def end(self, error: BaseException | None = None) -> None:
        """Stop the clock and send. `with` does it."""
        milliseconds = (time.perf_counter() - self._clock) * 1000
        if error is not None:
            self.status = "failed" if isinstance(error, Exception) else "cancelled"
            if self.status == "failed":
                self.metadata["error"] = {"type": type(error).__name__, "message": str(error)[:2000]}
        try:
            self._send(self._body() | {"started_at": self._started_at, "duration_ms": milliseconds})
        except Exception:  # whatever is wrong with it, the application goes on
            log.exception("An execution could not be recorded")

    @contextmanager
    def active(self) -> Iterator[None]:
        """It is the current one in here."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def __enter__(self) -> Recording:
        self.begin()
        self._token = _current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)
            self._token = None
        self.end(error)

    async def __aenter__(self) -> Recording:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _body(self) -> dict[str, Any]:
        texts = {"input": as_text(self.input), "output": as_text(self.output)}
        cut = [name for name, text in texts.items() if text is not None and len(text) > LONGEST_TEXT]
        metadata = self.metadata | ({"cut_to_length": cut} if cut else {})
        return {
            "agent": self.agent,
            "execution_id": self.id,
            "user_id": self.user_id,
            "config": self.config,
            "context": self.context,
            "status": self.status,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost": self.cost,
            "confidence": self.confidence,
            "metadata": metadata or None,
            "decisions": [decision.body() for decision in self.decisions] or None,
        } | {name: text and text[:LONGEST_TEXT] for name, text in texts.items()}


def as_text(value: Any) -> str | None:
    """Text as it is, anything else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return _encoded(value)


def bounded(value: Any) -> Any:
    """What the server takes in a decision: JSON, and a text of its beginning when it is too long."""
    if value is None:
        return None
    encoded = _encoded(value)
    return json.loads(encoded) if len(encoded) <= LONGEST_VALUE else encoded[: LONGEST_VALUE // 2]


def _encoded(value: Any) -> str:
    try:
        return json.dumps(value, default=str, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):  # keys that are no text, a circle, too deep
        return json.dumps(repr(value), ensure_ascii=False)
