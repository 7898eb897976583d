"""Numbers in templates, also where the number is not there."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.template import Context, Template


@pytest.mark.parametrize(
    ("value", "words"),
    [(34998, "34,998"), (7, "7"), (Decimal("1234"), "1,234"), (None, "-"), ("", "-"), ("many", "many"), (0, "0")],
)
def test_thousands_are_separated_and_what_is_no_number_breaks_no_page(value: object, words: str) -> None:
    assert (
        Template("{% load quantities %}{{ run.tokens|thousands }}").render(Context({"run": {"tokens": value}})) == words
    )


def test_what_is_not_there_is_a_dash() -> None:
    assert Template("{% load quantities %}{{ run.nothing|thousands }}").render(Context({"run": {}})) == "-"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "yes"), (False, "no"), (None, "none"), ([], "none"), ("", "none"), (0, "0"), (["a", "b", 3], "a, b, 3"),
        ("as it is", "as it is"), ({"größe": None}, '{"größe": null}'), ([{"a": 1}], '[{"a": 1}]'),
    ],
)  # fmt: skip
def test_values_of_an_audit_event_are_words_and_no_code(value: object, words: str) -> None:
    assert (
        Template("{% autoescape off %}{% load quantities %}{{ value|told }}{% endautoescape %}").render(
            Context({"value": value})
        )
        == words
    )
