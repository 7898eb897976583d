"""The fields of executions and feedback, in the words of the API, and the bodies made of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict

from agent_learning.configs import AgentConfig

Status = Literal["completed", "failed", "running", "cancelled"]
FeedbackType = Literal["thumbs_up", "thumbs_down", "star_rating", "detailed_feedback", "correction", "report_issue"]


class ExecutionFields(TypedDict, total=False):
    """What may be told of one run of an agent. None is as good as left out."""

    input: str | None
    output: str | None
    user_id: str | None  # a pseudonym, the same for the same person
    execution_id: str | None  # your own name for the run; one is made when you give none
    config: AgentConfig | None  # what config() gave, so that experiments count the run
    context: Mapping[str, Any] | None  # for instance {"conversation": [{"role": "user", "content": "..."}]}
    status: Status | None
    duration_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None  # in one currency of your choice
    confidence: float | None  # 0 to 1
    metadata: Mapping[str, Any] | None
    started_at: datetime | str | None  # ISO 8601; left out: now
    decisions: Sequence[Mapping[str, Any]] | None


class Remarks(TypedDict, total=False):
    """What a person may say beside a thumb or a correction. None is as good as left out."""

    agent: str | None  # may be left out when the execution was logged before
    user_id: str | None
    rating: int | None  # 1 to 5, like the four dimensions below
    feedback_text: str | None
    issue_categories: Sequence[str] | None
    accuracy: int | None
    helpfulness: int | None
    clarity: int | None
    completeness: int | None
    consent: bool | None  # False: counted, never learned from


class FeedbackFields(Remarks, total=False):
    """What a person may say, and of which execution."""

    execution_id: str | None
    correction_text: str | None  # the whole answer as it should have been


EXECUTION_NAMES = frozenset(ExecutionFields.__annotations__) | {"agent"}
FEEDBACK_NAMES = frozenset(FeedbackFields.__annotations__)


def execution_body(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the API stores. An identifier is made once here, so that a second try is recognised."""
    _known(values, EXECUTION_NAMES)
    body = _named(values)
    config = body.pop("config", None)
    if config is not None and config.id:
        body["config_id"] = config.id
        if config.variant:
            body["variant"] = config.variant
    if isinstance(body.get("started_at"), datetime):
        body["started_at"] = body["started_at"].isoformat()
    return {"execution_id": str(uuid.uuid4())} | body


def feedback_body(feedback_type: FeedbackType, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the API stores. Raises TypeError for a name that it does not know."""
    _known(values, FEEDBACK_NAMES)
    return {"feedback_type": feedback_type} | _named(values)


def _known(values: Mapping[str, Any], names: frozenset[str]) -> None:
    if not names.issuperset(values):
        unknown = ", ".join(sorted(values.keys() - names))
        raise TypeError(f"unknown: {unknown}. Known are: {', '.join(sorted(names))}")


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    """The names of the API: what is None was not given, and an agent is told by its identifier."""
    body = {name: value for name, value in values.items() if value is not None}
    if "agent" in body:
        body["agent_id"] = body.pop("agent")
    return body
