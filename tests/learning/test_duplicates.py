"""Near-duplicates: the same words in other clothes are one cluster; other texts are not."""

from __future__ import annotations

import csv
import itertools
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from learning.engines.duplicates import BANDS, band_hashes, clusters_of, find_near_duplicates
from learning.engines.similarity import NEAR, are_near, grams, similarity

MESSAGES = Path(__file__).parents[2] / "project" / "demo" / "data" / "messages.csv"


def messages() -> list[str]:
    with MESSAGES.open(newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is my parcel?", "where is my  PARCEL"),
        ("I need to cancel a transfer I made.", "I need to cancel the transfer I made."),
        ("ﬁne café", "fine cafe\u0301"),
        ("ok", "OK!"),
        ("", " ... "),
    ],
)
def test_the_same_in_other_clothes_is_near(one: str, other: str) -> None:
    assert find_near_duplicates([one, "Quite another thing was asked here", other]) == [(0, 2)]


def test_another_question_is_not_near() -> None:
    assert find_near_duplicates(["Where is my parcel?", "Why was my card declined?", "", "x"]) == []


def test_real_messages_with_small_edits_are_found_and_others_are_not() -> None:
    plain = messages()
    texts = [*plain, *(f"{text.rstrip('.?! ')} please" for text in plain)]
    found = set(find_near_duplicates(texts))
    sets = [grams(text) for text in texts]
    truth = {
        (one, other)
        for one, other in itertools.combinations(range(len(sets)), 2)
        if similarity(sets[one], sets[other]) >= NEAR and are_near(texts[one], texts[other])
    }
    assert len(truth) > 100
    assert found <= truth, "every pair is checked exactly"
    assert len(found) / len(truth) > 0.95


def test_a_band_has_the_same_hash_in_every_process() -> None:
    code = "from learning.engines.duplicates import band_hashes; print(band_hashes(['Where is my parcel?']).tolist())"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert printed == {f"{band_hashes(['Where is my parcel?']).tolist()}\n"}


def test_many_copies_of_one_text_are_one_cluster_and_few_pairs() -> None:
    texts = ["Where is my parcel?"] * 2000
    pairs = find_near_duplicates(texts)
    assert len(pairs) < 3 * len(texts)
    assert set(clusters_of(len(texts), pairs).tolist()) == {0}


@pytest.mark.parametrize("pairs", [[(0, 1), (1, 2)], [(1, 2), (0, 2)], [(2, 1), (1, 0), (0, 2)]])
def test_what_is_connected_is_one_cluster_whatever_the_order(pairs: Sequence[tuple[int, int]]) -> None:
    assert clusters_of(4, pairs).tolist() == [0, 0, 0, 3]


def test_no_texts_make_no_hashes() -> None:
    assert band_hashes([]).shape == (0, BANDS) and band_hashes([]).dtype == np.int64
