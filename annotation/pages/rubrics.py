"""Rubrics: the questions that reviewers answer."""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from annotation.models import QuestionKind, Rubric
from annotation.pages.form_rows import split_issues
from annotation.services.rubrics import (
    LONGEST_KEY,
    LONGEST_LABEL,
    MOST_QUESTIONS,
    create_rubric,
    is_frozen,
    newest_rubrics,
    revise_rubric,
)
from organizations.errors import Refused
from organizations.permissions import page

WITH_OPTIONS = (QuestionKind.CHOICE, QuestionKind.MULTIPLE)
ENDS = re.compile(r"\s*(-?\d{1,3})\s*(?:-|–|to)\s*(-?\d{1,3})\s*")


class QuestionForm(forms.Form):
    """One question as a row."""

    use_required_attribute = False

    key = forms.CharField(required=False, max_length=LONGEST_KEY, widget=forms.HiddenInput)
    label = forms.CharField(max_length=LONGEST_LABEL, label="Question")
    kind = forms.ChoiceField(choices=QuestionKind.choices, label="Answer")
    options = forms.CharField(
        required=False,
        max_length=5000,
        label="To choose from",
        help_text="Texts separated by semicolons; a scale as 1-5.",
    )
    help = forms.CharField(required=False, max_length=LONGEST_LABEL, label="Help")
    required = forms.BooleanField(required=False, label="Must be answered")


QuestionRows = forms.formset_factory(
    QuestionForm, extra=1, can_delete=True, can_order=True, max_num=MOST_QUESTIONS, absolute_max=MOST_QUESTIONS + 5
)


class NameForm(forms.Form):
    name = forms.CharField(max_length=100)


@page(role="manager")
def rubric_list(request: Any) -> HttpResponse:
    return render(request, "annotation/rubrics.html", {"rubrics": newest_rubrics()})


@page(role="manager", methods=("GET", "POST"))
def rubric_new(request: Any) -> HttpResponse:
    name, rows = NameForm(request.POST or None), QuestionRows(request.POST or None)
    problem = ""
    if request.method == "POST" and name.is_valid() and rows.is_valid():
        try:
            rubric = create_rubric(name=name.cleaned_data["name"], questions=read_questions(rows))
        except Refused as error:
            problem = error.message
        else:
            messages.success(request, f"{rubric} is there. Choose it in the rules of a queue.")
            return redirect("review-rubrics")
    return render(request, "annotation/rubric.html", {"name": name, "rows": rows, "problem": problem})


@page(role="manager", methods=("GET", "POST"))
def rubric_edit(request: Any, rubric_id: UUID) -> HttpResponse:
    """Other questions: in place, or as a new version once reviews have answered this one."""
    rubric = Rubric.objects.filter(pk=rubric_id).first()
    if rubric is None:
        raise Http404("There is no such rubric.")
    newest = next(each for each in newest_rubrics() if each.name == rubric.name)
    rows = QuestionRows(request.POST or None, initial=[shown_question(question) for question in newest.questions])
    problem = ""
    if request.method == "POST" and rows.is_valid():
        try:
            revised = revise_rubric(rubric=newest, questions=read_questions(rows))
        except Refused as error:
            problem = error.message
        else:
            messages.success(request, f"Saved as version {revised.version}.")
            return redirect("review-rubrics")
    context = {"rubric": newest, "rows": rows, "problem": problem, "frozen": is_frozen(newest)}
    return render(request, "annotation/rubric.html", context)


def read_questions(rows: Any) -> list[dict[str, Any]]:
    """The questions of the rows in their order; new ones get a key made of their words."""
    kept = [form.cleaned_data for form in rows.ordered_forms if form.cleaned_data.get("label")]
    taken = {row["key"] for row in kept if row["key"]}
    questions = []
    for row in kept:
        key = row["key"] or _new_key(row["label"], taken)
        taken.add(key)
        questions.append(
            {"key": key} | {name: row[name] for name in ("label", "kind", "required", "help")} | _range(row)
        )
    return questions


def shown_question(question: dict[str, Any]) -> dict[str, Any]:
    """A stored question as its row."""
    options = "; ".join(question.get("options", []))
    if question["kind"] == QuestionKind.SCALE:
        options = f"{question['lowest']}-{question['highest']}"
    return question | {"options": options}


def _range(row: dict[str, Any]) -> dict[str, Any]:
    if row["kind"] in WITH_OPTIONS:
        return {"options": split_issues(row["options"])}
    if row["kind"] == QuestionKind.SCALE and row["options"].strip():
        ends = ENDS.fullmatch(row["options"])
        if ends is None:
            raise Refused(f"{row['label']}: write the ends of the scale as 1-5.")
        return {"lowest": int(ends[1]), "highest": int(ends[2])}
    return {}


def _new_key(label: str, taken: set[str]) -> str:
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    word = re.sub(r"\W+", "_", plain).strip("_")[:40] or "question"
    word = word if word.isidentifier() else f"q_{word}"
    numbered = (word if number == 1 else f"{word}_{number}" for number in range(1, MOST_QUESTIONS + 2))
    return next(key for key in numbered if key not in taken)
