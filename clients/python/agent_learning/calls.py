"""The requests behind the calls of both clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent_learning.fields import FeedbackFields, FeedbackType, execution_body, feedback_body
from agent_learning.transport import Call


def log_execution(values: Mapping[str, Any]) -> Call:
    return Call("POST", "executions", json=execution_body(values))


def log_executions(items: Sequence[Mapping[str, Any]]) -> Call:
    return Call("POST", "executions/batch", json={"items": list(items)})


def send_feedback(feedback_type: FeedbackType, key: str, fields: FeedbackFields) -> Call:
    return Call("POST", "feedback", json=feedback_body(feedback_type, fields), headers={"Idempotency-Key": key})


def feedback_stats(agent: str, days: int) -> Call:
    return Call("GET", "feedback/stats", params={"agent_id": agent, "days": days})
