"""A JSON object that is typed into a form, within the bounds of the API's own JSON."""

from __future__ import annotations

from typing import Any

from django import forms

from organizations.parsers import parse_typed

MOST_CHARACTERS = 50_000


class JSONObjectField(forms.Field):
    """Gives a dictionary, None for nothing typed. What was typed is shown again to the letter, whatever it was.

    forms.JSONField reads and writes what it cannot bound: endless digits, endless nesting, text without an encoding.
    """

    widget = forms.Textarea

    def to_python(self, value: Any) -> dict[str, Any] | None:
        """Raises ValidationError for what is no JSON object, or one that cannot be kept."""
        text = str(value or "").strip()
        if not text:
            return None
        if len(text) > MOST_CHARACTERS:
            raise forms.ValidationError(f"These are {len(text):,} characters; at most {MOST_CHARACTERS:,} are kept.")
        try:
            document = parse_typed(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        if not isinstance(document, dict):
            raise forms.ValidationError("This must be a JSON object: { ... }.")
        return document
