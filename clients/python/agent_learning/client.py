"""The calls of an application."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any
from urllib.parse import quote

from agent_learning.configs import AgentConfig
from agent_learning.transport import Transport


class Client:
    """Talks to one installation with one API key. Every call raises Refused or Unreachable (see errors.py)."""

    def __init__(self, base_url: str, api_key: str, *, timeout: float = 10.0, tries: int = 4, **options: Any) -> None:
        self._transport = Transport(base_url, api_key, timeout=timeout, tries=tries, **options)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def config(self, agent: str, user_id: str = "", *, expose: bool = False) -> AgentConfig:
        """The config that serves this user, the same at every call while nothing is deployed or stopped.

        `expose=True` counts the user as having seen it; otherwise the execution that you log does.
        """
        query = {"user_id": user_id} if user_id else {}
        if expose:
            query["expose"] = "true"
        answer = self._transport.send("GET", f"agents/{quote(agent, safe='')}/config", params=query)
        return AgentConfig(
            id=answer["config_id"],
            number=answer["config_number"],
            content=answer["content"],
            variant=answer.get("variant") or "",
            experiment_id=answer.get("experiment_id"),
            agent_id=answer["agent_id"],
        )

    def log_execution(
        self,
        *,
        agent: str,
        input: str = "",
        output: str = "",
        user_id: str | None = None,
        execution_id: str | None = None,
        config: AgentConfig | None = None,
        context: Mapping[str, Any] | None = None,
        status: str | None = None,
        duration_ms: float | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cost: float | None = None,
        confidence: float | None = None,
        metadata: Mapping[str, Any] | None = None,
        started_at: str | None = None,
        decisions: Sequence[Mapping[str, Any]] | None = None,
    ) -> str:
        """Report one run of an agent; gives back its identifier (yours, or one made here when you give none).

        `agent` and `user_id` are your own names for them, the user's a pseudonym. `config` is what `config()` gave, so
        that experiments count the run. `confidence` goes from 0 to 1, `started_at` is ISO 8601 (left out: now).
        """
        body = _execution({name: value for name, value in locals().items() if name != "self"})
        answer = self._transport.send("POST", "executions", json=body)
        return str(answer["execution_id"])

    def log_executions(self, executions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Report many at once (up to 1,000), each with the names of log_execution.

        One result for each, in their order: {"index", "status", "id" or "errors"}; a refused one stops no other.
        """
        items = [_execution(one) for one in executions]
        return list(self._transport.send("POST", "executions/batch", json={"items": items})["results"])

    def send_feedback(
        self,
        feedback_type: str,
        *,
        execution_id: str | None = None,
        agent: str | None = None,
        user_id: str | None = None,
        rating: int | None = None,
        feedback_text: str | None = None,
        correction_text: str | None = None,
        issue_categories: Sequence[str] | None = None,
        accuracy: int | None = None,
        helpfulness: int | None = None,
        clarity: int | None = None,
        completeness: int | None = None,
        consent: bool | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Report what a person said; gives back the feedback's id.

        `feedback_type`: thumbs_up, thumbs_down, star_rating, detailed_feedback, correction or report_issue. `rating`
        and the four dimensions go from 1 to 5. `agent` may be left out when the execution was logged before. With your
        own `idempotency_key` the same feedback is stored once however often you call.
        """
        given = {name: value for name, value in locals().items() if name not in ("self", "idempotency_key")}
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        answer = self._transport.send("POST", "feedback", json=_named(given), headers=headers)
        return str(answer["feedback_id"])

    def correct(
        self,
        execution_id: str,
        correction_text: str,
        *,
        agent: str | None = None,
        user_id: str | None = None,
        consent: bool | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Report the whole right answer; it becomes a learning example at once. Gives back the feedback's id."""
        return self.send_feedback(
            "correction",
            execution_id=execution_id,
            correction_text=correction_text,
            agent=agent,
            user_id=user_id,
            consent=consent,
            idempotency_key=idempotency_key,
        )

    def feedback_stats(self, agent: str, days: int = 30) -> dict[str, Any]:
        """Counts, average rating and satisfaction of the last days."""
        return dict(self._transport.send("GET", "feedback/stats", params={"agent_id": agent, "days": days}))


def _execution(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the API stores. An identifier is made once here, so that a second try is recognised."""
    body = _named(values)
    config = body.pop("config", None)
    if config is not None:
        body |= {"config_id": config.id} | ({"variant": config.variant} if config.variant else {})
    return {"execution_id": str(uuid.uuid4())} | body


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    """The names of the API: what is None was not given, and an agent is told by its identifier."""
    body = {name: value for name, value in values.items() if value is not None}
    if "agent" in body:
        body["agent_id"] = body.pop("agent")
    return body
