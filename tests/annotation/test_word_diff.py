"""The word-level difference, and the majority."""

from __future__ import annotations

import random

from annotation.verdicts import majority
from annotation.word_diff import MOST_WORDS, diff_words


def test_a_changed_word_is_deleted_and_inserted() -> None:
    assert diff_words("It is good.", "It is bad.") == [
        ("equal", "It is "), ("delete", "good"), ("insert", "bad"), ("equal", "."),
    ]  # fmt: skip


def test_neighbouring_changes_read_as_one() -> None:
    assert diff_words("take ten days", "take two weeks") == [
        ("equal", "take "), ("delete", "ten days"), ("insert", "two weeks"),
    ]  # fmt: skip


def test_equal_texts_have_no_change_and_empty_ones_no_segment() -> None:
    assert diff_words("same", "same") == [("equal", "same")]
    assert diff_words("", "") == []
    assert diff_words("", "new") == [("insert", "new")]


def test_both_texts_can_be_read_back_from_the_segments() -> None:
    rng = random.Random(7)
    words = ["a", "the", "refund", "takes", "\n", " ", "  ", "ten", ",", ".", "naïve", "日本"]
    for _ in range(200):
        old, new = ("".join(rng.choices(words, k=rng.randrange(30))) for _ in range(2))
        segments = diff_words(old, new)
        assert "".join(text for op, text in segments if op != "insert") == old
        assert "".join(text for op, text in segments if op != "delete") == new


def test_texts_that_would_take_long_are_shown_whole() -> None:
    old, new = "a " * MOST_WORDS, "b " * MOST_WORDS
    assert diff_words(old, new) == [("delete", old), ("insert", new)]


def test_more_voices_win_and_a_tie_decides_nothing() -> None:
    assert majority(["approve", "reject", "approve"]) == "approve"
    assert majority(["approve", "reject"]) is None
    assert majority([]) is None
