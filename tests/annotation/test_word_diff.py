"""The word-level difference, and the majority."""

from __future__ import annotations

import random
import time

import pytest

from annotation.verdicts import majority
from annotation.word_diff import MOST_PAIRS, diff_words


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
    old, new = "a " * MOST_PAIRS, "b " * MOST_PAIRS
    assert diff_words(old, new) == [("delete", old[:-1]), ("insert", new[:-1]), ("equal", " ")]


@pytest.mark.parametrize("dots", [600, 100_000])
def test_a_text_made_to_be_slow_holds_nobody_up(dots: int) -> None:
    began = time.process_time()
    assert diff_words("." * dots, ".!" * (dots // 2))[0] == ("equal", ".")
    assert time.process_time() - began < 5


def test_a_small_change_of_a_long_text_is_shown_as_small() -> None:
    many = "word " * 10_000
    assert diff_words(f"{many}good{many}.", f"{many}bad{many}.")[1:3] == [("delete", "goodword"), ("insert", "badword")]


def test_more_voices_win_and_a_tie_decides_nothing() -> None:
    assert majority(["approve", "reject", "approve"]) == "approve"
    assert majority(["approve", "reject"]) is None
    assert majority([]) is None
