"""The parts of a review that come as rows of fields: categories, and answers to a rubric's questions. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

MOST_ROWS = 50
LONGEST_NAME = 100
BETWEEN_ISSUES = re.compile(r"[;\n]")
ANSWER = "answer-"  # in front of a question's key, in the names of fields
YES_NO = {"yes": True, "no": False}


class CategoryRow(NamedTuple):
    """One category as it is typed; `issues` are separated by semicolons."""

    name: str
    score: str
    issues: str


class BadRow(ValueError):
    """What was typed into a row cannot be taken; the message says what to do."""


def typed_rows(names: Sequence[str], scores: Sequence[str], issues: Sequence[str]) -> list[CategoryRow]:
    """The rows of three repeated fields, those that nothing was typed into left out."""
    rows = zip_longest(names, scores, issues, fillvalue="")
    stripped = [CategoryRow(*(cell.strip() for cell in row)) for row in rows]
    return [row for row in stripped if any(row)]


def read_categories(rows: Sequence[CategoryRow]) -> dict[str, dict[str, Any]]:
    """{name: {"score": 0-10, "issues": [text]}}. Raises BadRow for a row without a name or a score, or a name twice."""
    if len(rows) > MOST_ROWS:
        raise BadRow(f"Name at most {MOST_ROWS} categories.")
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if not row.name:
            raise BadRow("Name each category, or remove its row.")
        if len(row.name) > LONGEST_NAME:
            raise BadRow(f"The name of a category has at most {LONGEST_NAME} characters.")
        if row.name in found:
            raise BadRow(f"The category “{row.name}” is there twice.")
        found[row.name] = {"score": _score(row), "issues": split_issues(row.issues)}
    return found


def split_issues(text: str) -> list[str]:
    return [issue.strip() for issue in BETWEEN_ISSUES.split(text) if issue.strip()]


def shown_rows(categories: Any) -> list[CategoryRow]:
    """The rows that hold the categories of a draft; whatever has another shape is left out."""
    if not isinstance(categories, dict):
        return []
    return [
        CategoryRow(str(name), _plain(held.get("score")), "; ".join(map(str, held.get("issues") or [])))
        for name, held in categories.items()
        if isinstance(held, dict)
    ]


def read_answers(questions: Sequence[dict[str, Any]], given: Any) -> dict[str, Any]:
    """The answers that were given, by the questions' keys, each of its question's kind. `given` has getlist().

    What is no answer to its question stays as it was sent: the service that knows the rubric says what is wrong.
    """
    typed = {question["key"]: given.getlist(f"{ANSWER}{question['key']}") for question in questions}
    answers = {question["key"]: _answer(question["kind"], typed[question["key"]]) for question in questions}
    return {key: answer for key, answer in answers.items() if answer not in (None, "", [])}


def _answer(kind: str, values: list[str]) -> Any:
    if kind == "multiple":
        return [value for value in values if value]
    value = values[0].strip() if values else ""
    if kind == "yes_no":
        return YES_NO.get(value, value)
    if kind == "scale" and re.fullmatch(r"-?\d{1,4}", value):
        return int(value)
    return value.replace("\r\n", "\n")


def _score(row: CategoryRow) -> float:
    try:
        score = float(row.score)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 10:
        raise BadRow(f"Give “{row.name}” a score from 0 to 10.")
    return score


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else ""
