"""The calls of an application."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
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

    def log_execution(self, **execution: Any) -> str:
        """Report one run of an agent; gives back its identifier (yours, or ours when you give none).

        agent, input, output, user_id, execution_id, config (from `config()`), context, status, duration_ms,
        input_tokens, output_tokens, cost, confidence, metadata, started_at, decisions.
        """
        body = _execution(execution)
        body.setdefault("execution_id", str(uuid.uuid4()))  # so that a second try is recognised
        answer = self._transport.send("POST", "executions", json=body)
        return str(answer["execution_id"])

    def log_executions(self, executions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Report many at once (up to 1,000); one result each: {"index", "status", "id" or "errors"}."""
        items = [{"execution_id": str(uuid.uuid4())} | _execution(dict(one)) for one in executions]
        return list(self._transport.send("POST", "executions/batch", json={"items": items})["results"])

    def send_feedback(self, feedback_type: str, *, idempotency_key: str | None = None, **feedback: Any) -> str:
        """Report what a person said; gives back the feedback's id.

        feedback_type: thumbs_up, thumbs_down, star_rating, detailed_feedback, correction or report_issue. Further:
        agent, execution_id, user_id, rating (1-5), accuracy, helpfulness, clarity, completeness (1-5), feedback_text,
        correction_text, issue_categories, consent.
        """
        body = _named(feedback) | {"feedback_type": feedback_type}
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return str(self._transport.send("POST", "feedback", json=body, headers=headers)["feedback_id"])

    def correct(self, execution_id: str, correction_text: str, **feedback: Any) -> str:
        """Report the right answer; it becomes a learning example at once. Gives back the feedback's id."""
        return self.send_feedback(
            "correction", execution_id=execution_id, correction_text=correction_text, **feedback
        )

    def feedback_stats(self, agent: str, days: int = 30) -> dict[str, Any]:
        """Counts, average rating and satisfaction of the last days."""
        return dict(self._transport.send("GET", "feedback/stats", params={"agent_id": agent, "days": days}))


def _execution(values: dict[str, Any]) -> dict[str, Any]:
    config = values.pop("config", None)
    body = _named(values)
    if isinstance(config, AgentConfig):
        body |= {"config_id": config.id} | ({"variant": config.variant} if config.variant else {})
    return body


def _named(values: dict[str, Any]) -> dict[str, Any]:
    """The names of the API: what is None was not given, and an agent is told by its identifier."""
    body = {name: value for name, value in values.items() if value is not None}
    if "agent" in body:
        body["agent_id"] = body.pop("agent")
    return body
