"""How much of a text a pattern would change: words count whole."""

from __future__ import annotations

import pytest

from organizations.redaction.breadth import ORDINARY, share_changed
from organizations.redaction.own_patterns import OwnRecognizer


@pytest.mark.parametrize(
    ("pattern", "share"), [("one", 0.25), ("n", 0.25), (" ", 1.0), (r"\w+", 1.0), ("five", 0.0), ("one two", 0.5)]
)
def test_a_word_counts_whole(pattern: str, share: float) -> None:
    assert share_changed(["one two ", "tre fix "], OwnRecognizer("X", pattern)) == share


def test_without_texts_nothing_is_changed() -> None:
    assert share_changed([""], OwnRecognizer("X", "x")) == 0


@pytest.mark.parametrize("pattern", [r"\w", ".", r"\S+", " ", "[a-z]", "e", r"[A-Za-z]+", "(?s).{1,5}"])
def test_what_matches_everything_changes_much_of_an_ordinary_text(pattern: str) -> None:
    assert share_changed([ORDINARY], OwnRecognizer("X", pattern)) > 0.2


@pytest.mark.parametrize("pattern", [r"\d+", r"\bC-\d{6}\b", "@", r"[A-Z]{2}\d+", r"\b(?i:lamp)\b"])
def test_what_matches_something_of_its_own_changes_little(pattern: str) -> None:
    assert share_changed([ORDINARY], OwnRecognizer("X", pattern)) < 0.1
