"""Who can be relied on, found without knowing what is right."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from annotation.reliability import SMOOTHING, TRUST, Vote, dawid_skene, weigh_votes
from tests.annotation.test_agreement import read

LABELS = ("approve", "reject", "request_changes")


def simulated(accuracies: dict[str, float], items: int, seed: int) -> tuple[list[Vote], list[str]]:
    """Votes of raters who are right with these probabilities, and what is right."""
    rng = np.random.default_rng(seed)
    truth = [str(label) for label in rng.choice(LABELS, items, p=[0.6, 0.3, 0.1])]
    votes = [
        Vote(
            item, rater, right if rng.random() < accuracy else str(rng.choice([one for one in LABELS if one != right]))
        )
        for item, right in enumerate(truth)
        for rater, accuracy in accuracies.items()
    ]
    return votes, truth


def test_a_careless_expert_stands_out_and_the_consensus_is_better_than_the_majority() -> None:
    raters = {"careful": 0.92, "steady": 0.88, "fair": 0.8, "careless": 0.36}
    votes, truth = simulated(raters, 300, seed=3)
    found = dawid_skene(votes, LABELS)
    assert min(found.accuracies, key=lambda rater: found.accuracies[rater]) == "careless"
    for rater, accuracy in raters.items():
        assert found.accuracies[rater] == pytest.approx(accuracy, abs=0.1)
    consensus = [max(found.posteriors[item], key=found.posteriors[item].__getitem__) for item in range(300)]
    counted = [majority_of([vote.label for vote in votes if vote.item == item]) for item in range(300)]
    right = [sum(map(str.__eq__, labels, truth)) for labels in (consensus, counted)]
    assert right[0] > right[1] and right[0] >= 0.93 * 300


def majority_of(labels: list[str]) -> str:
    return max(LABELS, key=labels.count)


def test_no_round_makes_the_estimate_less_likely() -> None:
    votes, _ = simulated({"a": 0.9, "b": 0.7, "c": 0.5}, 80, seed=11)
    likelihoods = dawid_skene(votes, LABELS).log_likelihoods
    assert len(likelihoods) > 2
    assert all(later >= earlier - 1e-9 for earlier, later in itertools.pairwise(likelihoods))


def test_the_estimate_equals_a_plain_one_written_out_in_loops() -> None:
    votes, _ = simulated({"a": 0.9, "b": 0.6, "c": 0.8}, 25, seed=5)
    ours, plain = dawid_skene(votes, LABELS), plain_dawid_skene(votes)
    for item in range(25):
        for label in LABELS:
            assert ours.posteriors[item][label] == pytest.approx(plain[item][label], abs=1e-5)


def plain_dawid_skene(votes: list[Vote]) -> dict[Any, dict[str, float]]:
    items, raters = {vote.item for vote in votes}, {vote.rater for vote in votes}
    by_item = {item: [vote for vote in votes if vote.item == item] for item in items}
    belief = {
        item: {label: sum(vote.label == label for vote in cast) / len(cast) for label in LABELS}
        for item, cast in by_item.items()
    }
    for _ in range(200):
        prior = {label: SMOOTHING + sum(belief[item][label] for item in items) for label in LABELS}
        table = {}
        for rater, right, taken in itertools.product(raters, LABELS, LABELS):
            seen = [vote.item for vote in votes if vote.rater == rater and vote.label == taken]
            table[rater, right, taken] = (
                SMOOTHING + TRUST * (right == taken) + sum(belief[item][right] for item in seen)
            )
        for item in items:
            scores = {}
            for right in LABELS:
                score = prior[right] / sum(prior.values())
                for vote in by_item[item]:
                    row = sum(table[vote.rater, right, taken] for taken in LABELS)
                    score *= table[vote.rater, right, vote.label] / row
                scores[right] = score
            belief[item] = {label: score / sum(scores.values()) for label, score in scores.items()}
    return belief


def test_real_reviewers_with_different_strictness_get_tables_that_say_so() -> None:
    """Of three people who judged edits, the second is known to accept most and the first to accept least."""
    names = {0.0: "reject", 1.0: "approve"}
    votes = [
        Vote(item, rater, names[value])
        for rater, row in enumerate(read("edits"))
        for item, value in enumerate(row)
        if not np.isnan(value)
    ]
    found = dawid_skene(votes, ("approve", "reject"))
    lenience = {rater: found.confusions[rater]["reject"]["approve"] for rater in (0, 1, 2)}
    assert lenience[1] > lenience[2] > lenience[0]


def test_votes_are_weighed_by_who_cast_them() -> None:
    careful = {right: {taken: 0.9 if right == taken else 0.05 for taken in LABELS} for right in LABELS}
    careless = {right: dict.fromkeys(LABELS, 1 / 3) for right in LABELS}
    tables = {"careful": careful, "careless": careless, "other careless": careless}
    votes = {"careful": "approve", "careless": "reject", "other careless": "reject"}
    assert weigh_votes(votes, tables, LABELS)["approve"] == pytest.approx(0.9)
    assert weigh_votes(votes, {}, LABELS)["reject"] > 0.5
    assert weigh_votes({}, {}, LABELS)["approve"] == pytest.approx(1 / 3)


def test_nothing_comes_of_no_votes_and_a_label_must_be_known() -> None:
    empty = dawid_skene([], LABELS)
    assert not empty.posteriors and not empty.accuracies
    with pytest.raises(ValueError, match="unknown"):
        dawid_skene([Vote(1, "a", "maybe")], LABELS)
