"""What the wanted answers have in common: a label set, a pattern, a length."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from learning.engines.fencing import fenced

MOST_LABELS = 12
ANSWERS_PER_LABEL = 3
LONGEST_LABEL = 60
LONGEST_MASK = 24
SAMPLES = 5
# A few odd answers must not hide a rule that all the others follow.
SHARE_THAT_FOLLOWS = 0.95

PATTERNS: dict[str, str] = {
    "a date in the form YYYY-MM-DD": r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])",
    "a time in the form HH:MM": r"([01]\d|2[0-3]):[0-5]\d",
    "an e-mail address": r"[^@\s]+@[^@\s]+\.[^@\s]+",
    "a web address": r"https?://\S+",
    "a whole number": r"-?\d+",
    "a number": r"-?\d+(\.\d+)?",
}


@dataclass(frozen=True, slots=True)
class OutputForm:
    """The form of the wanted answers. `description` completes "Reply with ..."; empty when nothing is in common.

    `labels` is empty when the answers are free text. `longest` is in words. `sample` is one wanted answer,
    `samples` are a few short ones.
    """

    description: str = ""
    labels: tuple[str, ...] = ()
    expression: str = ""
    longest: int = 0
    lines: int = 1
    sample: str = ""
    samples: tuple[str, ...] = ()

    def admits(self, answer: str) -> bool:
        """Whether an answer has this form, right or wrong."""
        answer = answer.strip()
        if self.labels:
            return answer in self.labels
        if self.expression:
            return re.fullmatch(self.expression, answer) is not None
        return bool(answer) and len(answer.split()) <= 2 * self.longest and answer.count("\n") < self.lines


def describe_form(answers: Sequence[str]) -> OutputForm:
    """Find the form that (nearly) all the wanted answers share. The most telling kind wins."""
    answers = [answer.strip() for answer in answers if answer.strip()]
    if not answers:
        return OutputForm()
    longest = max(len(answer.split()) for answer in answers)
    lines = max(answer.count("\n") + 1 for answer in answers)
    labels = find_labels(answers)
    description, expression = ("", "") if labels else _pattern(answers)
    if labels:
        description = "exactly one of: " + ", ".join(labels)
    return OutputForm(
        description=description or _length(longest, lines),
        labels=labels,
        expression=expression,
        longest=longest,
        lines=lines,
        sample=min(answers, key=len),
        samples=tuple(sorted(set(answers), key=lambda answer: (len(answer), answer))[:SAMPLES]),
    )


def find_labels(answers: Sequence[str]) -> tuple[str, ...]:
    """The closed set that the answers come from, sorted; empty when they look like free text."""
    counts = Counter(answers)
    few = 2 <= len(counts) <= MOST_LABELS and len(answers) >= ANSWERS_PER_LABEL * len(counts)
    return tuple(sorted(counts)) if few and all(map(_can_be_a_label, counts)) else ()


def _can_be_a_label(answer: str) -> bool:
    """Labels are named in instructions as they are: so they are short, of one line, and without marks of a chat."""
    return len(answer.splitlines()) == 1 and fenced(answer, LONGEST_LABEL) == answer


def _pattern(answers: Sequence[str]) -> tuple[str, str]:
    for description, expression in PATTERNS.items():
        if _share(expression, answers) >= SHARE_THAT_FOLLOWS:
            return description, expression
    return _json_keys(answers) or _mask(answers) or _parts(answers) or ("", "")


def _share(expression: str, answers: Sequence[str]) -> float:
    return sum(re.fullmatch(expression, answer) is not None for answer in answers) / len(answers)


def _json_keys(answers: Sequence[str]) -> tuple[str, str] | None:
    keys: set[tuple[str, ...]] = set()
    for answer in answers:
        try:
            value = json.loads(answer)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict):
            return None
        keys.add(tuple(value))
    if len(keys) != 1:
        return None
    return f"a JSON object with the keys {', '.join(keys.pop())}", r"(?s)\{.*\}"


def _mask(answers: Sequence[str]) -> tuple[str, str] | None:
    """One shape for all, such as AA-999: useful only when it holds something besides letters."""
    masks = {re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", answer)) for answer in answers}
    mask = masks.pop()
    if masks or len(mask) > LONGEST_MASK or set(mask) <= {"A", " "}:
        return None
    expression = "".join({"A": r"[^\W\d_]", "9": r"\d"}.get(sign, re.escape(sign)) for sign in mask)
    return f"text in the form {mask} (A stands for a letter, 9 for a digit)", expression


def _parts(answers: Sequence[str]) -> tuple[str, str] | None:
    for separator in (" | ", "; ", " - ", ", "):
        counts = {answer.count(separator) for answer in answers}
        if len(counts) == 1 and (parts := counts.pop() + 1) > 1:
            return f'{parts} parts separated by "{separator.strip()}"', _parts_expression(separator, parts)
    return None


def _parts_expression(separator: str, parts: int) -> str:
    return re.escape(separator).join([r"[^\n]+?"] * parts)


def _length(longest: int, lines: int) -> str:
    if longest == 1:
        return "a single word"
    if lines == 1 and longest <= 30:
        return f"one line of at most {longest} words"
    return ""
