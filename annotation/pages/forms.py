"""The review form as a browser sends it, with or without JavaScript."""

from __future__ import annotations

from typing import Any

from django import forms

from annotation.models import Decision, FlagReason
from annotation.models.annotations import SCORES
from annotation.pages.form_rows import BadRow, CategoryRow, read_answers, read_categories, shown_rows, typed_rows
from annotation.services.flags import LONGEST_NOTE
from annotation.services.opinions import LONGEST_TEXT, MOST_SECONDS, STRONGEST, Opinion
from annotation.services.preferences import SIDES

SKIP, FLAG = "skip", "flag"
ACTIONS = [*Decision.choices, (SKIP, "Skip"), (FLAG, "Flag")]
TYPED = (*SCORES, "notes", "improvement_suggestions", "confidence", "is_training_data")
BETTER = [("", ""), *((side, side) for side in SIDES)]
ROW_FIELDS = ("category_name", "category_score", "category_issues")


def share(**kwargs: Any) -> forms.FloatField:
    """A number from 0 to 1 that may be left open."""
    return forms.FloatField(
        required=False, min_value=0, max_value=1, widget=forms.NumberInput(attrs={"step": "0.05"}), **kwargs
    )


def text(rows: int, **kwargs: Any) -> forms.CharField:
    return forms.CharField(
        required=False, strip=False, max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": rows}), **kwargs
    )


class ReviewForm(forms.Form):
    """One review. Browsers send line breaks as two characters; here they are one again."""

    use_required_attribute = False

    slot = forms.UUIDField(widget=forms.HiddenInput)
    lease_token = forms.UUIDField(widget=forms.HiddenInput)
    action = forms.ChoiceField(choices=ACTIONS)
    technical_accuracy = share()
    professional_quality = share()
    completeness = share()
    clarity = share()
    corrected_output = text(8, label="The right output")
    notes = text(3, help_text="Why you decided so. Whoever improves the agent reads it.")
    improvement_suggestions = text(2, label="Suggestions", help_text="How the agent could do better, one in each line.")
    confidence = share(label="How sure are you?", help_text="0 is a guess, 1 is certain.")
    is_training_data = forms.BooleanField(required=False, label="Use it for training")
    seconds_spent = forms.IntegerField(required=False, min_value=0, max_value=MOST_SECONDS, widget=forms.HiddenInput)
    better = forms.ChoiceField(required=False, label="Better output", choices=BETTER)
    strength = forms.IntegerField(required=False, min_value=1, max_value=STRONGEST)
    skip_reason = forms.CharField(required=False, max_length=LONGEST_NOTE, label="Why you skip it")
    flag_reason = forms.ChoiceField(required=False, choices=FlagReason.choices)
    flag_note = forms.CharField(required=False, max_length=LONGEST_NOTE)

    def __init__(self, *args: Any, questions: list[dict[str, Any]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions = questions or []

    def clean_corrected_output(self) -> str:
        return plain_lines(self.cleaned_data["corrected_output"])

    def clean_notes(self) -> str:
        return plain_lines(self.cleaned_data["notes"]).strip()

    def clean_improvement_suggestions(self) -> list[str]:
        lines = plain_lines(self.cleaned_data["improvement_suggestions"]).split("\n")
        return [line.strip() for line in lines if line.strip()]

    def clean(self) -> dict[str, Any]:
        try:
            categories = read_categories(self.category_rows())
        except BadRow as error:
            raise forms.ValidationError(str(error)) from error
        return self.cleaned_data | {"categories": categories}

    def category_rows(self) -> list[CategoryRow]:
        """The categories as they are typed, or as the draft has them."""
        if self.is_bound:
            data: Any = self.data
            return typed_rows(*(data.getlist(name) for name in ROW_FIELDS))
        return shown_rows(self.initial.get("categories"))

    def answers(self) -> dict[str, Any]:
        """The answers to the rubric as they are typed, or as the draft has them."""
        if self.is_bound:
            return read_answers(self.questions, self.data)
        held = self.initial.get("answers")
        return held if isinstance(held, dict) else {}

    def opinion(self, *, proposed: str, preferred: str = "") -> Opinion:
        """What was said; a text that was left as it was proposed is no correction."""
        given = self.cleaned_data
        corrected = given["corrected_output"]
        return Opinion(
            decision=given["action"],
            corrected_output="" if corrected.strip() == plain_lines(proposed).strip() else corrected,
            seconds_spent=given["seconds_spent"],
            categories=given["categories"],
            answers=self.answers(),
            preferred=preferred,
            strength=given["strength"] if preferred else None,
            **{name: given[name] for name in TYPED},
        )


def initial_values(*, draft: dict[str, Any], proposed: str) -> dict[str, Any]:
    """What the form starts with: the draft where there is one. An application may have kept anything in it."""
    names = (*TYPED, "categories", "answers", "seconds_spent", "better", "strength")
    values = {"is_training_data": True} | {name: draft[name] for name in names if draft.get(name) not in (None, "")}
    suggestions = values.get("improvement_suggestions")
    if isinstance(suggestions, list):
        values["improvement_suggestions"] = "\n".join(str(line) for line in suggestions)
    corrected = draft.get("corrected_output")
    return values | {"corrected_output": corrected if corrected and isinstance(corrected, str) else proposed}


def plain_lines(value: str) -> str:
    return value.replace("\r\n", "\n")
