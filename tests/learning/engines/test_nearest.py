from __future__ import annotations

import math
import random

import pytest

from learning.engines.nearest import NearestTexts, without_template
from learning.engines.types import MOST_NEAREST, Demonstration, Prompt

TEXTS = [
    "Where is my parcel?",
    "I want a refund for these shoes.",
    "My card was refused.",
    "注文した本はどこですか",
    "返金してください",
]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("where's the PARCEL", 0),
        ("can you refund me", 1),
        ("refunded shoess", 1),
        ("credit cards refused again", 2),
        ("返金したいです", 4),
        ("", 0),
    ],
)
def test_the_nearest_text_shares_the_rarest_signs(text: str, place: int) -> None:
    assert NearestTexts(TEXTS).places(text, 1) == [place]


def test_of_equals_the_first_comes_first_and_no_more_than_there_are() -> None:
    assert NearestTexts(["a b", "b a", "c"]).places("a b", 9) == [0, 1, 2]
    assert NearestTexts(["x", "y"]).places("no sign in common", 2) == [0, 1]
    assert NearestTexts([]).places("anything", 3) == []


def test_likeness_is_the_cosine_of_trigrams_weighted_by_how_rare_they_are() -> None:
    """By hand: the two trigrams of "ab" stand in two texts of three, those of "cd" in two, of "ef" in one."""
    twice, once = math.log(4 / 3) + 1, math.log(4 / 2) + 1
    with_ab = twice / math.hypot(twice, twice)  # "ab cd"
    with_ef = (1 + math.log(2)) * twice / math.hypot((1 + math.log(2)) * twice, once)  # "cd cd ef"
    assert with_ef > with_ab
    assert NearestTexts(["ab", "ab cd", "cd cd ef"]).places("cd", 3) == [2, 1, 0]


def test_only_the_beginning_of_an_endless_text_counts() -> None:
    found = NearestTexts(["alpha", "omega"])
    assert found.places("alpha " * 300 + "omega " * 10_000, 1) == [0]


def prompt(nearest: int = 2) -> Prompt:
    shown = tuple(Demonstration(f"Text: {text}", str(place)) for place, text in enumerate(TEXTS))
    return Prompt("Answer.", shown, input_template="Text: {input}", nearest=nearest)


def test_a_question_is_asked_with_the_examples_most_like_it_the_most_alike_last() -> None:
    turns = prompt().messages("a refund of a refused card")
    assert [turn["content"] for turn in turns if turn["role"] == "assistant"] == ["1", "2"]
    assert turns[-1] == {"role": "user", "content": "Text: a refund of a refused card"}
    assert [one.output for one in prompt().shown("the parcel")][-1] == "0"


def test_a_long_template_does_not_hide_what_is_asked() -> None:
    template = "Rules. " * 400 + "{input}" + " Answer briefly." * 5
    shown = tuple(Demonstration(template.replace("{input}", text), str(place)) for place, text in enumerate(TEXTS))
    long = Prompt("", shown, input_template=template, nearest=1)
    assert [long.shown(text)[0].output for text in TEXTS] == ["0", "1", "2", "3", "4"]
    assert [without_template(one, "Say: {input}!", "{input}") for one in ("Say: a!", "Say: !", "Say:!", "a", "")] == [
        "a", "", "Say:!", "a", "",
    ]  # fmt: skip


def test_without_a_number_all_examples_are_shown_in_their_order() -> None:
    assert [one.output for one in prompt(0).shown("a refused card")] == ["0", "1", "2", "3", "4"]
    assert (prompt(0).shown_count, prompt(2).shown_count, prompt(9).shown_count) == (5, 2, 5)


def test_the_number_survives_in_a_config_and_one_without_it_keeps_its_hash() -> None:
    assert Prompt.from_content(prompt().content()) == prompt()
    assert prompt().content()["nearest_examples"] == 2
    assert "nearest_examples" not in prompt(0).content()
    assert Prompt.from_content(prompt(0).content() | {"nearest_examples": 0}).digest == prompt(0).digest
    assert prompt().digest != prompt(0).digest


@pytest.mark.parametrize("wrong", [-1, MOST_NEAREST + 1, True, "4", 2.0, None])
def test_an_impossible_number_is_refused_by_its_name(wrong: object) -> None:
    with pytest.raises(ValueError, match="nearest_examples must be a whole number from 0 to 100"):
        Prompt.from_content(prompt().content() | {"nearest_examples": wrong})


def test_the_order_does_not_hang_on_what_was_asked_before() -> None:
    questions = [" ".join(random.Random(n).choices(" ".join(TEXTS).split(), k=4)) for n in range(50)]
    once = [prompt().shown(one) for one in questions]
    assert [prompt().shown(one) for one in reversed(questions)] == once[::-1]
