from __future__ import annotations

import pytest

from learning.engines.prompt.output_form import OutputForm, describe_form


@pytest.mark.parametrize(
    ("answers", "description"),
    [
        (["positive", "negative"] * 5, "exactly one of: negative, positive"),
        (["2001-05-09", "1999-12-31", "2020-01-01"], "a date in the form YYYY-MM-DD"),
        (["a@b.org", "x.y@z.net"], "an e-mail address"),
        (["12", "-7", "300"], "a whole number"),
        (["1.5", "2"], "a number"),
        (['{"a": 1, "b": 2}', '{"a": 3, "b": null}'], "a JSON object with the keys a, b"),
        (["AB-123", "XY-987"], "text in the form AA-999 (A stands for a letter, 9 for a digit)"),
        (["Ann Lee | a@b.org", "Bo | b@c.de"], '2 parts separated by "|"'),
        (["Rome", "Paris", "Oslo"], "a single word"),
        (["New York", "Rome"], "one line of at most 2 words"),
        (["a\nb", "c"], ""),
        ([], ""),
    ],
)
def test_the_form_is_read_off_the_answers(answers: list[str], description: str) -> None:
    assert describe_form(answers).description == description


def test_an_answer_nested_without_end_is_an_answer_like_any_other() -> None:
    assert "JSON object" not in describe_form(['{"a": 1}'] * 39 + ["[" * 100_000]).description


def test_one_odd_answer_in_forty_does_not_hide_the_rule() -> None:
    dates = [f"2001-05-{day:02d}" for day in range(1, 29)] * 2
    assert describe_form([*dates, "unknown"]).description == "a date in the form YYYY-MM-DD"


def test_many_different_answers_are_no_label_set() -> None:
    assert describe_form([f"word{n}" for n in range(13)] * 5).labels == ()


@pytest.mark.parametrize(
    ("form", "answer", "fits"),
    [
        (describe_form(["yes", "no"] * 4), " yes ", True),
        (describe_form(["yes", "no"] * 4), "yes.", False),
        (describe_form(["2001-05-09"] * 2), "2001-13-09", False),
        (describe_form(["one two three"] * 2), "four words are fine", True),
        (describe_form(["one two three"] * 2), "but\nnot two lines", False),
        (OutputForm(), "anything", False),
    ],
)
def test_an_answer_can_be_checked_against_the_form(form: OutputForm, answer: str, fits: bool) -> None:
    assert form.admits(answer) is fits
