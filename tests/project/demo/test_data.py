"""The demo's texts and how they are drawn."""

from __future__ import annotations

from collections import Counter

import pytest

from project.demo.data import FOLDER, Item, draw, read_edits, read_items


def test_reviews_are_several_hundred_balanced_sentences() -> None:
    assert Counter(item.expected for item in read_items("reviews")) == {"positive": 360, "negative": 360}


def test_messages_are_balanced_over_five_intents() -> None:
    assert Counter(item.expected for item in read_items("messages")) == dict.fromkeys(
        ["activate", "broken", "estimate", "late", "lost"], 62
    )


def test_each_edit_was_decided_by_at_least_two_reviewers_who_often_disagree() -> None:
    edits = read_edits()
    assert len(edits) == len({edit.key for edit in edits}) == 150 and min(len(edit.decisions) for edit in edits) == 2
    assert sum(len(set(edit.decisions.values())) == 2 for edit in edits) > 40


@pytest.mark.parametrize("name", ["reviews", "messages"])
def test_keys_and_texts_are_unique(name: str) -> None:
    items = read_items(name)
    assert len({item.key for item in items}) == len({item.text.casefold() for item in items}) == len(items)


def test_samples_share_no_text_and_are_balanced() -> None:
    samples = draw(read_items("reviews"), {"learning": 200, "untouched": 100}, seed=3)
    assert not {item.text for item in samples["learning"]} & {item.text for item in samples["untouched"]}
    assert Counter(item.expected for item in samples["untouched"]) == {"positive": 50, "negative": 50}


def test_the_same_seed_draws_the_same_and_another_one_differs() -> None:
    items = read_items("reviews")
    assert draw(items, {"a": 20}, 1) == draw(items, {"a": 20}, 1) != draw(items, {"a": 20}, 2)


def test_more_than_there_is_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="2 items are wanted, there are 1"):
        draw([Item("a", "b", "c")], {"all": 2}, 1)


def test_each_file_has_its_licence_beside_it() -> None:
    for file in FOLDER.glob("*.csv"):
        assert (FOLDER / f"{file.stem}.LICENSE.txt").stat().st_size > 500
        assert f"`{file.name}`" in (FOLDER / "README.md").read_text()
