"""A JSON object that is typed into a form: bounded as the API bounds it, and shown again as it was typed."""

from __future__ import annotations

import pytest
from django import forms

from learning.pages.json_field import MOST_CHARACTERS, JSONObjectField

HOSTILE = {
    "no JSON": "{",
    "no object": "[]",
    "a text": '"\\ud800"',
    "endless digits": '{"maximum": %s}' % ("1" * 5_000),
    "endless nesting": "[" * 100_000,
    "deep nesting": '{"items": ' * 40 + "{}" + "}" * 40,
    "a NUL": '{"description": "\\u0000"}',
    "half a pair": '{"title": "\\ud800"}',
    "no number": '{"default": NaN}',
    "an infinite number": '{"default": 1e999}',
    "too long": '{"title": "%s"}' % ("x" * MOST_CHARACTERS),
}


class Asking(forms.Form):
    schema = JSONObjectField(required=False)


@pytest.mark.parametrize("typed", HOSTILE.values(), ids=HOSTILE)
def test_what_cannot_be_kept_is_refused_at_the_field_and_stays_as_it_was_typed(typed: str) -> None:
    form = Asking({"schema": typed})
    assert not form.is_valid()
    assert form["schema"].value() == typed
    str(form).encode()


def test_the_message_says_what_and_where() -> None:
    assert Asking({"schema": "{"}).errors["schema"][0].startswith("This is not valid JSON: Expecting")
    assert Asking({"schema": '{"a": {"b": "\\u0000"}}'}).errors["schema"][0].startswith("a.b: This text holds a NUL")


@pytest.mark.parametrize(("typed", "value"), [("", None), ("  ", None), ('{"type": "object"}', {"type": "object"})])
def test_an_object_is_taken_and_nothing_is_none(typed: str, value: object) -> None:
    form = Asking({"schema": typed})
    assert form.is_valid()
    assert form.cleaned_data["schema"] == value
