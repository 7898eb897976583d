"""Rubrics: their questions, their versions, and the answers that fit them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from annotation.models import AnnotationQueue, ExpertAnnotation, QuestionKind, Rubric
from organizations import audit
from organizations.errors import Conflict, Missing, Refused

MOST_QUESTIONS, MOST_OPTIONS = 30, 30
LONGEST_KEY, LONGEST_LABEL, LONGEST_ANSWER = 50, 500, 10_000  # characters
PARTS = {"key", "label", "kind", "required", "options", "lowest", "highest", "help"}


def create_rubric(*, name: str, questions: list[dict[str, Any]]) -> Rubric:
    """The first version. Raises Refused for impossible questions, Conflict when the name is taken."""
    if not name.strip():
        raise Refused("Give the rubric a name.", "name")
    if Rubric.objects.filter(name=name).exists():
        raise Conflict(f"There is a rubric called {name!r} already.", "name")
    rubric = Rubric.objects.create(name=name, questions=check_questions(questions))
    audit.record(action="rubric.created", target=rubric, after={"name": name, "version": 1})
    return rubric


def revise_rubric(*, rubric: Rubric, questions: list[dict[str, Any]]) -> Rubric:
    """Other questions: in place while no review has answered the old ones, else as a new version.

    Queues that ask the newest version go on with what is returned. Raises Refused for impossible questions.
    """
    checked = check_questions(questions)
    with transaction.atomic():
        # FOR UPDATE waits for reviews that are just being written with this rubric: they hold its key.
        versions = list(Rubric.objects.select_for_update().filter(name=rubric.name).order_by("-version"))
        newest = versions[0]
        if is_frozen(newest):
            revised = Rubric.objects.create(name=rubric.name, version=newest.version + 1, questions=checked)
            AnnotationQueue.objects.filter(rubric=newest).update(rubric=revised)
        else:
            revised = newest
            Rubric.objects.filter(pk=newest.pk).update(questions=checked)
            revised.questions = checked
        audit.record(
            action="rubric.revised", target=revised, before={"version": newest.version},
            after={"version": revised.version},
        )  # fmt: skip
    return revised


def is_frozen(rubric: Rubric) -> bool:
    """Whether a review has answered this version."""
    return ExpertAnnotation.objects.filter(rubric=rubric).exists()


def find_rubric(*, rubric_id: UUID) -> Rubric:
    """Raises Missing."""
    rubric = Rubric.objects.filter(pk=rubric_id).first()
    if rubric is None:
        raise Missing(f"There is no rubric {rubric_id}.", "rubric")
    return rubric


def newest_rubrics() -> list[Rubric]:
    """The newest version of each rubric, by name."""
    newest = dict(Rubric.objects.values_list("name").annotate(newest=Max("version")))
    return [rubric for rubric in Rubric.objects.order_by("name") if newest[rubric.name] == rubric.version]


def check_questions(questions: Any) -> list[dict[str, Any]]:
    """The questions, complete. Raises Refused, naming the question at fault."""
    if not isinstance(questions, list) or not 1 <= len(questions) <= MOST_QUESTIONS:
        raise Refused(f"Ask 1 to {MOST_QUESTIONS} questions.", "questions")
    checked = [_check_question(question, f"questions.{place}") for place, question in enumerate(questions)]
    keys = [question["key"] for question in checked]
    if len(set(keys)) < len(keys):
        raise Refused("Each question needs a key of its own.", "questions")
    return checked


def check_answers(rubric: Rubric | None, answers: dict[str, Any], *, complete: bool = True) -> dict[str, Any]:
    """The answers, if they fit the questions. Raises Refused with the field `answers.KEY`."""
    questions = {question["key"]: question for question in rubric.questions} if rubric else {}
    for key, value in answers.items():
        if key not in questions:
            raise Refused(f"The rubric has no question {key[:LONGEST_KEY]!r}.", f"answers.{key[:LONGEST_KEY]}")
        if not _fits(questions[key], value):
            raise Refused(f"{_wanted(questions[key])}", f"answers.{key}")
    for key, question in questions.items():
        if complete and question["required"] and answers.get(key) in (None, "", []):
            raise Refused("This question must be answered.", f"answers.{key}")
    return {key: value for key, value in answers.items() if value is not None}


def _check_question(question: Any, field: str) -> dict[str, Any]:
    if not isinstance(question, dict) or set(question) - PARTS:
        raise Refused(f"A question has these parts: {', '.join(sorted(PARTS))}.", field)
    key, label, kind = (question.get(part) for part in ("key", "label", "kind"))
    if not isinstance(key, str) or not key.isidentifier() or len(key) > LONGEST_KEY:
        raise Refused(f"The key is a word of letters, digits and _, up to {LONGEST_KEY} characters.", f"{field}.key")
    if not isinstance(label, str) or not 0 < len(label.strip()) <= LONGEST_LABEL:
        raise Refused(f"The label is the question itself, up to {LONGEST_LABEL} characters.", f"{field}.label")
    if kind not in QuestionKind.values:
        raise Refused(f"Choose one of {', '.join(QuestionKind.values)}.", f"{field}.kind")
    required, told = question.get("required", False), question.get("help", "")
    if not isinstance(required, bool) or not isinstance(told, str) or len(told) > LONGEST_LABEL:
        raise Refused("required is true or false, help a short text.", field)
    base = {"key": key, "label": label, "kind": kind, "required": required, "help": told}
    return base | _check_range(question, str(kind), field)


def _check_range(question: dict[str, Any], kind: str, field: str) -> dict[str, Any]:
    if kind in (QuestionKind.CHOICE, QuestionKind.MULTIPLE):
        options = question.get("options")
        texts = isinstance(options, list) and all(isinstance(o, str) and 0 < len(o) <= 200 for o in options)
        if not texts or not 2 <= len(set(options or [])) == len(options or []) <= MOST_OPTIONS:
            raise Refused(f"Give 2 to {MOST_OPTIONS} options, each a different text.", f"{field}.options")
        return {"options": options}
    if kind == QuestionKind.SCALE:
        low, high = question.get("lowest", 1), question.get("highest", 5)
        if not all(isinstance(end, int) and not isinstance(end, bool) for end in (low, high)) or not low < high <= 100:
            raise Refused("A scale runs from a lower to a higher whole number, up to 100.", field)
        return {"lowest": low, "highest": high}
    return {}


def _fits(question: dict[str, Any], value: Any) -> bool:
    kind = question["kind"]
    if value is None:
        return True
    if kind == QuestionKind.YES_NO:
        return isinstance(value, bool)
    if kind == QuestionKind.CHOICE:
        return value in question["options"]
    if kind == QuestionKind.MULTIPLE:
        chosen = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return chosen and set(value) <= set(question["options"]) and len(set(value)) == len(value)
    if kind == QuestionKind.SCALE:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and question["lowest"] <= value <= question["highest"]
    return isinstance(value, str) and len(value) <= LONGEST_ANSWER


def _wanted(question: dict[str, Any]) -> str:
    kind = question["kind"]
    if kind == QuestionKind.YES_NO:
        return "Answer true or false."
    if kind == QuestionKind.CHOICE:
        return f"Choose one of {', '.join(question['options'])}."
    if kind == QuestionKind.MULTIPLE:
        return f"Choose some of {', '.join(question['options'])}, each once."
    if kind == QuestionKind.SCALE:
        return f"Answer with a whole number from {question['lowest']} to {question['highest']}."
    return f"Answer with a text of up to {LONGEST_ANSWER} characters."
