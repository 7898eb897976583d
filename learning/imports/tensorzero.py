"""TensorZero's feedback: boolean and float metrics, comments and demonstrations, of an inference or an episode.

Reads the rows of its tables (BooleanMetricFeedback, FloatMetricFeedback, CommentFeedback, DemonstrationFeedback) and
the bodies of its POST /feedback. The format: tensorzero.com/docs/gateway, data-model and api-reference/feedback.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from learning.imports.vocabulary import (
    Choices,
    Imported,
    Unusable,
    about,
    as_time,
    from_boolean,
    from_correction,
    from_number,
    from_text,
)

TARGETS = ("inference_id", "episode_id", "target_id")
BOOLEANS = {"true": True, "True": True, "false": False, "False": False}


def read_row(row: Mapping[str, Any], choices: Choices) -> Imported:
    """One row in our words. Raises Unusable or LeftOut."""
    target = next((str(row[name]) for name in TARGETS if row.get(name)), "")
    key = row.get("id") or row.get("feedback_id") or _fingerprint(row)
    metric = _metric(row)
    choices.check_wanted(metric)
    if metric == "demonstration" and row.get("episode_id"):
        raise Unusable("a demonstration is of an inference, never of an episode")
    said = _said(metric, row.get("value"), choices)
    tags = _tags(row)
    user = str(tags.get("user_id", ""))[:200]
    item = about(target, f"tensorzero:{key}", choices, user) | said
    return Imported(item, as_time(row.get("timestamp")))


def _metric(row: Mapping[str, Any]) -> str:
    """The metric's name; the tables of comments and demonstrations have no column for it."""
    name = row.get("metric_name")
    if name:
        return str(name)
    if row.get("target_type"):
        return "comment"
    if row.get("inference_id"):
        return "demonstration"
    raise Unusable("it names no metric_name")


def _said(metric: str, value: Any, choices: Choices) -> dict[str, Any]:
    if value is None or value == "":
        raise Unusable("it has no value")
    if metric == "comment":
        return from_text(_text(value))
    if metric == "demonstration":
        return from_correction(_answer(value))
    truth = BOOLEANS.get(value) if isinstance(value, str) else value
    if isinstance(truth, bool):
        return from_boolean(metric, truth, choices)
    try:
        return from_number(metric, float(value), choices)
    except (TypeError, ValueError) as error:
        raise Unusable(f"the value of {metric} is neither a boolean nor a number") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unusable("the comment is no text")
    return value


def _answer(value: Any) -> str:
    """The output that the demonstration shows: text, a list of content blocks, or {"raw": ...} of a JSON function."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return value
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        blocks = [block for block in value if isinstance(block, dict)]
        texts = [block["text"] for block in blocks if isinstance(block.get("text"), str)]
        if not texts or len(texts) != len(value):
            raise Unusable("the demonstration holds more than text, such as a tool call")
        return "\n".join(texts)
    if isinstance(value, dict):
        raw = value.get("raw")
        return raw if isinstance(raw, str) else json.dumps(value.get("parsed", value), ensure_ascii=False)
    return json.dumps(value)


def _tags(row: Mapping[str, Any]) -> Mapping[str, Any]:
    tags = row.get("tags")
    if isinstance(tags, str):
        try:
            tags = json.loads(tags)
        except (ValueError, RecursionError):
            return {}
    return tags if isinstance(tags, dict) else {}


def _fingerprint(row: Mapping[str, Any]) -> str:
    """For rows without an id: the same row is the same piece of feedback."""
    return hashlib.sha256(json.dumps(row, sort_keys=True, default=str).encode()).hexdigest()[:32]
