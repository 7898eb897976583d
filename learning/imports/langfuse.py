"""Langfuse's scores: numeric, categorical, boolean, text and corrections, of a trace or an observation.

Reads what its API gives (GET /api/public/v2/scores, one score a line) and CSV with the same columns, in camel case or
snake case. The format: langfuse.com/docs/evaluation/scores/data-model and the OpenAPI document of its public API.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from learning.imports.vocabulary import (
    LONGEST_TEXT,
    Choices,
    Imported,
    LeftOut,
    Unusable,
    about,
    as_time,
    from_boolean,
    from_correction,
    from_number,
    from_text,
)

CAMEL = re.compile(r"_([a-z])")
# Words of categorical scores that are a thumb; every other one is kept as a text.
GOOD = {"good", "positive", "correct", "yes", "up", "thumbs up", "thumbs_up", "like", "liked", "pass", "helpful"}
BAD = {
    "bad",
    "negative",
    "incorrect",
    "no",
    "down",
    "thumbs down",
    "thumbs_down",
    "dislike",
    "disliked",
    "fail",
    "unhelpful",
}
ISSUES = {"incomplete", "unclear", "irrelevant", "hallucination", "outdated", "tone", "formatting", "unsafe"}


def read_row(row: Mapping[str, Any], choices: Choices) -> Imported:
    """One score in our words. Raises Unusable or LeftOut."""
    score = {CAMEL.sub(lambda match: match[1].upper(), name): value for name, value in row.items()}
    name = str(score.get("name") or "")
    if not name or not score.get("id"):
        raise Unusable("a score needs an id and a name")
    choices.check_wanted(name)
    if score.get("source") == "EVAL" and not choices.model_scores:
        raise LeftOut("a model has judged, not a person; --model-scores takes these too")
    item = about(_execution(score, choices), f"langfuse:{score['id']}", choices, _user(score)) | _said(
        name, score, choices
    )
    comment = score.get("comment")
    if comment:
        before = item.get("feedback_text")
        item["feedback_text"] = f"{before}\n{comment}"[:LONGEST_TEXT] if before else str(comment)[:LONGEST_TEXT]
    return Imported(item, as_time(score.get("timestamp") or score.get("createdAt")))


def _execution(score: Mapping[str, Any], choices: Choices) -> str:
    """What the score is of. A whole session, or a run over a dataset, is no execution."""
    trace, observation = score.get("traceId"), score.get("observationId")
    found = observation if choices.by_observation else trace
    if found:
        return str(found)
    if choices.by_observation:
        raise Unusable("it is of no observation")
    raise Unusable("it is of no trace: sessions and runs over datasets are no executions")


def _user(score: Mapping[str, Any]) -> str:
    """The end user of the trace, where the export has it; never the colleague who annotated."""
    trace = score.get("trace")
    user = score.get("userId") or (trace.get("userId") if isinstance(trace, dict) else None)
    return str(user)[:200] if user else ""


def _said(name: str, score: Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    value, text = score.get("value"), score.get("stringValue")
    kind = str(score.get("dataType") or ("NUMERIC" if text in (None, "") else "CATEGORICAL")).upper()
    if kind == "NUMERIC":
        return from_number(name, _number(name, value), choices)
    if kind == "BOOLEAN":
        return from_boolean(name, _truth(name, value, text), choices)
    word = str(text or (value if isinstance(value, str) else "")).strip()
    if not word:
        raise Unusable(f"the score {name} has no value")
    if kind == "CATEGORICAL":
        return _category(name, word, choices)
    if kind == "CORRECTION":
        return from_correction(word)
    if kind == "TEXT":
        return from_text(word)
    raise Unusable(f"{kind[:40]!r} is no type of score that is known here")


def _category(name: str, word: str, choices: Choices) -> dict[str, Any]:
    plain = word.lower()
    if plain in GOOD | BAD:
        return from_boolean(name, plain in GOOD, choices)
    if plain in ISSUES:
        return {"feedback_type": "report_issue", "issue_categories": [plain]}
    return from_text(f"{name}: {word}")


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise Unusable(f"the value of {name} is no number") from error


def _truth(name: str, value: Any, text: Any) -> bool:
    """1 or 0, with "True" or "False" beside it."""
    said = str(text if text not in (None, "") else value).strip().lower()
    if said in ("true", "1", "1.0"):
        return True
    if said in ("false", "0", "0.0"):
        return False
    raise Unusable(f"the value of {name} is neither true nor false")
