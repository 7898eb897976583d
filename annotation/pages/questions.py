"""A rubric's questions as the review form shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from annotation.pages.form_rows import ANSWER


@dataclass(frozen=True)
class Choice:
    """One answer to choose from."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class ShownQuestion:
    """One question with the answer that it has so far: among `choices`, or as `text`."""

    key: str
    label: str
    kind: str
    required: bool
    help: str = ""
    choices: list[Choice] = field(default_factory=list)
    text: str = ""

    @property
    def name(self) -> str:
        """The name of its fields."""
        return f"{ANSWER}{self.key}"

    @property
    def input_type(self) -> str:
        return "checkbox" if self.kind == "multiple" else "radio"


def shown_questions(questions: list[dict[str, Any]], answers: dict[str, Any]) -> list[ShownQuestion]:
    """The questions in order, each with what was answered."""
    return [_shown(question, answers.get(question["key"])) for question in questions]


def _shown(question: dict[str, Any], answer: Any) -> ShownQuestion:
    given = {_word(one) for one in (answer if isinstance(answer, list) else [answer])}
    choices = [Choice(value, label, value in given) for value, label in _offered(question)]
    plain = {name: question.get(name) or "" for name in ("key", "label", "kind", "help")}
    text = answer if isinstance(answer, str) and not choices else ""
    return ShownQuestion(**plain, required=bool(question.get("required")), choices=choices, text=text)


def _offered(question: dict[str, Any]) -> list[tuple[str, str]]:
    kind = question["kind"]
    if kind == "yes_no":
        return [("yes", "Yes"), ("no", "No")]
    if kind == "scale":
        return [(str(step), str(step)) for step in range(question["lowest"], question["highest"] + 1)]
    return [(option, option) for option in question.get("options", [])]


def _word(answer: Any) -> str:
    return {True: "yes", False: "no"}[answer] if isinstance(answer, bool) else str(answer)
